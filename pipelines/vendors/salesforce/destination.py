"""Salesforce as a destination: one Task for each activity, never two (HS-10).

Facts, from https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
(read 2026-11):

- A call holds 200 records of one object. It is answered with 200 even where each record failed; results stand in the
  order of the request, and only those that succeeded have an id.
- An upsert by an external id creates a record or changes the one that has it: repeated, it makes nothing twice.
- A Task that is created closed locks neither its account nor its person; a change of it locks both.
- A person who was merged or converted away is refused; who remains is told by MasterRecordId and ConvertedContactId.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from pipelines.errors import QuotaError, UnknownOutcomeError, VendorError
from pipelines.log import Log
from pipelines.publish.rows import Notebook, Outcome, Phase, Row
from pipelines.settings import Connection
from pipelines.vendors.reading import instant
from pipelines.vendors.salesforce import campaigns
from pipelines.vendors.salesforce.bulk import Jobs, Results
from pipelines.vendors.salesforce.client import SalesforceClient, client_of, first_error, is_locked
from pipelines.vendors.salesforce.fitness import lacking, unknown_types
from pipelines.vendors.salesforce.objects import OURS
from pipelines.vendors.salesforce.people import Successors
from pipelines.vendors.salesforce.reading import visible

KEY = OURS[0]
BATCH_ROWS = 200
BULK_FROM = 2_000
"""Rows beyond which a job costs fewer calls than collections, by Salesforce's own advice."""
BULK_ROWS = 50_000
LOCK_TRIES = 4
MOVED = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "CANNOT_UPDATE_CONVERTED_LEAD"})
GONE = "ENTITY_IS_DELETED"
PLACED = ("WhoId", "WhatId")
UNTRIED = frozenset({"ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED"})
AUTOMATION = frozenset(
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR", "LIMIT_EXCEEDED"}
)
PEOPLE = ("contacts", "leads")
MUST_KNOW = ("organization", "task_statuses", *PEOPLE)
FULL = "STORAGE_LIMIT_EXCEEDED"
ASKED_AT_ONCE = 200
STORAGE: Mapping[str, int] = {"task": 2048}
"""Whatever a Task holds, Salesforce counts it as 2 KB."""
PHASES = tuple(
    Phase(
        "task",
        (operation,),
        batch_size=BATCH_ROWS,
        sorted_by=("account_id", "WhoId"),
        bulk_from=BULK_FROM,
        bulk_size=BULK_ROWS,
        at_once=1,
    )
    for operation in ("create", "update")
) + (Phase("task", ("delete",), batch_size=BATCH_ROWS, at_once=1),)


