"""Hosts, webinars, and the sessions that ran.

Facts, from https://developers.zoom.us/docs/api/meetings/ (read 2026-11):

- `GET /users` lists one status a call, active ones by default. Pending users have no id yet, and no webinars.
- There is no list of all webinars: `GET /users/{id}/webinars` names those that have not expired; the past is in the
  account's history. A user without the webinar plan is refused with 400/200.
- `GET /report/history_meetings` takes windows of a month at most, in dates. Whether the last date counts, and how far
  back it goes, is not documented: windows share a date, and months that are refused are noted.
- `GET /past_webinars/{id}/instances` names the sessions of one webinar, also those that the history lacks.
- A webinar that was deleted or has expired is 404 with code 3001; its sessions stay readable by UUID.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from pipelines.errors import AuthError, RefusedError, VendorError
from pipelines.events import Batch, Record
from pipelines.log import Log
from pipelines.vendors.reading import RecordReader, Whole, batches, document, in_order, instant, moment, payload
from pipelines.vendors.zoom.client import HEAVY, LIGHT, MEDIUM, has_no_plan, is_not_allowed, uuid_in_path
from pipelines.vendors.zoom.known import by_webinar
from pipelines.vendors.zoom.run import Run, is_over, no_meeting

USER_STATUSES = ("active", "inactive", "pending")
HISTORY_OVERLAP = timedelta(days=31)
"""The last month is read again each time (a call or two): sessions appear late, and their counts tell corrections."""
OLD_ENOUGH_TO_BE_REFUSED = timedelta(days=31)
MONTHS_PER_COMMIT = 6
MANY = 1_000
"""So many sessions or webinars are handed over without waiting for more."""
FINISHED_DAYS = 7
"""A webinar that ended so long ago is not asked for again."""
REPORT_CHANGES = timedelta(days=3)
"""A session's own report is read again so long after its end."""
TOO_OLD = "12702"


class UserKeys(msgspec.Struct, gc=False):
    """What we need of a user."""

    id: str | int | None = None
    created_at: str | None = None
    user_created_at: str | None = None


class HistoryKeys(msgspec.Struct, gc=False):
    """What we need of a row of the account's history."""

    meeting_uuid: str | None = None
    meeting_id: int | str | None = None
    start_time: str | None = None


class WebinarKeys(msgspec.Struct, gc=False):
    """What we need of a webinar."""

    id: int | str | None = None
    created_at: str | None = None


class SessionKeys(msgspec.Struct, gc=False):
    """What we need of a session, as its webinar names it or as its own report has it."""

    uuid: str | None = None
    start_time: str | None = None


read_user = RecordReader(UserKeys)
read_history = RecordReader(HistoryKeys)
read_webinar = RecordReader(WebinarKeys)
read_session = RecordReader(SessionKeys)


