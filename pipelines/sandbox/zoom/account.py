"""A Zoom account as the sandbox keeps it: the world file's own records, and ways to find them.

Occurrences are the schedule, instances are sessions that ran; `occurrence_id` and `practice_session` of an instance are
the sandbox's own knowledge and never part of an answer.
https://developers.zoom.us/docs/api/meetings/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import parse, parse_local

Record = dict[str, Any]
RECURRING = {3, 6, 8, 9}
NO_FIXED_TIME = {3, 6}


@dataclass
class Session:
    """One instance: a session of a webinar or meeting that ran, or will."""

    kind: str
    series: Record
    run: Record
    start: datetime
    end: datetime | None

    @property
    def uuid(self) -> str:
        return str(self.run["uuid"])

    def ended(self, now: datetime) -> bool:
        return self.end is not None and self.end <= now

    @property
    def minutes(self) -> int:
        """Length in minutes, begun ones counted whole."""
        return 0 if self.end is None else -int(-(self.end - self.start).total_seconds() // 60)


class ZoomAccount:
    """Finds users, webinars, meetings and sessions of one account."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.users: list[Record] = record["users"]
        self.series: dict[str, dict[str, Record]] = {
            kind: {str(item["id"]): item for item in record[kind]} for kind in ("webinars", "meetings")
        }
        self.sessions: dict[str, Session] = {}
        for kind, items in self.series.items():
            for item in items.values():
                for session in sessions_of(kind, item):
                    self.sessions[session.uuid] = session
        self.addresses = {str(user["email"]).strip().lower() for user in self.users}
        self.counts: Counter[tuple[object, ...]] = Counter()

    def counted(self, what: tuple[object, ...]) -> int:
        """Count one more of something that Zoom caps; how often it has been."""
        self.counts[what] += 1
        return self.counts[what]

    def user(self, name: str) -> Record | None:
        """A user by id or address; `me` is the first one."""
        if name == "me":
            return next((user for user in self.users if "id" in user), None)
        folded = name.lower()
        return next((u for u in self.users if u.get("id") == name or str(u["email"]).lower() == folded), None)

    def hosted(self, kind: str, user: Record) -> list[Record]:
        return [item for item in self.series[kind].values() if item["host_id"] == user.get("id")]

    def host_of(self, item: Record) -> Record:
        """The host's user record, or what the webinar itself says of a host who is gone."""
        found = next((user for user in self.users if user.get("id") == item["host_id"]), None)
        return found or {"id": item["host_id"], "email": item["host_email"], "first_name": "", "last_name": ""}

    def past(self, now: datetime, kinds: tuple[str, ...] = ("webinars", "meetings")) -> Iterator[Session]:
        """Sessions that have ended, oldest first."""
        ended = [session for session in self.sessions.values() if session.kind in kinds and session.ended(now)]
        yield from sorted(ended, key=lambda session: (session.start, session.uuid))


def sessions_of(kind: str, item: Record) -> list[Session]:
    return [
        Session(kind, item, run, parse(run["start_time"]), parse(run["end_time"]) if run.get("end_time") else None)
        for run in item["instances"]
    ]


def deleted(item: Record) -> bool:
    return bool(item.get("deleted")) or item.get("status") == "deleted"


def name_of(user: Record) -> str:
    given = user.get("display_name") or f"{user.get('first_name', '')} {user.get('last_name', '')}"
    return str(given).strip()


def occurrence_start(item: Record, occurrence: Record) -> datetime:
    return parse_local(occurrence["start_time"], str(item["timezone"]))


def scheduled(item: Record) -> list[tuple[datetime, datetime, Record]]:
    """The schedule: start, end and occurrence of each date that stands (a single one's occurrence is empty)."""
    if item["type"] in RECURRING:
        spans = []
        for occurrence in item.get("occurrences", ()):
            if occurrence.get("status") == "deleted":
                continue
            start = occurrence_start(item, occurrence)
            spans.append((start, start + timedelta(minutes=int(occurrence["duration"])), occurrence))
        return sorted(spans, key=lambda span: span[0])
    if not item.get("start_time"):
        return []
    start = parse_local(item["start_time"], str(item["timezone"]))
    return [(start, start + timedelta(minutes=int(item["duration"])), {})]


def unexpired(item: Record, now: datetime) -> bool:
    """Does something of it lie ahead, or still run? What has no fixed time stays open."""
    if item["type"] in NO_FIXED_TIME:
        return True
    if any(end > now for _, end, _ in scheduled(item)):
        return True
    return any(session.start <= now and not session.ended(now) for session in sessions_of("", item))


def has_expired(item: Record, now: datetime) -> bool:
    """Is its id dead? A single one's dies about 30 days after its last use, a recurring one's after a year."""
    days = 365 if item["type"] in RECURRING else 30
    return last_use(item, now) + timedelta(days=days) < now


def last_use(item: Record, now: datetime) -> datetime:
    moments = [end for _, end, _ in scheduled(item)]
    moments += [session.end or session.start for session in sessions_of("", item)]
    return max(moments, default=now)


def registered(item: Record, now: datetime) -> list[Record]:
    """Registrants who had signed up by now; a world may hold later ones, which appear as the clock moves."""
    return [registrant for registrant in item["registrants"] if parse(registrant["create_time"]) <= now]


def in_occurrence(item: Record, registrant: Record, occurrence_id: str) -> bool:
    """Is the registrant registered for that occurrence? With registration type 1 everybody is, for all."""
    if not occurrence_id or item["settings"].get("registration_type", 1) == 1 or "occurrences" not in registrant:
        return True
    return any(str(chosen.get("occurrence_id")) == occurrence_id for chosen in registrant["occurrences"])
