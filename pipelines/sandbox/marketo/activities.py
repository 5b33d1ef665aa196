"""The log of activities: read along a chain of tokens, page after page while `moreResult` says so.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities : a call looks at a
stretch of the log (switch `marketo.activity_scan_rows`) and gives what is asked for in it, so that a page may be short,
or have no `result` at all, in the middle of a reading. A row that is committed after its date lies behind the token
that went past that date. Deletions stand apart, for 14 days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso_ms, parse
from pipelines.sandbox.marketo.fields import CHANGE, DELETE, NEW_LEAD, TYPES
from pipelines.sandbox.marketo.gate import (
    READ_ACTIVITY,
    MarketoCall,
    Refused,
    number,
    numbers,
    opened,
    required,
    routes,
    sealed,
    size_of,
    success,
    values_of,
)
from pipelines.sandbox.marketo.stamps import asked
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V = "/rest/v1/activities"
MOST_TYPES, MOST_LEADS = 10, 30


@routes.on("GET", f"{V}/pagingtoken", scopes=READ_ACTIVITY)
def paging_token(call: MarketoCall) -> Answer:
    text = required(call, "sinceDatetime")
    try:
        since = asked(text)
    except (ValueError, OverflowError) as error:
        raise Refused("704", f"Invalid date format: '{text}' for 'sinceDatetime'") from error
    return success(call, nextPageToken=sealed("log", iso_ms(since), -1))


@routes.on("GET", f"{V}/types", scopes=READ_ACTIVITY)
def types(call: MarketoCall) -> Answer:
    """The usual types, and those that stand in the log beside them."""
    rows = []
    there = {row["activityTypeId"] for row in call.instance.record["activities"]}
    for identifier in sorted({*TYPES, *there}):
        name, primary, attributes = TYPES.get(identifier, (f"Activity {identifier}", "", ()))
        told: Record = {"id": identifier, "name": name, "description": name}
        if primary:
            told["primaryAttribute"] = {"name": primary, "dataType": "integer" if primary.endswith("ID") else "string"}
        told["attributes"] = [{"name": one, "dataType": "string"} for one in attributes]
        rows.append(told)
    return success(call, rows)


@routes.on("GET", V, scopes=READ_ACTIVITY)
def activities(call: MarketoCall) -> Answer:
    kinds = set(numbers(values_of(call, "activityTypeIds", MOST_TYPES), "activityTypeIds"))
    whose = _whose(call)
    things = set(numbers(call.query.all("assetIds"), "assetIds"))
    if things and len(kinds) > 1:
        raise Refused("1003", "Invalid data: assetIds needs a single activity type")

    def wanted(row: Record) -> bool:
        return (
            row["activityTypeId"] in kinds - {DELETE}
            and (whose is None or row["leadId"] in whose)
            and (not things or number(row.get("primaryAttributeValueId")) in things)
        )

    return _read(call, wanted, lambda row: told_activity(call, row))


@routes.on("GET", f"{V}/deletedleads", scopes=READ_ACTIVITY)
def deleted_leads(call: MarketoCall) -> Answer:
    days = call.switch("deleted_leads_days")
    oldest = call.now - timedelta(days=float(days)) if days is not None else None

    def wanted(row: Record) -> bool:
        return row["activityTypeId"] == DELETE and (oldest is None or parse(row["activityDate"]) >= oldest)

    return _read(call, wanted, lambda row: told_activity(call, row))


@routes.on("GET", f"{V}/leadchanges", scopes=READ_ACTIVITY)
def lead_changes(call: MarketoCall) -> Answer:
    """New leads, and changes of the fields that are named."""
    names = values_of(call, "fields", 1000)
    unknown = [name for name in names if name not in call.instance.lead_fields]
    if unknown:
        raise Refused("1006", f"Field '{unknown[0]}' not found")
    labels = {call.instance.lead_fields[name].label: name for name in names}
    whose = _whose(call)

    def wanted(row: Record) -> bool:
        if whose is not None and row["leadId"] not in whose:
            return False
        change = row["activityTypeId"] == CHANGE and row.get("primaryAttributeValue") in labels
        return change or row["activityTypeId"] == NEW_LEAD

    def told(row: Record) -> Record:
        found = told_activity(call, row)
        label = found.pop("primaryAttributeValue", None)
        found.pop("primaryAttributeValueId", None)
        values = {one.get("name"): one.get("value") for one in row["attributes"]}
        if row["activityTypeId"] == CHANGE:
            field: Record = {"id": row["id"], "name": labels[label], "newValue": values.get("New Value")}
            if values.get("Old Value") is not None:
                field["oldValue"] = values["Old Value"]
            found["fields"] = [field]
        found["attributes"] = [one for one in row["attributes"] if one.get("name") not in ("New Value", "Old Value")]
        return found

    return _read(call, wanted, told)


def told_activity(call: MarketoCall, row: Record) -> Record:
    """An activity; its number may be missing (switch `marketo.activity_ids`)."""
    found = {name: value for name, value in row.items() if name != "committedAt"}
    if not call.switch("activity_ids"):
        del found["id"]
    if call.switch("activity_offset"):
        found["activityDate"] = found["activityDate"].replace("Z", "+0000")
    return found


def _whose(call: MarketoCall) -> set[int] | None:
    """The leads that are asked for, None where all are."""
    named = set(numbers(values_of(call, "leadIds", MOST_LEADS), "leadIds")) if call.query.get("leadIds") else None
    if not call.query.get("listId"):
        return named
    identifier = numbers([call.query.get("listId")], "listId")[0]
    row = call.instance.lists.get(identifier)
    if row is None:
        raise Refused("1013", f"Object not found: list '{identifier}'")
    most = call.switch("listed_leads_limit")
    if most is not None and len(row["members"]) >= int(most):
        raise Refused("1003", f"Invalid data: the list holds {int(most)} leads or more")
    members = set(row["members"])
    return members if named is None else members & named


def _read(call: MarketoCall, wanted: Callable[[Record], bool], told: Callable[[Record], Record]) -> Answer:
    """Look at a stretch of the log behind the token, and give the next one."""
    since, last = opened(required(call, "nextPageToken"), "log", 2)
    place = (_instant(since), int(last))
    size, stretch = size_of(call), max(int(call.switch("activity_scan_rows")), 1)
    rows: list[Record] = []
    more = False
    retention = call.switch("activity_retention_days")
    oldest = call.now - timedelta(days=float(retention)) if retention is not None else None
    if call.page_fault == "empty_page":
        return success(call, nextPageToken=sealed("log", since, last), moreResult=True)
    for looked, (at, row) in enumerate(call.instance.activities(place, call.now)):
        if looked >= stretch or len(rows) >= size:
            more = True
            break
        place = at
        if (oldest is None or at[0] >= oldest) and wanted(row):
            rows.append(told(row))
    if call.page_fault == "duplicate_records" and rows:
        rows.append(rows[-1])
    elif call.page_fault == "shuffle":
        rows.reverse()
    token = sealed("log", iso_ms(place[0]), place[1])
    return success(call, rows or None, nextPageToken=token, moreResult=more)


def _instant(text: object) -> datetime:
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise Refused("1003", "Invalid next page token") from error