def users(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read all users, those too that have left: they still own history."""
    records: dict[str, Record] = {}
    for status in USER_STATUSES:
        rows = run.client.listing(
            "/users", "users", doing=f"the list of {status} users", limit=MEDIUM, params={"status": status}
        )
        for raw in rows:
            content = payload(raw)
            keys = read_user(content)
            if not keys.id:
                if status != "pending":  # who has not accepted yet has no id
                    run.left_out("users", "an id")
                continue
            created = moment(keys.user_created_at or keys.created_at, run.now())
            records[str(keys.id)] = Record(str(keys.id), created, content, "users")
    yield Batch(tuple(records.values()), complete_scopes=("users",), at=run.now())


def instances(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the account's history month by month, and from then on what is new."""
    return _of_account(run, cursor, "webinar", _years_before(run.now().date(), run.ingest.years))


def meetings(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the same of meetings, where they are synced: from a month before the first reading on."""
    if run.is_met is no_meeting:
        return iter(())
    return _of_account(run, cursor, "meeting", run.now().date() - HISTORY_OVERLAP)


def _of_account(run: Run, cursor: Mapping[str, Any] | None, kind: str, wanted: date) -> Iterator[Batch]:
    now = run.now()
    today = now.date()
    since = date.fromisoformat(cursor["since"]) if cursor else wanted
    todo = [(start, end, since) for start, end in _months(*_unread(cursor, since, today))]
    if wanted < since:  # the settings reach further back than they did: the nearer months first
        todo += [(start, end, start) for start, end in reversed(_months(wanted, since))]
    state = dict(cursor or {})
    records: list[Record] = []
    gathered = 0
    refused: list[str] = []
    try:
        for (start, end, reaches), rows in in_order(
            lambda span: _history(run, kind, *span[:2]), todo, run.ingest.at_once
        ):
            if isinstance(rows, RefusedError):
                if is_not_allowed(rows):
                    raise AuthError(str(rows), vendor="zoom", status=rows.status, code=rows.code)
                if end >= today - OLD_ENOUGH_TO_BE_REFUSED:
                    raise rows
                refused.append(start.isoformat())
            else:
                records += (record for raw in rows if (record := _of_history(run, payload(raw), now)) is not None)
            read_to = max(end.isoformat(), state.get("read_to", ""))
            state = {"since": reaches.isoformat(), "read_to": read_to, "read_on": today.isoformat()}
            gathered += 1
            if gathered % MONTHS_PER_COMMIT == 0 or len(records) > MANY:
                yield Batch(tuple(records), state, at=run.now())
                records = []
    except VendorError:
        yield Batch(tuple(records), state or None, at=run.now())
        raise
    yield Batch(tuple(records), state, at=run.now())
    if refused:
        run.note(f"zoom: the history of {len(refused)} months, from {refused[0]} on, is no longer given out.")


def _unread(cursor: Mapping[str, Any] | None, since: date, today: date) -> tuple[date, date]:
    if not cursor:
        return since, today
    read_to, read_on = date.fromisoformat(cursor["read_to"]), date.fromisoformat(cursor["read_on"])
    return max(since, min(read_to, read_on - HISTORY_OVERLAP)), max(today, read_to)


def _history(run: Run, kind: str, start: date, end: date) -> list[msgspec.Raw] | RefusedError:
    try:
        return run.client.listing(
            "/report/history_meetings",
            "history_meetings",
            doing=f"the history of {kind}s from {start} to {end}",
            limit=HEAVY,
            params={"meeting_type": kind, "from": start.isoformat(), "to": end.isoformat()},
        )
    except RefusedError as error:
        return error


def _of_history(run: Run, content: bytes, now: datetime) -> Record | None:
    keys = read_history(content)
    if not keys.meeting_uuid:
        run.left_out("sessions of the history", "a UUID")
        return None
    return Record(keys.meeting_uuid, moment(keys.start_time, now), content, str(keys.meeting_id or ""))


def _months(start: date, end: date) -> list[tuple[date, date]]:
    """Cut into calendar months; each ends on the date on which the next begins."""
    cut: list[tuple[date, date]] = []
    while start < end or not cut:
        following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        cut.append((start, min(following, end)))
        start = following
    return cut


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def instances_of_one(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the history of the months in which one webinar ran, and keep what is of it."""
    now = run.now()
    starts = [session.start for session in run.sessions(log).values() if session.webinar_id == run.again]
    named = [instant(read_session(payload(raw)).start_time) for raw in _named(run, run.again)]
    days = {start.date() for start in [*starts, *named] if start is not None}
    records: list[Record] = []
    for month in sorted({day.replace(day=1) for day in days}):
        mine = [day for day in days if day.replace(day=1) == month]
        rows = _history(run, "webinar", min(mine), max(mine) + timedelta(days=1))
        if isinstance(rows, RefusedError):
            if is_not_allowed(rows):
                raise AuthError(str(rows), vendor="zoom", status=rows.status, code=rows.code)
            run.note(f"zoom: the history of {month:%Y-%m} is no longer given out; what was read of it stands.")
            continue
        found = [_of_history(run, payload(raw), now) for raw in rows]
        records += [record for record in found if record is not None and record.scope == run.again]
    yield Batch(tuple(records), at=now)


def webinars(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read each webinar that is listed, that ran and is not known, or that is known and not long finished."""
    now = run.now()
    gone = set((cursor or {}).get("not_found", ()))
    ran = by_webinar(run.sessions(log))
    known = run.latest(log, "webinars")
    if run.again:
        asked = {run.again}
    else:
        asked = _listed(run, log)
        asked |= {name for name in ran.keys() - known.keys() - gone if name.isdecimal()}
        asked |= {
            name for name, webinar in known.items() if not is_over(webinar, ran.get(name, []), now, FINISHED_DAYS)
        }

    def wholes() -> Iterator[Whole]:
        for webinar_id, content in run.each(sorted(asked), lambda name: _webinar(run, name), "webinars"):
            if content is None:
                record = Record(webinar_id, run.now(), b"", kind="absent", follows=True)
            else:
                record = Record(webinar_id, moment(read_webinar(content).created_at, now), content)
            yield Whole("", (record,), is_complete=False, mark=webinar_id)

    def follow(whole: Whole) -> None:
        (gone.add if whole.records[0].kind == "absent" else gone.discard)(whole.mark)

    yield from batches(wholes(), run.now, follow=follow, cursor=lambda: {"not_found": sorted(gone)}, size=MANY)


def _listed(run: Run, log: Log) -> set[str]:
    hosts = sorted(run.latest(log, "users"))
    without_plan: list[str] = []

    def read(host: str) -> list[msgspec.Raw]:
        try:
            return run.client.listing(
                f"/users/{quote(host, safe='')}/webinars",
                "webinars",
                doing=f"the webinars of user {host}",
                limit=MEDIUM,
            )
        except RefusedError as error:
            if error.status == 404:
                return []
            if not has_no_plan(error):
                raise
            without_plan.append(host)
            return []

    found: set[str] = set()
    for _, rows in run.each(hosts, read, "lists of a user's webinars"):
        for raw in rows:
            name = str(read_webinar(payload(raw)).id)
            if name.isdecimal():
                found.add(name)
            else:
                run.left_out("webinars", "an id")
    if without_plan:
        run.note(f"zoom: {len(without_plan)} of {len(hosts)} users have no webinar plan, so they have no webinars.")
    return found


def _webinar(run: Run, webinar_id: str) -> bytes | None:
    answer = run.client.call(
        "GET",
        f"/webinars/{webinar_id}",
        doing=f"webinar {webinar_id}",
        limit=LIGHT,
        params={"show_previous_occurrences": "true"},
        accept=(404,),
        decode=document,
    )
    return None if answer.status == 404 else answer.data


def session_reports(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the report of each session that its webinar names and the account's history does not have."""
    now = run.now()
    asked, refused = (set((cursor or {}).get(name, ())) for name in ("asked", "refused"))
    candidates = run.open_webinars(log, FINISHED_DAYS, asked)
    finished = run.over(log, candidates, FINISHED_DAYS)
    in_history = run.latest(log, "instances").keys()
    reported = run.latest(log, "session_reports")
    wanted: dict[str, str] = {}
    for webinar_id, rows in run.each(sorted(candidates), lambda name: _named(run, name), "lists of past sessions"):
        (asked.add if webinar_id in finished else asked.discard)(webinar_id)
        for keys in (read_session(payload(raw)) for raw in rows):
            if not keys.uuid or keys.uuid in in_history or keys.uuid in refused:
                continue
            end = instant((reported.get(keys.uuid) or {}).get("end_time"))
            if run.again or end is None or end > now - REPORT_CHANGES:
                wanted[keys.uuid] = webinar_id
    records: list[Record] = []
    for uuid, content in run.each(sorted(wanted), lambda name: _report(run, name), "reports of a session"):
        if content is None:
            refused.add(uuid)
        elif content:
            records.append(Record(uuid, moment(read_session(content).start_time, now), content, wanted[uuid]))
    yield Batch(tuple(records), {"asked": sorted(asked), "refused": sorted(refused)}, at=run.now())


def _named(run: Run, webinar_id: str) -> list[msgspec.Raw]:
    try:
        return run.client.listing(
            f"/past_webinars/{webinar_id}/instances",
            "webinars",
            doing=f"the past sessions of webinar {webinar_id}",
            limit=LIGHT,
        )
    except RefusedError as error:
        if error.status == 404:
            return []
        raise


def _report(run: Run, uuid: str) -> bytes | None:
    """Return a session's report, nothing where there is none yet, None where it is too old to be given out."""
    try:
        answer = run.client.call(
            "GET",
            f"/report/webinars/{uuid_in_path(uuid)}",
            doing=f"the report of session {uuid}",
            limit=HEAVY,
            accept=(404,),
            decode=document,
        )
    except RefusedError as error:
        if error.code == TOO_OLD:
            return None
        raise
    return b"" if answer.status == 404 else answer.data
