"""The peers: the same published tables computed as one would without turnout, from what the vendors delivered.

All start from the same Parquet files (JSON in a column, redeliveries among them, addresses as people typed them), and
may take the made company's settings for granted: nothing excluded, no users of the CRM, single webinars, no merges.
"""

OUTPUTS = ("contact_metrics", "contact_webinars", "contact_timeline", "webinars", "sync_hubspot_contacts")
"""The tables that every engine computes, row for row the same."""
