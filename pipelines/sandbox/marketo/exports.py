"""Bulk extract of leads, activities and program members: what may be asked for, and the files.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-activity-extract and its
siblings. What connectors saw in real files comes with switches: NUL signs and whole numbers with decimals
(`marketo.bulk_untidy`), attributes as a list (`marketo.bulk_attributes`), a completed job whose file is 404 for a while
(`marketo.bulk_file_lag`): https://github.com/singer-io/tap-marketo/blob/master/CHANGELOG.md
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import orjson

from pipelines.sandbox.marketo.activities import told_activity
from pipelines.sandbox.marketo.fields import DELETE
from pipelines.sandbox.marketo.gate import (
    READ_ACTIVITY,
    READ_LEAD,
    MarketoCall,
    Refused,
    body_of,
    number,
    routes,
    span_of,
    success,
    turned,
)
from pipelines.sandbox.marketo.jobs import Job, advance, cancel, enqueue, file_of, job_of, jobs_of, opened_job
from pipelines.sandbox.marketo.members import told_member
from pipelines.sandbox.marketo.stamps import moment
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
Rows = Callable[[MarketoCall], Iterator[Record]]
KINDS = {"leads": READ_LEAD, "activities": READ_ACTIVITY, "program/members": READ_LEAD}
SIGNS = {"CSV": ",", "TSV": "\t", "SSV": ";"}
LONGEST_DAYS = 31
MOST_PROGRAMS = 10
ACTIVITY_FIELDS = (
    "marketoGUID",
    "leadId",
    "activityDate",
    "activityTypeId",
    "campaignId",
    "primaryAttributeValueId",
    "primaryAttributeValue",
    "attributes",
)


def _register(kind: str, scopes: tuple[str, ...]) -> None:
    """The six paths of one kind of export."""
    base = f"/bulk/v1/{kind}/export"

    @routes.on("POST", f"{base}/create", scopes=scopes)
    def create(call: MarketoCall) -> Answer:
        given = body_of(call)
        form = given.get("format") or "CSV"
        if form not in SIGNS:
            raise Refused("1003", f"Invalid value '{form}' for 'format'")
        fields, rows = READERS[kind](call, given)
        headers = given.get("columnHeaderNames") or {}
        if not isinstance(headers, dict):
            raise Refused("1003", "Invalid value for 'columnHeaderNames'")

        def write(later: MarketoCall) -> tuple[bytes, int]:
            return _file(later, fields, [str(headers.get(name, name)) for name in fields], rows(later), SIGNS[form])

        return success(call, [opened_job(call, kind, str(form), write).told()])

    @routes.on("POST", f"{base}/{{id}}/enqueue", scopes=scopes)
    def enqueued(call: MarketoCall) -> Answer:
        job = job_of(call, kind)
        enqueue(call, job)
        return success(call, [job.told()])

    @routes.on("POST", f"{base}/{{id}}/cancel", scopes=scopes)
    def cancelled(call: MarketoCall) -> Answer:
        job = job_of(call, kind)
        cancel(job)
        return success(call, [job.told()])

    @routes.on("GET", f"{base}/{{id}}/status", scopes=scopes)
    def status(call: MarketoCall) -> Answer:
        job = job_of(call, kind)
        advance(call)
        return success(call, [job.told()])

    @routes.on("GET", f"{base}/{{id}}/file", scopes=scopes)
    def file(call: MarketoCall) -> Answer:
        return _sent(call, job_of(call, kind))

    @routes.on("GET", base, scopes=scopes)
    def listed(call: MarketoCall) -> Answer:
        wanted = {word.lower() for word in call.query.all("status")}
        jobs = [job for job in jobs_of(call, kind) if not wanted or job.status.lower() in wanted]
        cut, more = turned(call, jobs)
        more.pop("moreResult")
        return success(call, [job.told() for job in cut], **more)


def _sent(call: MarketoCall, job: Job) -> Answer:
    """The file, or the part of it that the header `Range` names."""
    content = file_of(call, job)
    if content is None:
        return Answer(404, b"", media="text/plain")
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", call.headers.get("range", "").strip())
    if asked is None:
        return Answer(200, content, {"Accept-Ranges": "bytes"}, records=job.records, media="text/csv")
    first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if not first <= last:
        return Answer(416, b"", {"Content-Range": f"bytes */{len(content)}"}, media="text/csv")
    told = {"Content-Range": f"bytes {first}-{last}/{len(content)}", "Accept-Ranges": "bytes"}
    return Answer(206, content[first : last + 1], told, media="text/csv")


def _filter(given: Record) -> Record:
    found = given.get("filter")
    if not isinstance(found, dict) or not found:
        raise Refused("1002", "Missing value for the required parameter 'filter'")
    return found


def _fields(given: Record, known: set[str], usual: tuple[str, ...] = ()) -> list[str]:
    names = given.get("fields") or list(usual)
    if not isinstance(names, list) or not names:
        raise Refused("1002", "Missing value for the required parameter 'fields'")
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise Refused("1006", f"Field '{name}' not found")
    return list(dict.fromkeys(names))


def _strangers(found: Record, known: set[str]) -> None:
    for name in found:
        if name not in known:
            raise Refused("1035", f"Unsupported filter type '{name}' for target subscription")


def _ids(given: object, name: str) -> set[int]:
    values = given if isinstance(given, list) else [given]
    found = {number(value) for value in values}
    if None in found or not found:
        raise Refused("1001", f"Invalid value for '{name}'. Required of type 'Integer'")
    return {one for one in found if one is not None}


def _leads(call: MarketoCall, given: Record) -> tuple[list[str], Rows]:
    fields, found = _fields(given, set(call.instance.lead_fields)), _filter(given)
    _strangers(found, {"createdAt", "updatedAt", "staticListId", "staticListName"})
    if len(found) != 1:
        raise Refused("1003", "Invalid data: a filter of leads is of one type")
    if "updatedAt" in found and not call.switch("bulk_leads_by_update"):
        raise Refused("1035", "Unsupported filter type 'updatedAt' for target subscription")
    ((kind, value),) = found.items()
    if kind in ("createdAt", "updatedAt"):
        start, end = span_of(value, LONGEST_DAYS)
        return fields, lambda later: (
            row for row in list(later.instance.leads.values()) if start <= moment(row[kind]) <= end
        )
    key = "id" if kind == "staticListId" else "name"
    if not any(str(row[key]) == str(value) for row in call.instance.lists.values()):
        raise Refused("1013", f"Object not found: list '{value}'")

    def rows(later: MarketoCall) -> Iterator[Record]:
        for one in later.instance.lists.values():
            if str(one[key]) == str(value):
                yield from (later.instance.leads[identifier] for identifier in sorted(one["members"]))

    return fields, rows


def _activities(call: MarketoCall, given: Record) -> tuple[list[str], Rows]:
    fields, found = _fields(given, set(ACTIVITY_FIELDS), ACTIVITY_FIELDS), _filter(given)
    _strangers(found, {"createdAt", "activityTypeIds", "primaryAttributeValueIds", "primaryAttributeValues"})
    if "createdAt" not in found:
        raise Refused("1002", "Missing value for the required parameter 'createdAt'")
    start, end = span_of(found["createdAt"], LONGEST_DAYS)
    kinds = _ids(found["activityTypeIds"], "activityTypeIds") if "activityTypeIds" in found else None
    things = found.get("primaryAttributeValueIds")
    wanted = _ids(things, "primaryAttributeValueIds") if things is not None else None
    words = found.get("primaryAttributeValues")
    if (wanted is not None or words is not None) and (kinds is None or len(kinds) != 1):
        raise Refused("1003", "Invalid data: primary attributes need a single activity type")

    def rows(later: MarketoCall) -> Iterator[Record]:
        for (at, _), row in later.instance.activities((start, -1), later.now):
            if at > end:
                return
            if (
                row["activityTypeId"] != DELETE
                and (kinds is None or row["activityTypeId"] in kinds)
                and (wanted is None or number(row.get("primaryAttributeValueId")) in wanted)
                and (not isinstance(words, list) or row.get("primaryAttributeValue") in words)
            ):
                told = told_activity(later, row)
                attributes = [(one.get("name"), one.get("value")) for one in row["attributes"]]
                as_list = later.switch("bulk_attributes") == "list"
                told["attributes"] = row["attributes"] if as_list else dict(attributes)
                yield told

    return fields, rows


def _members(call: MarketoCall, given: Record) -> tuple[list[str], Rows]:
    known = {*call.instance.lead_fields, *call.instance.member_fields}
    fields, found = _fields(given, known), _filter(given)
    _strangers(found, {"programId", "programIds", "statusNames", "updatedAt", "isExhausted", "nurtureCadence"})
    if ("programId" in found) == ("programIds" in found):
        raise Refused("1003", "Invalid data: a filter of members has programId or programIds")
    programs = _ids(found.get("programId", found.get("programIds")), "programId")
    if len(programs) > MOST_PROGRAMS:
        raise Refused("1003", f"Invalid data: {MOST_PROGRAMS} programs are allowed")
    missing = sorted(programs - set(call.instance.programs))
    if missing:
        raise Refused("1013", f"Object not found: program '{missing[0]}'")
    names = found.get("statusNames")
    span: tuple[datetime, datetime] | None = None
    if "updatedAt" in found:
        span = span_of(found["updatedAt"], LONGEST_DAYS)

    def rows(later: MarketoCall) -> Iterator[Record]:
        for program in sorted(programs):
            for identifier, row in sorted(later.instance.members.get(program, {}).items()):
                if isinstance(names, list) and row["status"] not in names:
                    continue
                if span is not None and not span[0] <= moment(row["updatedAt"]) <= span[1]:
                    continue
                if "isExhausted" in found and row["isExhausted"] != found["isExhausted"]:
                    continue
                if "nurtureCadence" in found and row.get("nurtureCadence") != found["nurtureCadence"]:
                    continue
                own = told_member(later, row, list(later.instance.member_fields))
                yield {**later.instance.leads[identifier], **own}

    return fields, rows


READERS: dict[str, Callable[[MarketoCall, Record], tuple[list[str], Rows]]] = {
    "leads": _leads,
    "activities": _activities,
    "program/members": _members,
}


def _file(
    call: MarketoCall, fields: list[str], headers: list[str], rows: Iterator[Record], sign: str
) -> tuple[bytes, int]:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sign, lineterminator="\n")
    writer.writerow(headers)
    count = 0
    for row in rows:
        writer.writerow([_cell(call, row.get(name)) for name in fields])
        count += 1
    return out.getvalue().encode(), count


def _cell(call: MarketoCall, value: Any) -> str:
    if value is None:
        return str(call.switch("bulk_null"))
    if isinstance(value, bool):
        return str(value).lower()
    untidy = call.switch("bulk_untidy")
    if isinstance(value, int):
        return f"{value}.0" if untidy else str(value)
    text = orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)
    return f"{text}\0" if untidy else text


for _kind, _scopes in KINDS.items():
    _register(_kind, _scopes)
