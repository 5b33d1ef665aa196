"""Records of an object: by their system stamp and id, with those that are deleted, merged, converted or archived.

Facts, from https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_queryall.htm and
…/resources_getdeleted.htm (read 2026-11):

- `SystemModstamp` moves with every change, by whomever; it is exact to the second, so many rows share one, and a
  reading goes on after the pair of stamp and id. `LastModifiedDate` misses what the system does.
- A row that was committed late can bear an earlier stamp: each reading begins some minutes before the last one's end.
- `queryAll` shows deleted rows for 15 days, and archived ones always; what is erased for good is in `deleted` only.
- `deleted` looks back 15 days at most, and says up to when it is complete (`latestDateCovered`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec
import orjson

from pipelines.errors import RefusedError
from pipelines.events import Batch, Record, iso, utc
from pipelines.log import Log
from pipelines.settings import Ingest
from pipelines.vendors.reading import BATCH, Notes, RecordReader, moment, payload
from pipelines.vendors.salesforce.client import DEAD_PAGE, SalesforceClient
from pipelines.vendors.salesforce.objects import DESCRIBED, FIELDS, STAMPS

PAGE = 2_000
"""Rows of one query: as many as one answer can hold."""
ERASED_DAYS = 14
"""How far back erased rows are asked for; Salesforce knows 15 days."""


class RecordKeys(msgspec.Struct, gc=False):
    """What we need of a row."""

    Id: str | None = None
    SystemModstamp: str | None = None


read_keys = RecordReader(RecordKeys)


class Run:
    """One reading of an org: the client, the settings, and what a person should know of it.

    `asked` are further fields of an object, beside those of `FIELDS`.
    """

    def __init__(
        self,
        client: SalesforceClient,
        ingest: Ingest,
        notes: Notes,
        asked: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.client = client
        self.ingest = ingest
        self.notes = notes
        self.asked = asked
        self.account_told = ""
        self._has_begun = False

    @property
    def account(self) -> str:
        """The org's id."""
        return self.account_told or self.client.org

    @account.setter
    def account(self, org: str) -> None:
        self.account_told = org

    def now(self) -> datetime:
        """Return Salesforce's clock, as its last answer told it; it is asked once a run."""
        if not self._has_begun:
            self.client.get("/limits", doing="what is left of the org's calls")
            self._has_begun = True
        return self.client.api.now()

    @property
    def overlap(self) -> timedelta:
        """How much of what was read before is read again."""
        return timedelta(minutes=self.ingest.overlap_minutes)


