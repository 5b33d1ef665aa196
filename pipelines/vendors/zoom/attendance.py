"""Who came, from joins and leaves; and the recordings.

Facts, from https://developers.zoom.us/docs/api/meetings/ and https://support.zoom.com (read 2026-11):

- `GET /report/webinars/{uuid}/participants`: one row per connection of one device; `user_id` is new on every join. It
  tells `registrant_id` only with `include_fields=registrant_id`. An id instead of a UUID gives the latest session only.
- A report may be incomplete for about 30 minutes after the end; a row with duration 0 means that it was too early.
- Reports that are too old are refused with 400/12702 (the reference says six months, the message a year).
  `GET /past_webinars/{uuid}/participants` is then asked, a list with other fields of the same rows.
- `GET /report/meetings/{uuid}/participants` is the same for meetings, of which it knows those of two people or more.
- Recordings: 404 with code 3301 where there are none (yet, or any more).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from operator import eq
from typing import Any, NamedTuple

import msgspec
import orjson

from pipelines.errors import RefusedError
from pipelines.events import Batch, Record, Records, iso
from pipelines.log import Log
from pipelines.vendors.reading import (
    BATCH_OF_SMALL,
    RecordReader,
    Whole,
    batches,
    document,
    instant,
    moment,
    moments,
    payload,
)
from pipelines.vendors.zoom.client import HEAVY, LIGHT, MEDIUM, uuid_in_path
from pipelines.vendors.zoom.known import Session, sessions
from pipelines.vendors.zoom.run import Run, no_meeting

TOO_OLD = "12702"
REPORT_READY = timedelta(minutes=30)
"""A report read sooner after the end than this proves nothing by agreeing with a later one."""
RECORDINGS_CHANGE = timedelta(days=7)


class RowKeys(msgspec.Struct, gc=False):
    """What we need of a participant's row."""

    user_id: str | int | None = None
    join_time: str | None = None
    leave_time: str | None = None
    duration: float | None = None


class FileKeys(msgspec.Struct, gc=False):
    """What we need of one recorded file."""

    recording_end: str | None = None


class RecordingKeys(msgspec.Struct, gc=False):
    """What we need of a session's recordings."""

    recording_files: list[FileKeys] | None = None


read_row = RecordReader(RowKeys)
read_recording = RecordReader(RecordingKeys)


@dataclass(frozen=True)
class Report:
    """One reading of a session's participants.

    Attributes:
        rows: None where there was nothing to read.
        is_whole: whether a row that is missing in it is really gone.
        refused: why it will never be given out; "" where it was, or may be later.
    """

    rows: list[msgspec.Raw] | None
    is_whole: bool = True
    refused: str = ""


