"""Bulk query: a query is a job, its rows come as CSV in pieces; after the last one the locator is the text `null`.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/query_get_job_results.htm
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.salesforce.fields import READ_ONLY
from pipelines.sandbox.salesforce.gate import Denied, SalesforceCall, body_of, routes
from pipelines.sandbox.salesforce.jobs import OVER, Job, invalid, job_of, opened, written, wrong_state
from pipelines.sandbox.salesforce.select import Plan
from pipelines.sandbox.salesforce.soql import read
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V = "/services/data/{version}/jobs/query"
PIECE = 50_000


@routes.on("POST", V)
def start(call: SalesforceCall) -> Answer:
    """Open a job; the query is read at once."""
    given = body_of(call)
    if given.get("operation") not in ("query", "queryAll") or not isinstance(given.get("query"), str):
        raise invalid("operation must be query or queryAll, and query a text")
    select = read(given["query"])
    plan = Plan(call, select)
    if plan.object in READ_ONLY:
        raise Denied("INVALIDENTITY", f"InvalidEntity : Entity '{plan.object}' is not supported by the Bulk API.")
    if select.aggregates or select.typeofs or select.offset:
        message = "COUNT, OFFSET and TYPEOF are not supported in a bulk query"
        raise Denied("FEATURENOTENABLED", f"FeatureNotEnabled : {message}")
    job = opened(call, "query", given, plan.object)
    job.query = given["query"]
    job.columns = [".".join(path) for path in plan.paths]
    job.state = "UploadComplete"
    if int(call.switch("bulk_polls")) == 0:
        _finish(call, job)
    return Answer(200, job.told(call.base))


@routes.on("GET", V)
def listed(call: SalesforceCall) -> Answer:
    jobs = [job.told(call.base) for job in call.book.jobs.values() if job.kind == "query"]
    return Answer(200, {"done": True, "nextRecordsUrl": None, "records": jobs}, records=len(jobs))


@routes.on("GET PATCH DELETE", f"{V}/{{id}}")
def info(call: SalesforceCall) -> Answer:
    """How the job stands; asking moves it on. PATCH ends it, DELETE forgets it."""
    job = job_of(call, "query")
    if call.method == "DELETE":
        if job.state not in OVER:
            raise wrong_state(job, "deleted")
        del call.book.jobs[job.id]
        return Answer(204)
    if call.method == "PATCH":
        if body_of(call).get("state") != "Aborted" or job.state in OVER:
            raise wrong_state(job, "changed so")
        job.state = "Aborted"
    elif job.state in ("UploadComplete", "InProgress"):
        job.polls += 1
        job.state = "InProgress"
        if job.polls >= int(call.switch("bulk_polls")):
            _finish(call, job)
    return Answer(200, job.told(call.base))


@routes.on("GET", f"{V}/{{id}}/results")
def results(call: SalesforceCall) -> Answer:
    """A piece of the rows: `maxRecords` of them from `locator` on."""
    job = job_of(call, "query")
    if job.state != "JobComplete":
        raise wrong_state(job, "asked for results")
    locator, most = call.query.get("locator", "0"), call.query.get("maxRecords", str(PIECE))
    if not locator.isdecimal() or int(locator) > len(job.rows) or not most.isdecimal() or not int(most):
        raise Denied("INVALID_QUERY_LOCATOR", "invalid query locator")
    begin, end = int(locator), int(locator) + min(int(most), PIECE)
    rows = job.rows[begin:end]
    headers = {
        "Sforce-Locator": str(end) if end < len(job.rows) else "null",
        "Sforce-NumberOfRecords": str(len(rows)),
    }
    return Answer(200, written(job, job.columns, rows), headers, records=len(rows), media="text/csv")


def _finish(call: SalesforceCall, job: Job) -> None:
    plan = Plan(call, read(job.query))
    job.rows = [[_cell(value) for value in plan.flat(row).values()] for row in plan.rows(job.operation == "queryAll")]
    job.state = "JobComplete"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
