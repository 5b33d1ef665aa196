"""Zoom's portal CSVs, for users without API access: into the same streams that the API fills (account `report`).

Read are the Attendee Report of a webinar, its Registration Report, and the participant list of a meeting. They hold no
UUID, so a session's key is `report:<webinar id>:<actual start>`. Times have no offset: the caller names the zone.
A row that cannot be read is set aside with its line and the reason, and all others go on.

The file read last tells what a session's rows are: a corrected export replaces them. Registrants and panelists belong
to the webinar and not to one date of it, so a file adds to them and takes none away, and what an older file says of
one does not undo what a later one said (`told_at` in the payload: up to when that file speaks).

A session that the log knows by the same start, as the file spells it, keeps its key, so that importing again with
another zone moves it instead of adding another.

Layouts: exports of 2020 to 2026, read 2026-11-25. No real Registration Report was found; it is read by its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from pipelines.errors import ReportError
from pipelines.events import Batch, Record, Stream, iso, utc
from pipelines.imports.zoom_report import reading
from pipelines.imports.zoom_report.reading import Connection, Reading, Session
from pipelines.imports.zoom_report.receipt import ImportReceipt
from pipelines.imports.zoom_report.times import zone
from pipelines.log import Log

__all__ = ["ImportReceipt", "import_reports"]

SOURCE = "zoom"
ACCOUNT = "report"
INSTANCES = Stream("instances", "state", about="sessions that ran")
PARTICIPANTS = Stream("participants", "state", about="connections of devices to sessions")
REGISTRANTS = Stream("registrants", "state", about="who registered, in every status")
PANELISTS = Stream("panelists", "state", about="who was on stage")

Progress = Callable[[str], None]


def import_reports(
    files: Sequence[Path], timezone: str, log: Log, *, run: str, progress: Progress = lambda _: None
) -> list[ImportReceipt]:
    """Read CSV files that Zoom's portal exported into the log; importing one again appends nothing.

    Args:
        timezone: IANA name of the zone that the files' times are of.

    Returns:
        A receipt a file, in their order. A file that could not be read says so in its own, as set aside at line 0.

    Raises:
        UsageError: there is no such time zone. ReportError: not one of the files could be read.
        LogError: the log cannot be written. LockedError: another run holds it.
    """
    where = zone(timezone)
    receipts: list[ImportReceipt] = []
    with log.locked():
        for path in files:
            progress(f"reading {path}")
            try:
                told = reading.read(path, where)
            except ReportError as error:
                problem = str(error)
                receipts.append(ImportReceipt(path, problem=problem, set_aside=[(0, problem, "")]))
                continue
            progress(f"{path}: {len(told.connections):,} connections, {len(told.registrations):,} registrants")
            receipts.append(_append(path, told, where, log, run))
    if receipts and all(receipt.problem for receipt in receipts):
        raise ReportError("\n".join(f"{receipt.file} cannot be imported: {receipt.problem}" for receipt in receipts))
    return receipts


def _append(path: Path, told: Reading, where: ZoneInfo, log: Log, run: str) -> ImportReceipt:
    """Append one file, the session last, so that a run that is killed leaves no session without its people."""
    session = told.session
    receipt = ImportReceipt(
        path,
        told.webinar_id,
        session.topic if session else "",
        session.start if session else None,
        session.end if session else None,
        told.counts["attendee"],
        len(told.people),
        len(told.registrations),
        told.counts["panelist"],
        told.counts["host"],
        told.counts["other"],
        notes=told.notes,
        set_aside=told.set_aside,
    )
    at = told.at
    if at is None:
        return receipt

    def append(stream: Stream, records: Sequence[Record], scopes: Iterable[str] = ()) -> None:
        batch = Batch(records, complete_scopes=tuple(scopes), at=at)
        if batch.records or batch.complete_scopes:
            receipt.appended += log.append(SOURCE, ACCOUNT, stream, batch, run=run).appended

    if told.registrations:
        append(REGISTRANTS, list(_registrants(told, at, log.latest(SOURCE, REGISTRANTS.name, ACCOUNT))))
    if told.panelists:
        append(PANELISTS, list(_panelists(told, at, log.latest(SOURCE, PANELISTS.name, ACCOUNT))))
    if session is not None:
        key = _session_key(session, told.webinar_id, where, log.latest(SOURCE, INSTANCES.name, ACCOUNT))
        append(PARTICIPANTS, _participants(told, key), [key])
        append(INSTANCES, [_instance(session, told.webinar_id, key, where)])
    return receipt


def _session_key(session: Session, webinar_id: str, where: ZoneInfo, known: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the session's key: the one under which the log has it already, else that of its start."""
    own = f"report:{webinar_id}:{_stamp(session.told_start)}"
    if own in known:
        return own
    for key, payload in known.items():
        if not key.startswith(f"report:{webinar_id}:"):
            continue
        if session.start_text and payload.get("start_text") == session.start_text:
            return key
        if not session.start_text and not payload.get("start_text", "?"):
            other = ZoneInfo(payload["timezone"])
            first, last = _wall(session.start, where), _wall(session.end, where)
            if _wall(utc(payload["start_time"]), other) < last and first < _wall(utc(payload["end_time"]), other):
                return key
    return own