def participants(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the participants of each ended session until its report is settled."""
    ran = run.sessions(log).values()
    return _attended(run, log, "webinars", ran)


def meeting_participants(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the same of each meeting that may be synced; there is no report of a meeting of one."""
    if run.is_met is no_meeting:
        return iter(())
    return _attended(run, log, "meetings", [meeting.session for meeting in _met(run, log)])


class Meeting(NamedTuple):
    """A session of a meeting, and what its history tells of it beside."""

    session: Session
    host: str
    is_recorded: bool


def _met(run: Run, log: Log) -> Iterator[Meeting]:
    """Yield the sessions of meetings that may be synced."""
    rows = run.latest(log, "meetings") if run.is_met is not no_meeting and not run.again else {}
    for uuid, session in sessions(rows, {}, run.now()).items():
        count, used = rows[uuid].get("participants"), rows[uuid].get("feature_used")
        host = str(rows[uuid].get("host_email") or "").strip().lower()
        is_recorded = isinstance(used, dict) and used.get("recording_to_cloud") is True
        is_alone = isinstance(count, int) and count < 2
        if not is_alone and run.is_met(session.webinar_id, host, is_recorded):
            yield Meeting(session, host, is_recorded)


def _attended(run: Run, log: Log, kind: str, ran: Iterable[Session]) -> Iterator[Batch]:
    now = run.now()
    earlier = run.latest(log, "report_reads")
    todo = [
        session
        for session in sorted(ran, key=lambda session: (session.start, session.uuid))
        if session.end is not None
        and session.end <= now
        and (run.again or not _is_settled(earlier.get(session.uuid), session))
        and (kind == "meetings" or run.wants(log, session.webinar_id))
    ]
    told: dict[str, Record] = {}
    gathered: list[Record] = []
    too_old = 0

    def read(session: Session) -> Report:
        return _report(run, kind, session, bool((earlier.get(session.uuid) or {}).get("rows")))

    def wholes() -> Iterator[Whole]:
        nonlocal too_old
        for session, report in run.each(todo, read, "reports of participants"):
            too_old += report.refused == "too old"
            whole, record = _attendance(run, session, report, earlier.get(session.uuid))
            if record is not None:
                told[session.uuid] = record
            yield whole

    def follow(whole: Whole) -> None:
        if whole.mark in told:
            gathered.append(told.pop(whole.mark))

    for batch in batches(wholes(), run.now, follow=follow, size=BATCH_OF_SMALL):
        ready = list(gathered)
        gathered.clear()
        yield batch  # when we go on, it is in the log
        run.reports += ready
    if too_old:
        run.note(
            f"zoom: {too_old} reports are older than Zoom still gives out; who came to these sessions is not known."
        )


def _is_settled(earlier: Mapping[str, Any] | None, session: Session) -> bool:
    """Whether a report needs no further reading: it was settled, or refused for good, and its counts did not move."""
    if not earlier or not earlier.get("is_settled"):
        return False
    return bool(earlier.get("refused")) or earlier.get("session") in (None, session.mark)


def report_reads(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Tell which reports this run has read. If this is lost, they are read once more, and nothing else happens."""
    told, run.reports = run.reports, []
    yield Batch(tuple(told), at=run.now())


def _report(run: Run, kind: str, session: Session, has_rows: bool) -> Report:
    doing = f"the participants of session {session.uuid}"
    path = uuid_in_path(session.uuid)
    try:
        rows = run.client.listing(
            f"/report/{kind}/{path}/participants",
            "participants",
            doing=doing,
            limit=HEAVY,
            params={"include_fields": "registrant_id"},
        )
        return Report(rows)
    except RefusedError as error:
        if error.status == 404:
            return Report(None, refused="not found")
        if error.code != TOO_OLD:
            raise
    if has_rows:
        return Report(None, refused="too old")
    try:
        rows = run.client.listing(f"/past_{kind}/{path}/participants", "participants", doing=doing, limit=MEDIUM)
        return Report(rows, is_whole=False)
    except RefusedError:
        return Report(None, refused="too old")


def _attendance(
    run: Run, session: Session, report: Report, earlier: Mapping[str, Any] | None
) -> tuple[Whole, Record | None]:
    """Return a report's rows as records, and what is to be remembered of reading it."""
    now = run.now()
    assert session.end is not None
    is_old = now - session.end > timedelta(hours=run.ingest.report_settles_hours)
    if report.rows is None and report.refused == "not found" and not is_old:
        return Whole(session.uuid, (), is_complete=False), None
    contents = sorted(map(payload, report.rows or ()))
    if contents and not contents[0][:1] == contents[-1][:1] == b"{":
        objects = [content for content in contents if content.startswith(b"{")]
        for _ in range(len(contents) - len(objects)):
            run.left_out("rows of participants", "a person")
        contents = objects
    if any(map(eq, contents, contents[1:])):
        contents = list(dict.fromkeys(contents))
    keys = read_row.each(contents)
    sum_of_rows = sha256(b"\x1f".join(contents)).hexdigest()  # which processors do by themselves
    is_repeated = (
        bool(contents)
        and earlier is not None
        and earlier.get("digest") == sum_of_rows
        and moment(earlier.get("read_at"), session.end) >= session.end + REPORT_READY
        and all(row.leave_time and row.duration for row in keys)
    )
    told = {
        "uuid": session.uuid,
        "webinar_id": session.webinar_id,
        "read_at": iso(now),
        "session": session.mark,
        "rows": len(contents),
        "digest": sum_of_rows,
        "is_settled": bool(report.refused) or not report.is_whole or is_old or is_repeated,
        "refused": report.refused or None,
    }
    is_complete = report.rows is not None and report.is_whole
    return (
        Whole(session.uuid, _rows(session, contents, keys), is_complete, mark=session.uuid),
        Record(session.uuid, now, orjson.dumps(told), session.uuid),
    )


def _rows(session: Session, contents: list[bytes], keys: list[RowKeys]) -> Records:
    """Make records of rows; further ones of the same join are numbered, in the order of their leaving."""
    joins = [f"{session.uuid}|{'' if row.user_id is None else row.user_id}|{row.join_time or ''}" for row in keys]
    joined_at = moments([row.join_time for row in keys], session.start)
    if len(set(joins)) < len(joins):
        seen: Counter[str] = Counter()
        for nth in sorted(range(len(keys)), key=lambda nth: (keys[nth].leave_time or "", contents[nth])):
            name = joins[nth]
            seen[name] += 1
            joins[nth] = name if seen[name] == 1 else f"{name}|{seen[name]}"
    return Records(joins, joined_at, contents, [session.uuid] * len(joins))


def recordings(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read what was recorded: on every run in the week after a session, and once after it."""
    now = run.now()
    done = set((cursor or {}).get("done", ()))
    ended = {
        session.uuid: session
        for session in run.sessions(log).values()
        if session.end and session.end <= now and run.wants(log, session.webinar_id)
    }
    ended |= {
        one.session.uuid: one.session for one in _met(run, log) if one.is_recorded and run.is_transcribed(one.host)
    }
    old = {uuid for uuid, session in ended.items() if _end(session, now) <= now - RECORDINGS_CHANGE}

    def read(uuid: str) -> bytes | None:
        answer = run.client.call(
            "GET",
            f"/meetings/{uuid_in_path(uuid)}/recordings",
            doing=f"the recordings of session {uuid}",
            limit=LIGHT,
            accept=(404,),
            decode=document,
        )
        return None if answer.status == 404 else answer.data

    def wholes() -> Iterator[Whole]:
        asked = sorted(ended.keys() - (old & done))
        for uuid, content in run.each(asked, read, "sessions' recordings"):
            session = ended[uuid]
            if content is None:
                record = Record(uuid, run.now(), b"", session.webinar_id, "absent")
            else:
                record = Record(uuid, _recorded_at(content, _end(session, now)), content, session.webinar_id)
            yield Whole(session.webinar_id, (record,), is_complete=False, mark=uuid)

    def follow(whole: Whole) -> None:
        if whole.mark in old:
            done.add(whole.mark)

    yield from batches(wholes(), run.now, follow=follow, cursor=lambda: {"done": sorted(done)})


def _end(session: Session, now: datetime) -> datetime:
    return session.end or now


def _recorded_at(content: bytes, otherwise: datetime) -> datetime:
    """Return when the last file's recording ended."""
    ends = [instant(file.recording_end) for file in read_recording(content).recording_files or ()]
    return max((end for end in ends if end is not None), default=otherwise)