class SalesforceDestination:
    """One Salesforce org, to write to. `chosen` is the task type of each activity type (HS-01)."""

    name = "salesforce"
    phases = (*PHASES, *campaigns.PHASES)
    storage = STORAGE
    reads: tuple[str, ...] = ()
    lasting: Mapping[str, str] = campaigns.LASTING
    parts: Mapping[str, tuple[str, ...]] = {}
    returning = frozenset({campaigns.MEMBER})

    def __init__(self, connection: Connection, chosen: Mapping[str, str]) -> None:
        self.client: SalesforceClient = client_of(connection)
        self._chosen = dict(chosen)
        self._jobs = Jobs(self.client)
        self._campaigns = campaigns.Campaigns(self.client)
        self._notebook: Notebook | None = None
        self._is_full = ""

    def begin(self, notebook: Notebook) -> None:
        """Take the book in which jobs are noted before they get their rows."""
        self._notebook, self._is_full = notebook, ""

    def quota_left(self) -> int | None:
        """Return what the last answer said of the org's calls."""
        return self.client.calls_left

    def prepare(self, db: duckdb.DuckDBPyConnection) -> list[Row]:
        """Return nothing: fields of Salesforce are made by its administrators."""
        return []

    def unknown(self, log: Log) -> list[str]:
        """Return what the org lacks, or what must have been read whole before a Task can be put on somebody."""
        told = [
            f"salesforce/{name} was never read whole, so Tasks could go to the wrong record"
            for name in MUST_KNOW
            if log.version("salesforce", name) < 0
            or (name in PEOPLE and "read_to" not in (log.cursor("salesforce", name, self.client.org) or {}))
        ]
        fields = visible(log, self.client.org, "Task") if log.version("salesforce", "descriptions") >= 0 else {}
        if not fields:
            return [*told, "salesforce/descriptions was never read, so nobody knows what a Task can hold"]
        return [*told, *lacking("Task", fields), *unknown_types(fields, self._chosen)]

    def send(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        """Send one batch: as a call of at most 200 rows, or as a job."""
        if phase.object in campaigns.KINDS:
            return self._campaigns.send(phase, rows)
        if self._is_full:
            raise QuotaError(self._is_full, vendor="salesforce", code=FULL)
        if len(rows) > BATCH_ROWS:
            return self._send_job(rows)
        return self._settled(rows, self._call(rows), LOCK_TRIES)

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Tell what became of rows whose sending was broken off; jobs that still run are waited for."""
        theirs = [row for row in rows if row.object in campaigns.KINDS]
        if theirs:
            tasks = [row for row in rows if row.object not in campaigns.KINDS]
            told = [*self._campaigns.ask(theirs), *(self.ask(tasks) if tasks else ())]
            by_row = {id(outcome.row): outcome for outcome in told}
            return [by_row[id(row)] for row in rows]
        done: dict[str, str] = {}
        for job in self._notebook.jobs({row.key for row in rows}) if self._notebook else ():
            if self._jobs.ended(job) == "JobComplete":
                done |= self._jobs.results(job, (KEY, "Id")).done
        answers: dict[int, Outcome] = {}
        open_rows: list[Row] = []
        for row in rows:
            name = done.get(row.key) or done.get(row.vendor_id or "")
            if name:
                answers[id(row)] = Outcome(row, "published", vendor_id=name)
            else:
                open_rows.append(row)
        for at in range(0, len(open_rows), ASKED_AT_ONCE):
            some = open_rows[at : at + ASKED_AT_ONCE]
            found = self._found(some)
            for row in some:
                there = found.get(row.key)
                if row.operation == "delete":
                    is_gone = there is None or bool(there.get("IsDeleted"))
                    answers[id(row)] = Outcome(row, "published" if is_gone else "not_done", vendor_id=row.vendor_id)
                    continue
                answers[id(row)] = (
                    Outcome(row, "published", vendor_id=str(there["Id"]))
                    if there is not None and (row.operation == "create" or _holds(there, row))
                    else Outcome(row, "not_done", vendor_id=row.vendor_id)
                )
        return [answers[id(row)] for row in rows]

    def _found(self, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
        names = sorted({"Id", KEY, "IsDeleted", *(name for row in rows for name in row.fields)})
        keys = ", ".join(f"'{row.key}'" for row in rows)
        soql = f"SELECT {', '.join(names)} FROM Task WHERE {KEY} IN ({keys})"  # noqa: S608
        told = self.client.decoded(soql, doing=f"{len(rows)} Tasks to read back", is_all=True)
        told = sorted(told, key=lambda found: not found.get("IsDeleted"))  # one that stands is the one that counts
        return {str(found.get(KEY)): found for found in told}

    def changed(self, rows: Sequence[Row]) -> list[dict[str, str | None] | None]:
        """Return for each row the fields that hold something else than it told; where it is put is Salesforce's."""
        theirs = [row for row in rows if row.object == campaigns.MEMBER]
        if theirs:
            inside = dict(zip(map(id, theirs), self._campaigns.inside(theirs), strict=True))
            tasks = [row for row in rows if id(row) not in inside]
            others = dict(zip(map(id, tasks), self.changed(tasks), strict=True))
            return [({} if inside[id(row)] else None) if id(row) in inside else others[id(row)] for row in rows]
        changes: list[dict[str, str | None] | None] = []
        for at in range(0, len(rows), ASKED_AT_ONCE):
            some = rows[at : at + ASKED_AT_ONCE]
            found = self._found(some)
            for there, row in ((found.get(row.key), row) for row in some):
                if there is None or there.get("IsDeleted"):
                    changes.append(None)
                    continue
                told = [(name, value) for name, value in row.fields.items() if name not in PLACED]
                changes.append({name: there.get(name) for name, value in told if not _same(there.get(name), value)})
        return changes

    def _call(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Write one collection and return a result for each row."""
        if rows[0].operation == "delete":
            answer = self.client.call(
                "DELETE",
                "/composite/sobjects",
                doing=f"the deletion of {len(rows)} Tasks",
                params={"ids": ",".join(str(row.vendor_id) for row in rows), "allOrNone": "false"},
                repeatable=False,
            )
            return _told(answer.data, len(rows))
        is_new = rows[0].operation == "create"
        records = [{"attributes": {"type": "Task"}, **_record(row)} for row in rows]
        answer = self.client.call(
            "PATCH",
            f"/composite/sobjects/Task/{KEY}" if is_new else "/composite/sobjects",
            doing=f"{len(rows)} Tasks",
            json={"allOrNone": False, "records": records},
            repeatable=False,
        )
        return _told(answer.data, len(rows))

    def _settled(self, rows: Sequence[Row], results: Sequence[Mapping[str, Any]], tries: int) -> list[Outcome]:
        """Return an outcome for each row; what another try can mend is tried again."""
        outcomes: dict[int, Outcome] = {}
        again: list[Row] = []
        moved: list[Row] = []
        halved: list[Row] = []
        for row, result in zip(rows, results, strict=True):
            code, words = first_error(result)
            if result.get("success") or (row.operation == "delete" and code == GONE):
                outcomes[id(row)] = Outcome(row, "published", vendor_id=str(result.get("id") or row.vendor_id))
            elif code in UNTRIED:
                outcomes[id(row)] = Outcome(row, "not_done", reason="Salesforce did not come to it")
            elif is_locked(code, words) and tries:
                again.append(row)
            elif is_locked(code, words):
                outcomes[id(row)] = Outcome(row, "waiting", reason="its record was locked by another writer")
            elif code in MOVED and row.operation == "create" and tries == LOCK_TRIES:
                moved.append(row)
            elif code in AUTOMATION and len(rows) > 1:
                halved.append(row)
            elif code == FULL:
                self._is_full = f"the org's storage is full ({words}). Make room in Salesforce, then run again."
                outcomes[id(row)] = Outcome(row, "waiting", reason=self._is_full)
            else:
                outcomes[id(row)] = Outcome(row, "rejected", reason=f"{code}: {words}" if code else words)
        if again:
            self.client.api.sleep(0.2 * 2 ** (LOCK_TRIES - tries))
            outcomes |= self._once_more([again], tries - 1)
        if moved:
            outcomes |= self._followed(moved)
        if halved:
            middle = (len(halved) + 1) // 2
            outcomes |= self._once_more([part for part in (halved[:middle], halved[middle:]) if part], tries)
        return [outcomes[id(row)] for row in rows]

    def _once_more(self, parts: Sequence[Sequence[Row]], tries: int) -> dict[int, Outcome]:
        """Send rows again; where that breaks off, the others of the batch are known and these are not done."""
        outcomes: dict[int, Outcome] = {}
        for part in parts:
            try:
                told = self._settled(part, self._call(part), tries)
            except UnknownOutcomeError:
                told = self.ask(part)
            except VendorError as error:
                told = [Outcome(row, "waiting", reason=str(error)) for row in part]
            outcomes |= {id(outcome.row): outcome for outcome in told}
        return outcomes

    def _followed(self, rows: Sequence[Row]) -> dict[int, Outcome]:
        """Send Tasks whose person was merged or converted meanwhile to whoever remains (HS-09)."""
        heirs = Successors(self.client).of({str(row.fields.get("WhoId")) for row in rows})
        outcomes: dict[int, Outcome] = {}
        going: dict[int, Row] = {}
        for row in rows:
            heir = heirs.get(str(row.fields.get("WhoId")))
            if heir is None:
                reason = "its person was deleted in Salesforce"
                outcomes[id(row)] = Outcome(row, "rejected", reason=reason)
            else:
                going[id(row)] = row.with_fields({**row.fields, "WhoId": heir})
        if going:
            told = self._once_more([list(going.values())], LOCK_TRIES - 1)
            planned = {id(row): row for row in rows}
            outcomes |= {was: told[id(row)].of_row(planned[was], row.fields) for was, row in going.items()}
        return outcomes

    def _send_job(self, rows: Sequence[Row]) -> list[Outcome]:
        """Send rows as one job, which is in the log before it has any.

        Raises:
            UnknownOutcomeError: it was made, and how it ended cannot be told now.
        """
        is_new = rows[0].operation == "create"
        job = self._jobs.create("Task", "upsert" if is_new else "update", KEY if is_new else "Id")
        if self._notebook is not None:
            self._notebook.note(job, [row.key for row in rows])
        try:
            self._jobs.upload(job, [_record(row) for row in rows])
            self._jobs.ended(job)
            results = self._jobs.results(job, (KEY, "Id"))
        except VendorError as error:
            raise UnknownOutcomeError(str(error), vendor="salesforce", status=error.status, code=error.code) from None
        return self._of_job(rows, results)

    def _of_job(self, rows: Sequence[Row], results: Results) -> list[Outcome]:
        """Return an outcome for each row of a job; what failed in passing is sent once more in calls."""
        outcomes: dict[int, Outcome] = {}
        passing: list[Row] = []
        lost: list[Row] = []
        for row in rows:
            key = row.key if row.operation == "create" else str(row.vendor_id)
            if key in results.done:
                outcomes[id(row)] = Outcome(row, "published", vendor_id=results.done[key])
            elif key in results.untried:
                outcomes[id(row)] = Outcome(row, "not_done", reason="Salesforce did not come to it")
            elif key not in results.failed:
                lost.append(row)
            else:
                code, words = results.failed[key]
                if is_locked(code, words) or code in MOVED or code in AUTOMATION:
                    passing.append(row)
                else:
                    outcomes[id(row)] = Outcome(row, "rejected", reason=f"{code}: {words}")
        if lost:
            outcomes |= {id(outcome.row): outcome for outcome in self.ask(lost)}
        for at in range(0, len(passing), BATCH_ROWS):
            outcomes |= self._once_more([passing[at : at + BATCH_ROWS]], LOCK_TRIES)
        return [outcomes[id(row)] for row in rows]


def _told(data: Any, count: int) -> list[dict[str, Any]]:
    """Return the results of a collection, one for each record.

    Raises:
        UnknownOutcomeError: there are more or fewer.
    """
    told = data if isinstance(data, list) else []
    if len(told) != count or not all(isinstance(one, dict) for one in told):
        raise UnknownOutcomeError(f"salesforce answered {count} Tasks with {len(told)} results.", vendor="salesforce")
    return told


def _record(row: Row) -> dict[str, str | None]:
    """Return a row as Salesforce takes it; a creation has nothing to clear."""
    fields = {name: value for name, value in row.fields.items() if value is not None or row.operation != "create"}
    return {KEY: row.key, **fields} if row.operation == "create" else {"Id": row.vendor_id, **fields}


def _holds(there: Mapping[str, Any], row: Row) -> bool:
    """Whether a Task says what a row wanted it to."""
    return not there.get("IsDeleted") and all(_same(there.get(name), value) for name, value in row.fields.items())


def _same(held: Any, wanted: str | None) -> bool:
    if (held or "") == (wanted or "").strip():
        return True
    at = instant(wanted) if wanted and "T" in wanted else None
    return at is not None and isinstance(held, str) and instant(held) == at