def organization(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the org itself: its name and its time zone."""
    names = "Id, Name, TimeZoneSidKey, OrganizationType, IsSandbox"
    rows = run.client.rows(f"SELECT {names} FROM Organization", doing="the organization")  # noqa: S608
    yield _states(run, rows)


def task_statuses(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read which statuses a Task can have, and which of them close it."""
    names = "Id, ApiName, MasterLabel, IsClosed, IsDefault, SortOrder"
    rows = run.client.rows(f"SELECT {names} FROM TaskStatus", doing="the statuses of Tasks")  # noqa: S608
    yield _states(run, rows)


def _states(run: Run, rows: Iterator[msgspec.Raw]) -> Batch:
    now = run.now()
    contents = [payload(raw) for raw in rows]
    records = [Record(read_keys(content).Id or "", now, content) for content in contents]
    return Batch([record for record in records if record.key], complete_scopes=("",), at=now)


def descriptions(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the description of each object that we read or write: which fields there are, for us."""
    now = run.now()
    yield Batch([Record(kind, now, run.client.describe(kind)) for kind in DESCRIBED], at=now)


def visible(log: Log, account: str, kind: str) -> dict[str, dict[str, Any]]:
    """Return name to description of an object's fields, as the log knows them last."""
    sql = """
        select arg_max(payload, {order}) from events where key = $kind and account = $account
    """
    rows = log.query("salesforce", "descriptions", sql, {"kind": kind, "account": account})
    told = orjson.loads(rows[0][0]) if rows and rows[0][0] else {}
    return {str(field.get("name")): field for field in told.get("fields", ())}


def reader(kind: str, *, begins_now: bool = False) -> Any:
    """Return the reader of one object; with `begins_now` what was before its first reading is never read."""

    def read(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        return _Object(run, log, kind).read(dict(cursor or {}), begins_now=begins_now)

    return read


class _Object:
    """The rows of one object."""

    def __init__(self, run: Run, log: Log, kind: str) -> None:
        self._run = run
        self._kind = kind
        known = visible(log, run.account, kind)
        wanted = dict.fromkeys((*STAMPS, *FIELDS[kind], *run.asked.get(kind, ())))
        self._names = [name for name in wanted if not known or name in known]
        self._asks_erased = "IsDeleted" in FIELDS[kind]

    def read(self, state: dict[str, Any], *, begins_now: bool) -> Iterator[Batch]:
        """Yield what changed since, from the beginning at first; a reading that broke off goes on where it was."""
        run, started = self._run, self._run.now()
        first = iso(started - run.overlap) if begins_now else ""
        since = str(state.get("read_to", first))
        stamp, last = str(state.get("stamp", since)), str(state.get("id", ""))
        begun = str(state.get("started_at", iso(started)))
        erased_to = str(state.get("erased_to", iso(started)))
        kept = {"started_at": begun, "erased_to": erased_to, **({"read_to": since} if since else {})}
        records: list[Record] = []
        while True:
            rows = self._page(stamp, last)
            for content, keys in rows:
                if not keys.Id or not keys.SystemModstamp:
                    run.notes.left_out(f"salesforce: {self._kind} records", "an id and a stamp")
                    continue
                records.append(Record(keys.Id, moment(keys.SystemModstamp, started), content))
            full = len(rows) >= PAGE
            if full:
                stamp, last = str(rows[-1][1].SystemModstamp), str(rows[-1][1].Id)
            if full and len(records) >= BATCH:
                yield Batch(tuple(records), {**kept, "stamp": stamp, "id": last}, at=run.now())
                records = []
            if not full:
                break
        done = {"read_to": iso(utc(begun) - run.overlap), "erased_to": erased_to}
        yield Batch(tuple(records), done, at=run.now())
        if self._asks_erased and run.now() - utc(erased_to) >= timedelta(hours=run.ingest.reconcile_hours):
            yield self._erased(utc(erased_to), done)

    def _page(self, stamp: str, last: str) -> list[tuple[bytes, RecordKeys]]:
        conditions = [f"SystemModstamp >= {_literal(stamp)}"] if stamp else []
        if last:
            conditions.append(f"(SystemModstamp > {_literal(stamp)} OR Id > '{last}')")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        soql = (
            f"SELECT {', '.join(self._names)} FROM {self._kind}{where} "  # noqa: S608
            f"ORDER BY SystemModstamp, Id LIMIT {PAGE}"
        )
        doing = f"the records of {self._kind}"
        try:
            found = list(self._run.client.rows(soql, doing=doing, is_all=True))
        except RefusedError as error:
            if error.code != DEAD_PAGE:
                raise
            found = list(self._run.client.rows(soql, doing=doing, is_all=True))
        contents = [payload(raw) for raw in found]
        return [(content, read_keys(content)) for content in contents]

    def _erased(self, since: datetime, done: Mapping[str, Any]) -> Batch:
        """Return what was erased since, the recycle bin's included, as absent."""
        run, now = self._run, self._run.now()
        start = max(since, now - timedelta(days=ERASED_DAYS))
        if start > since:
            run.notes.once(
                f"salesforce: {self._kind} was not read for {(now - since).days} days; what was erased for good before "
                f"{start:%Y-%m-%d} is not known to Salesforce any more."
            )
        answer = run.client.get(
            f"/sobjects/{self._kind}/deleted",
            doing=f"the erased records of {self._kind}",
            params={"start": _plus(start), "end": _plus(now)},
        ).data
        told = answer if isinstance(answer, dict) else {}
        covered = moment(told.get("latestDateCovered"), since)
        rows: Sequence[Any] = told.get("deletedRecords") or ()
        records = [
            Record(str(row["id"]), moment(row.get("deletedDate"), now), b"", kind="absent", follows=True)
            for row in rows
            if isinstance(row, dict) and row.get("id")
        ]
        return Batch(tuple(records), {**done, "erased_to": iso(min(covered, now))}, at=now)


def _literal(stamp: str) -> str:
    """Return an instant as SOQL reads it."""
    return utc(stamp).strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc(stamp).microsecond // 1000:03d}Z"


def _plus(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S+00:00")
