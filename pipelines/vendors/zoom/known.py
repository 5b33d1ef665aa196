"""What the log knows of webinars and sessions, as far as reading must know it: what is over, and since when.

Which occurrence a session belongs to, and whether anybody attended, is not asked here: SQL says that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from pipelines.events import digest
from pipelines.vendors.reading import instant, moment

RECURRING_WITHOUT_TIME = 6
NO_REGISTRATION = 2
LONGEST_MINUTES = 60 * 24 * 31


@dataclass(frozen=True)
class Session:
    """One time that a webinar really ran. `end` is None while it runs.

    Attributes:
        mark: hash of what the history says of it; its counts move when the report is corrected.
    """

    uuid: str
    webinar_id: str
    start: datetime
    end: datetime | None
    mark: str = ""


def sessions(history: Mapping[str, Any], reports: Mapping[str, Any], now: datetime) -> dict[str, Session]:
    """Return all sessions by UUID: of the account's history, and those that only their own report tells of."""
    found: dict[str, Session] = {}
    for uuid, row in reports.items():
        found[uuid] = _session(uuid, row.get("id"), row, now)
    for uuid, row in history.items():
        found[uuid] = _session(uuid, row.get("meeting_id"), row, now)
    return found


def _session(uuid: str, webinar_id: Any, row: dict[str, Any], now: datetime) -> Session:
    mark = digest(orjson.dumps(row)).hex()
    number = str(webinar_id) if isinstance(webinar_id, int | str) else ""
    return Session(uuid, number, moment(row.get("start_time"), now), instant(row.get("end_time")), mark)


def dates_of(webinar: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the occurrences that a webinar lists."""
    told = webinar.get("occurrences")
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def ended_at(webinar: Mapping[str, Any], ran: Iterable[Session], now: datetime) -> datetime | None:
    """Return when a webinar is or was over for good; None where that cannot be told, or it has no fixed time."""
    if webinar.get("type") == RECURRING_WITHOUT_TIME:
        return None
    occurrences: Sequence[Mapping[str, Any]] = dates_of(webinar)
    planned = [one for one in occurrences if one.get("status") != "deleted"] or occurrences or [webinar]
    ends = [scheduled_end(one, webinar) for one in planned]
    known = [end for end in ends if end is not None]
    if not known:
        return None
    lasted = [session.end or now for session in ran]
    return max(known + lasted)


def scheduled_end(occurrence: Mapping[str, Any], webinar: Mapping[str, Any]) -> datetime | None:
    """Return start + duration of an occurrence, or of a webinar that has only one."""
    begun = instant(occurrence.get("start_time"))
    minutes = _minutes(occurrence.get("duration")) or _minutes(webinar.get("duration"))
    return None if begun is None else begun + timedelta(minutes=minutes)


def _minutes(told: Any) -> float:
    """Return a duration; 0 where it is none that a webinar could have."""
    return float(told) if isinstance(told, int | float) and 0 < told <= LONGEST_MINUTES else 0.0


def by_webinar(found: dict[str, Session]) -> dict[str, list[Session]]:
    """Group sessions by the id of their webinar."""
    grouped: dict[str, list[Session]] = {}
    for session in found.values():
        grouped.setdefault(session.webinar_id, []).append(session)
    return grouped


def has_registration(webinar: dict[str, Any]) -> bool:
    """Tell whether people can register; a webinar that does not say may."""
    return bool(_setting(webinar, "approval_type") != NO_REGISTRATION)


def registers_by_occurrence(webinar: dict[str, Any]) -> bool:
    """Tell whether a registration is for single occurrences of the series (registration types 2 and 3)."""
    return _setting(webinar, "registration_type") in (2, 3)


def _setting(webinar: Mapping[str, Any], name: str) -> Any:
    told = webinar.get("settings")
    return told.get(name) if isinstance(told, dict) else None
