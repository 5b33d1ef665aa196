"""The sandbox's clock, which stands still until it is set, and the ways in which the vendors write an instant.

Zoom writes `2026-11-20T12:00:00Z`, HubSpot `2026-11-20T12:00:00.000Z` or milliseconds since 1970.
https://developers.zoom.us/docs/api/using-zoom-apis/ and https://developers.hubspot.com/docs/guides/api/crm/properties
"""

from __future__ import annotations

import calendar
import time
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT_NOW = "2026-11-20T12:00:00Z"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Simulated time. It moves only when it is told to."""

    def __init__(self, now: str = DEFAULT_NOW) -> None:
        self.now = parse(now)
        self._skipped = 0.0

    def set(self, now: str) -> None:
        """Stand still at another instant; going back is allowed, tests do it."""
        before, self.now = self.now, parse(now)
        self._skipped += max(0.0, (self.now - before).total_seconds())

    def seconds(self) -> float:
        """Seconds, for what counts calls in a window: real ones, and those by which the clock was set ahead."""
        return time.monotonic() + self._skipped

    @property
    def http_date(self) -> str:
        """The instant as the `Date` header has it."""
        return format_datetime(self.now.replace(microsecond=0), usegmt=True)


def parse(text: Any) -> datetime:
    """Read an instant: ISO 8601 with `Z`, an offset or neither (then it is UTC), a bare date, or epoch milliseconds."""
    if isinstance(text, bool) or text is None:
        raise ValueError(f"{text!r} is no instant")
    if isinstance(text, int | float):
        return from_ms(int(text))
    words = str(text).strip()
    if words.lstrip("-").isdecimal() and len(words) > 8:
        return from_ms(int(words))
    moment = datetime.fromisoformat(words)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_local(text: Any, zone: str) -> datetime:
    """Read an instant that is in the given time zone where it bears no offset (Zoom's `start_time`)."""
    words = str(text).strip()
    moment = datetime.fromisoformat(words)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return moment.replace(tzinfo=time_zone(zone)).astimezone(UTC)


def time_zone(name: str) -> ZoneInfo:
    """The zone of that name, UTC where there is none such."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def from_ms(milliseconds: int) -> datetime:
    """An instant told in milliseconds since 1970. ValueError where it is beyond the calendar."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise ValueError(f"{milliseconds} is beyond the calendar") from error


def to_ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def iso(moment: datetime) -> str:
    """To the second, with `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_ms(moment: datetime) -> str:
    """To the millisecond, with `Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def months_before(moment: datetime, months: int) -> datetime:
    """The same day of an earlier month, or that month's last day."""
    index = moment.year * 12 + moment.month - 1 - months
    year, month = divmod(index, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
