"""`query` and `queryAll`, page by page, and what describe and the list of objects tell.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm and
…/resources_query_more_results.htm : `nextRecordsUrl` is a path. Ten open queries a user and fifteen idle minutes are
the older, stricter of the documented lives of a query.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.salesforce.describe import described, summary
from pipelines.sandbox.salesforce.fields import READ_ONLY, SCHEMA
from pipelines.sandbox.salesforce.gate import Denied, SalesforceCall, object_of, routes
from pipelines.sandbox.salesforce.ids import LOCATOR, made
from pipelines.sandbox.salesforce.select import Plan
from pipelines.sandbox.salesforce.soql import read
from pipelines.sandbox.salesforce.values import moment_of, told
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]
V = "/services/data/{version}"
SMALLEST, LARGEST = 200, 2000
WINDOW_DAYS = {"updated": 30, "deleted": 15}


@dataclass
class Locator:
    """An open query: its text, the ids of its rows, whose it is, when it was last read from."""

    query: str
    ids: list[str]
    user_id: str
    size: int
    used: datetime
    pages: int = 0


@routes.on("GET", f"{V}/query", f"{V}/queryAll")
def query(call: SalesforceCall) -> Answer:
    """The first page of a query."""
    text = call.query.get("q")
    if not text:
        raise Denied("MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    select = read(text)
    plan = Plan(call, select)
    rows = plan.rows(call.segments[3].lower() == "queryall")
    if select.aggregates == []:
        locator = Locator(text, [row["Id"] for row in rows], call.user["Id"], _size(call), call.now)
        return _page(call, plan, locator, "", 0)
    if not select.aggregates[0].path and select.aggregates[0].function == "COUNT" and len(select.aggregates) == 1:
        return Answer(200, {"totalSize": len(rows), "done": True, "records": []})
    return Answer(200, {"totalSize": 1, "done": True, "records": [plan.counted(rows)]}, records=1)


@routes.on("GET", f"{V}/query/{{locator}}", f"{V}/queryAll/{{locator}}")
def more(call: SalesforceCall) -> Answer:
    """A further page."""
    name, _, start = call.params["locator"].partition("-")
    found = call.book.locators.get(name)
    minutes = float(call.switch("locator_minutes"))
    if found is not None and not call.now - found.used < timedelta(minutes=minutes):
        del call.book.locators[name]
        found = None
    if found is None or found.user_id != call.user["Id"] or not start.isdecimal() or int(start) > len(found.ids):
        raise Denied("INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(call, Plan(call, read(found.query)), found, name, int(start))


def _size(call: SalesforceCall) -> int:
    """What the header asks for, between 200 and 2,000: a hint."""
    for part in call.headers.get("sforce-query-options", "").split(","):
        key, _, value = part.partition("=")
        if key.strip().lower() == "batchsize" and value.strip().isdecimal():
            return min(max(int(value.strip()), SMALLEST), LARGEST)
    return LARGEST


def _page(call: SalesforceCall, plan: Plan, locator: Locator, name: str, start: int) -> Answer:
    """One page; where rows are left, the locator is kept, and the oldest one goes when there are too many."""
    size = locator.size
    if call.switch("page_rows") is not None:
        size = max(1, min(size, int(call.switch("page_rows"))) - locator.pages % 2)
    ids, following = page(locator.ids, start, size, call.page_fault)
    locator.pages += 1
    locator.used = call.now
    body: Record = {"totalSize": len(locator.ids), "done": following is None}
    if following is not None:
        if not name:
            call.book.numbers["locator"] += 1
            name = made(LOCATOR, call.book.numbers["locator"])
            call.book.locators[name] = locator
            mine = [key for key, one in call.book.locators.items() if one.user_id == locator.user_id]
            for oldest in mine[: max(0, len(mine) - int(call.switch("open_locators")))]:
                del call.book.locators[oldest]
        body["nextRecordsUrl"] = f"{call.base}/query/{name}-{following}"
    found = (call.org.tables[plan.object].get(identifier) for identifier in ids)
    body["records"] = [plan.shown(row) for row in found if row is not None]
    return Answer(200, body, records=len(body["records"]))


@routes.on("GET", f"{V}/sobjects")
def objects(call: SalesforceCall) -> Answer:
    found = [summary(name, call.base) for name in SCHEMA]
    return Answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})


@routes.on("GET", f"{V}/sobjects/{{object}}")
def about(call: SalesforceCall) -> Answer:
    name = object_of(call.params["object"])
    return Answer(200, {"objectDescribe": summary(name, call.base), "recentItems": []})


@routes.on("GET", f"{V}/sobjects/{{object}}/describe")
def describe(call: SalesforceCall) -> Answer:
    """The object and the fields of it that the user sees."""
    name = object_of(call.params["object"])
    fields = []
    for one in call.fields(name).values():
        entry = described(one, call.org.picklist(name, one.name))
        entry["restrictedPicklist"] = call.restricted(name, one)
        if one.name in call.switch("readonly_fields"):
            entry |= {"createable": False, "updateable": False}
        fields.append(entry)
    return Answer(200, {**summary(name, call.base), "fields": fields, "recordTypeInfos": [], "childRelationships": []})


@routes.on("GET", f"{V}/sobjects/{{object}}/updated", f"{V}/sobjects/{{object}}/deleted")
def changed(call: SalesforceCall) -> Answer:
    """Ids that changed in a window, to the minute: 30 days back at most for updates, 15 for deletions."""
    name, kind = object_of(call.params["object"]), call.segments[5]
    if name in READ_ONLY or (name == "User" and kind == "deleted"):
        raise Denied("INVALID_REPLICATION_DATE", f"object {name} is not replicable")
    try:
        start, end = (moment_of(call.query.get(key).replace(" ", "+")) for key in ("start", "end"))
    except ValueError as error:
        raise Denied("INVALID_REPLICATION_DATE", f"{error}") from error
    start, end = (moment.replace(second=0, microsecond=0) for moment in (start, end))
    if start >= end:
        raise Denied("INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate")
    if start < call.now - timedelta(days=WINDOW_DAYS[kind]):
        raise Denied("INVALID_REPLICATION_DATE", f"startDate cannot be more than {WINDOW_DAYS[kind]} days ago")
    latest = told(min(end, call.now.replace(second=0, microsecond=0)))
    rows = [row for row in call.org.rows(name, call.now, True) if start <= moment_of(row["SystemModstamp"]) < end]
    if kind == "updated":
        ids = [row["Id"] for row in rows if not row.get("IsDeleted")]
        return Answer(200, {"ids": ids, "latestDateCovered": latest}, records=len(ids))
    gone = [{"id": row["Id"], "deletedDate": row["SystemModstamp"]} for row in rows if row.get("IsDeleted")]
    earliest = told(call.now - timedelta(days=WINDOW_DAYS[kind]))
    body = {"deletedRecords": gone, "earliestDateAvailable": earliest, "latestDateCovered": latest}
    return Answer(200, body, records=len(gone))
