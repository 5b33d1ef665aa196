"""Finding the session that a path names, by id (its latest instance) or by UUID.

A UUID is encoded once in a path; one that begins with `/` or contains `//` must be encoded twice, and does not resolve
when it was encoded only once. https://developers.zoom.us/docs/api/using-zoom-apis/#meeting-id-and-uuid
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from pipelines.sandbox.clock import iso, months_before, parse
from pipelines.sandbox.zoom.account import Session, deleted
from pipelines.sandbox.zoom.gate import ZoomCall, refuse

Record = dict[str, Any]


def by_uuid(call: ZoomCall, name: str) -> Session | None:
    """The session of a path segment that has been decoded once."""
    exact = call.account.sessions.get(name)
    if exact is not None and not twice(name):
        return exact
    uuid = unquote(name)
    if uuid != name and (twice(uuid) or call.state.faults.switch("zoom.double_encoding_always")):
        return call.account.sessions.get(uuid)
    return None


def twice(uuid: str) -> bool:
    """Must it be encoded twice?"""
    return uuid.startswith("/") or "//" in uuid


def asked_session(call: ZoomCall, name: str, kind: str) -> Session:
    """The ended session of a path segment; 404/3001 where there is none."""
    session = by_uuid(call, name)
    if session is None and name.isdecimal():
        item = call.account.series[kind].get(str(int(name)))
        if item is not None and not deleted(item):
            past = [s for s in call.account.past(call.now, (kind,)) if s.series is item and listed(call, s)]
            session = past[-1] if past else None
    if session is None or session.kind != kind or not session.ended(call.now):
        raise refuse(404, 3001, f"{kind[:-1].capitalize()} {name} not found or has expired.")
    return session


def listed(call: ZoomCall, session: Session) -> bool:
    """Are practice sessions among the instances? Unverified."""
    return not session.run["practice_session"] or bool(call.state.faults.switch("zoom.practice_sessions_listed"))


def check_age(call: ZoomCall, session: Session) -> None:
    """Reports reach back some months only, and take a while to be there."""
    months = call.state.faults.switch("zoom.report_months")
    if months is not None and session.start < months_before(call.now, int(months)):
        raise refuse(400, 12702, f"Can not access a {session.kind[:-1]} a year ago.")
    delay = timedelta(minutes=float(call.state.faults.switch("zoom.report_delay_minutes")))
    if session.end is not None and call.now < session.end + delay:
        raise refuse(404, 3001, f"{session.kind[:-1].capitalize()} {session.uuid} not found or has expired.")


def rows_of(call: ZoomCall, session: Session) -> list[Record]:
    """The session's rows, one for each connection of a device; too early they have no end and no duration."""
    rows = [row for row in session.run["participants"] if parse(row["join_time"]) <= call.now]
    minutes = timedelta(minutes=float(call.state.faults.switch("zoom.duration_zero_minutes")))
    early = session.end is not None and call.now < session.end + minutes
    hidden = bool(call.state.faults.switch("zoom.blank_all_emails"))
    if not early and not hidden:
        return rows
    shown = []
    for row in rows:
        copy = dict(row)
        if early:
            copy.pop("leave_time", None)
            copy["duration"] = 0
        if hidden:
            copy |= {"name": "", "user_email": ""}
        shown.append(copy)
    return shown


def person_of(row: Record) -> str:
    """Who a row is, as far as Zoom's own counts tell."""
    return str(row.get("registrant_id") or row["user_email"].strip().lower() or row["user_id"])


def counts(session: Session) -> Record:
    """The counts of a session as its reports have them. Zoom's own counts do not agree with its rows either."""
    rows = [row for row in session.run["participants"] if row["status"] != "in_waiting_room"]
    moments = []
    for row in rows:
        moments += [(str(row["join_time"]), 1)]
        moments += [(str(row["leave_time"]), -1)] if row.get("leave_time") else []
    level = most = 0
    for _, step in sorted(moments):
        level += step
        most = max(most, level)
    return {
        "participants": len(rows),
        "unique_viewers": len({person_of(row) for row in rows}),
        "max_concurrent_views": most,
        "total_minutes": sum(-int(-int(row["duration"]) // 60) for row in rows),
    }


def span(session: Session) -> Record:
    """Actual start, end and minutes."""
    end = iso(session.end) if session.end else ""
    return {"start_time": iso(session.start), "end_time": end, "duration": session.minutes}
