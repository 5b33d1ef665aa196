"""What leads belong to, asked from the lead's side and by the older paths.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads (membership)
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.marketo.gate import (
    MOST,
    READ_ASSETS,
    READ_LEAD,
    WRITE_LEAD,
    MarketoCall,
    Refused,
    Skipped,
    answered,
    body_of,
    date_of,
    inputs_of,
    number,
    numbers,
    routes,
    success,
    turned,
    values_of,
)
from pipelines.sandbox.marketo.leads import lead_of, lead_of_path, named_fields, told_lead
from pipelines.sandbox.marketo.stamps import moment
from pipelines.sandbox.marketo.standing import OUTSIDE, enrol, program_of
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V = "/rest/v1/leads"


def told_membership(row: Record) -> Record:
    return {
        "membershipDate": row["membershipDate"],
        "progressionStatus": row["status"],
        "acquiredBy": row["acquiredBy"],
        "isExhausted": row["isExhausted"],
        "reachedSuccess": row["reachedSuccess"],
        "updatedAt": row["updatedAt"],
    }


@routes.on("GET", f"{V}/programs/{{program}}", scopes=READ_LEAD)
def of_program(call: MarketoCall) -> Answer:
    """The leads of a program, each with its membership."""
    program, names = program_of(call), named_fields(call)
    rows = sorted(call.instance.members.get(program["id"], {}).items())
    cut, more = turned(call, rows)
    more.pop("moreResult")
    told = [
        {**told_lead(call.instance.leads[identifier], names), "membership": told_membership(row)}
        for identifier, row in cut
    ]
    return success(call, told, **more)


@routes.on("POST", f"{V}/programs/{{program}}/status", scopes=WRITE_LEAD)
def change(call: MarketoCall) -> Answer:
    """The older way to change a status: of members alone, and out of the program."""
    program, given = program_of(call), body_of(call)
    name = given.get("status")
    if not name:
        raise Refused("1002", "Missing value for the required parameter 'status'")

    def move(row: Record) -> str:
        lead = lead_of(call, row.get("id"))
        member = call.instance.member(program["id"], lead["id"])
        if member is None:
            raise Skipped("1037", "Lead not in program")
        if name == OUTSIDE:
            call.instance.drop_member(member)
        else:
            enrol(call, program, lead, str(name), "Web service API")
        return str(name)

    return success(call, [answered({"id": number(row.get("id"))}, partial(move, row)) for row in inputs_of(given)])


@routes.on("GET", f"{V}/{{id}}/programMembership", scopes=READ_ASSETS)
def programs(call: MarketoCall) -> Answer:
    lead = lead_of_path(call)
    rows = [row for rows in call.instance.members.values() for row in rows.values() if row["leadId"] == lead["id"]]
    earliest, latest = date_of(call, "earliestUpdatedAt"), date_of(call, "latestUpdatedAt")
    if call.query.get("filterType"):
        if call.query.get("filterType") != "programId":
            raise Refused("1011", f"Field '{call.query.get('filterType')}' not supported")
        wanted = set(numbers(values_of(call, "filterValues", MOST), "filterValues"))
        rows = [row for row in rows if row["programId"] in wanted]
    rows = [row for row in rows if earliest is None or moment(row["updatedAt"]) >= earliest]
    rows = [row for row in rows if latest is None or moment(row["updatedAt"]) <= latest]
    cut, more = turned(call, sorted(rows, key=lambda row: int(row["programId"])))
    return success(call, [{"id": row["programId"], **told_membership(row)} for row in cut], **more)


@routes.on("GET", f"{V}/{{id}}/listMembership", scopes=READ_ASSETS)
def lists(call: MarketoCall) -> Answer:
    lead = lead_of_path(call)
    rows = [one for one in call.instance.lists.values() if lead["id"] in one["members"]]
    cut, more = turned(call, sorted(rows, key=lambda row: int(row["id"])))
    told = [
        {"listId": row["id"], **{name: iso(moment(row[name])) for name in ("createdAt", "updatedAt")}} for row in cut
    ]
    return success(call, told, **more)
