"""Times of Zoom's CSV exports: wall clocks of one zone, in several forms, without an offset.

Seen in exports of 2020 to 2026: `Mar 28, 2020 08:07:27`, `Mar 28, 2020 8:07 AM`, `Feb 8, 2022 17:58`,
`08/09/2026 10:45:00 AM`, `08/30/2026 20:00:00`. ISO 8601 is read too; an offset in it counts before the zone.

Where clocks are put back an hour comes twice: the first is meant, but a leave that would then lie before its join is
of the second. Where they are put forward, a time in the hour that does not exist is moved forward by the gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from pipelines.errors import UsageError

MISSING = frozenset({"", "-", "--", "NA", "N/A"})
"""What stands where Zoom has no value, spelled just so."""
YEARS = range(2011, 2101)
"""Zoom was founded in 2011."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
)
_NAMED = re.compile(rf"(?P<month>[A-Za-z]{{3,9}})\.?\s+(?P<day>[0-9]{{1,2}}),?\s+(?P<year>[0-9]{{4}}),?\s+{_CLOCK}")
_SLASHED = re.compile(rf"(?P<first>[0-9]{{1,2}})/(?P<second_part>[0-9]{{1,2}})/(?P<year>[0-9]{{4}}),?\s+{_CLOCK}")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?\s?(Z|[+-][0-9:]{4,6})?")


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no value."""
    return text.strip() in MISSING


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo:
    """Return the time zone of this name.

    Raises:
        UsageError: there is none; names those that were probably meant.
    """
    known = _zones()
    if name in known:
        return ZoneInfo(name)
    if not known:
        raise UsageError("this machine knows no time zones. Install them: pip install tzdata.")
    plain = {one.lower(): one for one in sorted(known)}
    wanted = name.strip().lower().replace(" ", "_")
    places = {one.rpartition("/")[2].lower(): one for one in sorted(known, reverse=True) if "/" in one}
    close = [plain[one] for one in get_close_matches(wanted, plain, n=3, cutoff=0.7)]
    close += [places[one] for one in get_close_matches(wanted.rpartition("/")[2], places, n=3, cutoff=0.7)]
    meant = ", ".join(dict.fromkeys(close)) or "for example Europe/Paris, America/New_York, UTC"
    raise UsageError(
        f"--timezone {name}: there is no such time zone. Did you mean {meant}? It is the zone of the Zoom user who "
        "exported the files, as zoom.us/profile shows it."
    )


def is_day_first(cells: Iterable[str]) -> bool:
    """Whether dates with slashes are day before month: most of them can be that alone, and none contradicts."""
    day_first = other = 0
    for cell in cells:
        found = _SLASHED.fullmatch(cell.strip())
        if found is None:
            continue
        first, second = int(found["first"]), int(found["second_part"])
        if second > 12:
            return False
        if first > 12:
            day_first += 1
        else:
            other += 1
    return day_first > other


@dataclass(frozen=True)
class Clock:
    """Reads what the clock on the wall showed, in one zone."""

    zone: ZoneInfo
    is_day_first: bool = False

    def read(self, text: str, *, fold: int = 0) -> datetime | None:
        """Return the UTC moment that a cell tells, None where it has no value.

        Raises:
            ValueError: it is no time that we can read.
        """
        if is_missing(text):
            return None
        moment = self._local(" ".join(text.split()), fold).astimezone(UTC)
        if moment.year not in YEARS:
            raise ValueError(f"{text!r} is of no year in which Zoom ran")
        return moment

    def read_span(self, join: str, leave: str) -> tuple[datetime | None, datetime | None]:
        """Return the UTC moments of a join and a leave, each None where it has no value.

        Raises:
            ValueError: one of them is no time that we can read.
        """
        joined, left = self.read(join), self.read(leave)
        if joined is not None and left is not None and left < joined:
            left = self.read(leave, fold=1)
        return joined, left

    def _local(self, text: str, fold: int) -> datetime:
        if _ISO.fullmatch(text):
            told = datetime.fromisoformat(text.replace(" Z", "Z").replace(",", "."))
            if told.year not in YEARS:
                raise ValueError(f"{text!r} is of no year in which Zoom ran")
            return told if told.tzinfo is not None else told.replace(tzinfo=self.zone, fold=fold)
        if found := _NAMED.fullmatch(text):
            name = found["month"].lower()
            if name[:3] not in _MONTHS:
                raise ValueError(f"{text!r} has no month that we know")
            month, day = _MONTHS.index(name[:3]) + 1, int(found["day"])
        elif found := _SLASHED.fullmatch(text):
            month, day = int(found["first"]), int(found["second_part"])
            if self.is_day_first:
                month, day = day, month
        else:
            raise ValueError(f"{text!r} is no time that we can read")
        year, hour = int(found["year"]), int(found["hour"])
        if year not in YEARS:
            raise ValueError(f"{text!r} is of no year in which Zoom ran")
        if found["half"]:
            if hour > 12:
                raise ValueError(f"{text!r} is no time of a clock of twelve hours")
            hour = hour % 12 + (12 if found["half"][0] in "Pp" else 0)
        minute, second = int(found["minute"]), int(found["second"] or 0)
        try:
            return datetime(year, month, day, hour, minute, second, tzinfo=self.zone, fold=fold)
        except ValueError as error:
            raise ValueError(f"{text!r} is no time: {error}") from None