def _wall(moment: datetime, where: ZoneInfo) -> str:
    """Return what the clock on the wall shows, to be compared."""
    return f"{moment.astimezone(where):%Y-%m-%d %H:%M:%S}"


def _instance(session: Session, webinar_id: str, key: str, where: ZoneInfo) -> Record:
    payload = {
        "topic": session.topic,
        "host_email": session.host_email,
        "start_time": _stamp(session.start),
        "end_time": _stamp(session.end),
        "origin": "report",
        "timezone": where.key,
        "start_text": session.start_text,
        "row": session.row,
    }
    return Record(key, session.start, orjson.dumps(payload), webinar_id)


def _participants(told: Reading, session_key: str) -> list[Record]:
    """Return the connections; those of one person, section and join are numbered in an order of their own."""
    keyed = []
    for one in told.connections:
        key = f"{session_key}|{one.role}|{one.email or one.name}|{_stamp(one.joined)}"
        keyed.append((key, orjson.dumps(_participant(told, one)), one.joined))
    keyed.sort()
    records: list[Record] = []
    number, before = 1, ""
    for key, payload, joined in keyed:
        number = number + 1 if key == before else 1
        before = key
        records.append(Record(key if number == 1 else f"{key}|{number}", joined, payload, session_key))
    return records


def _participant(told: Reading, one: Connection) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "name": one.name,
        "user_email": one.email,
        "join_time": _stamp(one.joined),
        "leave_time": _stamp(one.left) if one.left else None,
        "status": "in_waiting_room" if one.is_waiting else "in_meeting",
        "role": one.role,
        "row": one.table.told(one.line),
    }
    if one.email in told.registrations:
        payload["registrant_id"] = _registrant_id(one.email)
    return payload


def _registrants(told: Reading, at: datetime, known: Mapping[str, Mapping[str, Any]]) -> Iterable[Record]:
    for email, one in told.registrations.items():
        key = f"{told.webinar_id}|{_registrant_id(email)}"
        before = known.get(key, {})
        created = _stamp(one.created)
        if one.registered is None and before:
            created = before["create_time"]
        payload = {
            "id": _registrant_id(email),
            "email": email,
            "first_name": one.first_name,
            "last_name": one.last_name,
            "status": one.status,
            "create_time": created,
            "row": one.row,
        }
        if _is_news(payload, at, before):
            yield Record(key, utc(created), orjson.dumps(payload | {"told_at": iso(at)}), told.webinar_id)


def _panelists(told: Reading, at: datetime, known: Mapping[str, Mapping[str, Any]]) -> Iterable[Record]:
    occurred_at = told.session.start if told.session else at
    for email, (name, row) in told.panelists.items():
        key = f"{told.webinar_id}|{email.replace('|', '%7C')}"
        payload = {"email": email, "name": name, "row": row}
        if _is_news(payload, at, known.get(key, {})):
            yield Record(key, occurred_at, orjson.dumps(payload | {"told_at": iso(at)}), told.webinar_id)


def _is_news(payload: Mapping[str, Any], at: datetime, before: Mapping[str, Any]) -> bool:
    """Whether the log should take what a file says of somebody: it differs, and no later file has spoken of them."""
    if not before:
        return True
    return {**before, "told_at": ""} != {**payload, "told_at": ""} and utc(before.get("told_at") or iso(at)) <= at


def _registrant_id(email: str) -> str:
    """Return a registrant's id; it stands in keys whose parts a bar divides."""
    return f"report:{email.replace('|', '%7C')}"


def _stamp(moment: datetime) -> str:
    """Write an instant as Zoom does: seconds and `Z`; a fraction only where there is one."""
    return iso(moment) if moment.microsecond else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
