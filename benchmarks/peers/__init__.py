"""The peers: the same published tables computed as one would without turnout, from what the vendors delivered.

All start from the same Parquet files (JSON in a column, redeliveries among them, addresses as people typed them), and
may take the made company's settings for granted: nothing excluded, no users of the CRM, single webinars, no merges.
"""

from __future__ import annotations

from datetime import datetime

OUTPUTS = (
    "contact_metrics",
    "contact_webinars",
    "contact_timeline",
    "webinars",
    "sync_hubspot_contacts",
    "sync_hubspot_attendances",
)
"""The tables that every engine computes, row for row the same."""


def year_before(moment: datetime) -> datetime:
    """Return the same day a year earlier; of a 29 February the 28th."""
    try:
        return moment.replace(year=moment.year - 1)
    except ValueError:
        return moment.replace(year=moment.year - 1, day=28)
