"""Bulk ingest: a CSV is uploaded once, worked on in parallel batches, and told of in three CSVs, in no order.

- https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/how_requests_are_processed.htm : a batch
  has 10,000 rows; batches run in parallel, which no setting changes.
- https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/datafiles_csv_valid_record_rows.htm : an
  empty cell changes nothing, `#N/A` sets null.
Here all batches move on together, 200 rows at a step, and hold the parents that they lock until the step ends. So rows
of one parent get in each other's way where they stand far apart, and do not where they stand together.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace
from typing import Any

from pipelines.sandbox.salesforce.batches import UNKNOWN_ID, upsert_row
from pipelines.sandbox.salesforce.gate import Denied, SalesforceCall, body_of, object_of, routes
from pipelines.sandbox.salesforce.ids import normal
from pipelines.sandbox.salesforce.jobs import (
    DELIMITERS,
    ENDINGS,
    OVER,
    Job,
    invalid,
    job_of,
    opened,
    written,
    wrong_state,
)
from pipelines.sandbox.salesforce.writing import create, delete, lookup_field, update
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V = "/services/data/{version}/jobs/ingest"
OPERATIONS = ("insert", "update", "upsert", "delete")
CHUNK = 200
LARGEST_BYTES = 100_000_000
NULL = "#N/A"


@routes.on("POST", V)
def start(call: SalesforceCall) -> Answer:
    """Open a job."""
    given = body_of(call)
    operation = given.get("operation")
    if operation == "hardDelete":
        message = "hardDelete operation requires special user profile permission"
        raise Denied("FEATURENOTENABLED", f"FeatureNotEnabled : {message}")
    if operation not in OPERATIONS:
        raise invalid(f"unsupported operation {operation!r}")
    try:
        name = object_of(str(given.get("object")))
    except Denied as denied:
        raise Denied("INVALIDENTITY", f"InvalidEntity : no such entity {given.get('object')}") from denied
    external = ""
    if operation == "upsert":
        try:
            external = lookup_field(call, name, str(given.get("externalIdFieldName") or "")).name
        except Denied as denied:
            message = (
                f"Field name provided, {given.get('externalIdFieldName')} does not match an External ID for {name}"
            )
            raise invalid(message) from denied
    job = opened(call, "ingest", given, name)
    job.external = external
    return Answer(200, job.told(call.base))


@routes.on("GET", V)
def listed(call: SalesforceCall) -> Answer:
    jobs = [job.told(call.base) for job in call.book.jobs.values() if job.kind == "ingest"]
    return Answer(200, {"done": True, "nextRecordsUrl": None, "records": jobs}, records=len(jobs))


@routes.on("PUT", f"{V}/{{id}}/batches")
def upload(call: SalesforceCall) -> Answer:
    """Take the job's one CSV."""
    job = job_of(call, "ingest")
    if job.state != "Open":
        raise wrong_state(job, "uploaded to")
    if job.content is not None:
        raise Denied("CLIENTINPUTERROR", f"ClientInputError : Found multiple contents for job: <{job.id}>")
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
        raise Denied("CLIENTINPUTERROR", "ClientInputError : the content type of data must be text/csv")
    if len(call.content) > LARGEST_BYTES:
        raise Denied("LIMIT_EXCEEDED", f"more than {LARGEST_BYTES} bytes", status=413)
    job.content = call.content
    return Answer(201)


@routes.on("PATCH", f"{V}/{{id}}")
def close(call: SalesforceCall) -> Answer:
    """Say that the upload is complete, or end the job."""
    job = job_of(call, "ingest")
    state = body_of(call).get("state")
    if state == "UploadComplete":
        if job.state != "Open":
            raise wrong_state(job, "closed")
        job.state = state
        _read(call, job)
        if int(call.switch("bulk_polls")) == 0 and job.state == state:
            _finish(call, job)
    elif state == "Aborted":
        if job.state in OVER:
            raise wrong_state(job, "aborted")
        if job.state == "Open" and job.content is not None:
            _read(call, job)
        job.state = state
    else:
        raise invalid(f"state can be UploadComplete or Aborted, not {state!r}")
    return Answer(200, job.told(call.base), records=len(job.ok))


