"""What the log knows of webinars and sessions, as far as reading must know it: what is over, and since when.

Which occurrence a session belongs to, and whether anybody attended, is not asked here: SQL says that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from pipelines.events import digest
from pipelines.vendors.reading import instant, moment

RECURRING_WITHOUT_TIME = 6
NO_REGISTRATION = 2


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
    return Session(uuid, str(webinar_id or ""), moment(row.get("start_time"), now), instant(row.get("end_time")), mark)


def ended_at(webinar: dict[str, Any], ran: Iterable[Session], now: datetime) -> datetime | None:
    """Return when a webinar is or was over for good; None where that cannot be told, or it has no fixed time."""
    if webinar.get("type") == RECURRING_WITHOUT_TIME:
        return None
    occurrences = webinar.get("occurrences") or []
    planned = [one for one in occurrences if one.get("status") != "deleted"] or occurrences or [webinar]
    ends = [scheduled_end(one, webinar) for one in planned]
    known = [end for end in ends if end is not None]
    if not known:
        return None
    lasted = [session.end or now for session in ran]
    return max(known + lasted)


def scheduled_end(occurrence: dict[str, Any], webinar: dict[str, Any]) -> datetime | None:
    """Return start + duration of an occurrence, or of a webinar that has only one."""
    begun = instant(occurrence.get("start_time"))
    minutes = occurrence.get("duration") or webinar.get("duration") or 0
    return None if begun is None else begun + timedelta(minutes=float(minutes))


def by_webinar(found: dict[str, Session]) -> dict[str, list[Session]]:
    """Group sessions by the id of their webinar."""
    grouped: dict[str, list[Session]] = {}
    for session in found.values():
        grouped.setdefault(session.webinar_id, []).append(session)
    return grouped


def has_registration(webinar: dict[str, Any]) -> bool:
    """Tell whether people can register; a webinar that does not say may."""
    return (webinar.get("settings") or {}).get("approval_type") != NO_REGISTRATION


def registers_by_occurrence(webinar: dict[str, Any]) -> bool:
    """Tell whether a registration is for single occurrences of the series (registration types 2 and 3)."""
    return (webinar.get("settings") or {}).get("registration_type") in (2, 3)
