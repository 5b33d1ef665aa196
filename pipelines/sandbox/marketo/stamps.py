"""Instants as Marketo writes them, and as it reads them.

Leads, members and activities have `2026-11-20T12:00:00Z`, assets `2026-11-20T12:00:00Z+0000`:
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/programs
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.sandbox.clock import iso, parse

CENTRAL = ZoneInfo("America/Chicago")


def moment(text: Any) -> datetime:
    """Read an instant in either way of writing it. ValueError where it is none."""
    return parse(text.removesuffix("+0000") if isinstance(text, str) and text.endswith("Z+0000") else text)


def asset(instant: datetime) -> str:
    """As the asset endpoints have it."""
    return f"{iso(instant)}+0000"


def asked(text: str) -> datetime:
    """Read an instant of a query, which is ISO 8601 and no number. ValueError where it is not."""
    if text.lstrip("-").isdecimal():
        raise ValueError(f"{text} is no date")
    return parse(text)


def quota_day(instant: datetime) -> date:
    """The day whose quotas an instant counts in: they begin anew at midnight in the middle of the United States."""
    return instant.astimezone(CENTRAL).date()