@routes.on("GET DELETE", f"{V}/{{id}}")
def info(call: SalesforceCall) -> Answer:
    """How the job stands; asking moves it on. DELETE forgets it."""
    job = job_of(call, "ingest")
    if call.method == "DELETE":
        if job.state in ("Open", "InProgress"):
            raise wrong_state(job, "deleted")
        del call.book.jobs[job.id]
        return Answer(204)
    done = len(job.ok)
    if job.state in ("UploadComplete", "InProgress"):
        job.polls += 1
        if job.polls >= int(call.switch("bulk_polls")):
            _finish(call, job)
        elif job.state == "UploadComplete":
            job.state = "InProgress"
            _run(call, job, _steps(call, job) // 2)
    return Answer(200, job.told(call.base), records=len(job.ok) - done)


@routes.on("GET", f"{V}/{{id}}/successfulResults", f"{V}/{{id}}/failedResults", f"{V}/{{id}}/unprocessedrecords")
def results(call: SalesforceCall) -> Answer:
    """One of the three CSVs of a job that is over."""
    job = job_of(call, "ingest")
    if job.state not in OVER:
        raise wrong_state(job, "asked for results")
    kind = call.segments[-1]
    rows: list[list[str]]
    if kind == "successfulResults":
        head = ["sf__Id", "sf__Created"]
        rows = [[one, str(created).lower(), *job.rows[at]] for one, created, at in reversed(job.ok)]
    elif kind == "failedResults":
        head = ["sf__Id", "sf__Error"]
        rows = [[one, error, *job.rows[at]] for one, error, at in reversed(job.failed)]
    else:
        head = []
        done = {at for _, _, at in job.ok} | {at for _, _, at in job.failed}
        rows = [row for at, row in enumerate(job.rows) if at not in done]
    return Answer(200, written(job, head + job.columns, rows), media="text/csv", records=len(rows))


def _read(call: SalesforceCall, job: Job) -> None:
    """Read the CSV; a job whose CSV cannot be read has failed."""
    try:
        text = (job.content or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        job.state, job.error = "Failed", "InvalidBatch : the data is not UTF-8"
        return
    first = text[: text.find("\n") + 1]
    if first and first.endswith("\r\n") != (job.ending == "CRLF"):
        message = f"LineEnding is invalid on user data. Current LineEnding setting is {job.ending}"
        job.state, job.error = "Failed", f"ClientInputError : {message}"
        return
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[job.delimiter], strict=True)
    try:
        job.columns = next(lines, [])
        job.rows = [line for line in lines if line]
    except csv.Error as error:
        job.state, job.error = "Failed", f"InvalidBatch : {error}"
        return
    known = {key.lower() for key in call.fields(job.object)}
    unknown = next((one for one in job.columns if one.lower() not in known), None)
    if unknown is not None:
        job.state, job.error = "Failed", f"InvalidBatch : Field name not found : {unknown}"
    elif any(len(row) != len(job.columns) for row in job.rows):
        job.state, job.error = "Failed", "InvalidBatch : a row has more or fewer cells than the header"
    elif ENDINGS[job.ending] not in text:
        job.state, job.error = "Failed", "InvalidBatch : the data has no rows"


def _steps(call: SalesforceCall, job: Job) -> int:
    return -(-min(len(job.rows), int(call.switch("bulk_batch_rows"))) // CHUNK)


def _finish(call: SalesforceCall, job: Job) -> None:
    steps = _steps(call, job)
    if call.switch("bulk_fails"):
        _run(call, job, max(job.step, steps // 2))
        job.state = "Failed"
        job.error = "InternalServerError : a batch was tried too often"
    else:
        _run(call, job, steps)
        job.state = "JobComplete"


def _run(call: SalesforceCall, job: Job, until: int) -> None:
    """Move all batches on to a step."""
    size = max(int(call.switch("bulk_batch_rows")), 1)
    while job.step < until:
        held: dict[str, int] = {}
        for batch, begin in enumerate(range(0, len(job.rows), size)):
            from_row = begin + job.step * CHUNK
            chunk = range(from_row, min(from_row + CHUNK, begin + size, len(job.rows)))
            inside = replace(call, held=held, batch=batch)
            keys = Counter(_cells(job, at).get(job.external, "") for at in chunk) if job.external else Counter[str]()
            for at in chunk:
                _row(inside, job, at, keys)
        job.step += 1


def _cells(job: Job, at: int) -> dict[str, str]:
    return dict(zip(job.columns, job.rows[at], strict=True))


def _row(call: SalesforceCall, job: Job, at: int, keys: Counter[str]) -> None:
    given: Record = {key: None if cell == NULL else cell for key, cell in _cells(job, at).items() if cell != ""}
    identifier = next((str(value) for key, value in given.items() if key.lower() == "id"), "")
    try:
        if job.operation == "insert":
            job.ok.append((create(call, job.object, given)["Id"], True, at))
        elif job.operation == "upsert":
            key = next((value for name, value in given.items() if name.lower() == job.external.lower()), None)
            if not key:
                raise Denied("MISSING_ARGUMENT", f"{job.external} not specified", (job.external,))
            if keys[str(key)] > 1:
                raise Denied("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", (job.external,))
            done = upsert_row(call, job.object, job.external, key, given)
            job.ok.append((done["id"], done["created"], at))
        else:
            _by_id(call, job, identifier, given)
            job.ok.append((normal(identifier), False, at))
    except Denied as denied:
        code = "INVALID_TYPE_ON_FIELD_IN_RECORD" if denied.code == "JSON_PARSER_ERROR" else denied.code
        error = f"{code}:{denied.message}:{' '.join(denied.fields or ())} --"
        job.failed.append((normal(identifier), error, at))


def _by_id(call: SalesforceCall, job: Job, identifier: str, given: Record) -> None:
    if not normal(identifier):
        raise Denied("MALFORMED_ID", f"malformed id {identifier}", ("Id",))
    row = call.org.tables[job.object].get(normal(identifier))
    if row is None or call.org.purged(row, call.now):
        raise Denied("INVALID_CROSS_REFERENCE_KEY", UNKNOWN_ID)
    if job.operation == "delete":
        delete(call, job.object, row)
    else:
        update(call, job.object, row, {key: value for key, value in given.items() if key.lower() != "id"})
