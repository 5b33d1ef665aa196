"""Members of a program: their status, their data, who they are, taking them out.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/program-members
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.marketo.fields import MEMBER_CHANGE, MEMBER_DEFAULTS, Misfit
from pipelines.sandbox.marketo.gate import (
    MOST,
    READ_LEAD,
    WRITE_LEAD,
    MarketoCall,
    Refused,
    Skipped,
    answered,
    body_of,
    inputs_of,
    number,
    required,
    routes,
    span_of,
    success,
    turned,
    values_of,
)
from pipelines.sandbox.marketo.leads import lead_of
from pipelines.sandbox.marketo.stamps import moment
from pipelines.sandbox.marketo.standing import enrol, program_of
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V = "/rest/v1/programs"
LONGEST_DAYS = 7
DESCRIBED_AT = "2020-01-01T00:00:00Z"


def told_member(call: MarketoCall, row: Record, names: list[str]) -> Record:
    """A member's fields; `statusName` and `program` stand under other names in the world."""
    found = {name: row.get(name) for name in names}
    if "statusName" in found:
        found["statusName"] = row["status"]
    if "program" in found:
        found["program"] = call.instance.programs[row["programId"]]["name"]
    return found


def named_fields(call: MarketoCall, given: list[str]) -> list[str]:
    """The fields of members that are asked for beside the usual ones. Refused where there is none such."""
    for name in given:
        if name not in call.instance.member_fields:
            raise Refused("1006", f"Field '{name}' not found")
    return list(dict.fromkeys([*MEMBER_DEFAULTS, *given]))


@routes.on("POST", f"{V}/{{program}}/members/status", scopes=WRITE_LEAD)
def status(call: MarketoCall) -> Answer:
    program, given = program_of(call), body_of(call)
    name = given.get("statusName")
    if not name:
        raise Refused("1002", "Missing value for the required parameter 'statusName'")

    def change(row: Record) -> None:
        enrol(call, program, lead_of(call, row.get("leadId")), str(name), "Web service API")

    return _each(call, inputs_of(given), change, "updated")


@routes.on("POST", f"{V}/{{program}}/members", scopes=WRITE_LEAD)
def data(call: MarketoCall) -> Answer:
    """Set what stands with members; who is none is skipped."""
    program = program_of(call)

    def change(given: Record) -> None:
        lead = lead_of(call, given.get("leadId"))
        row = call.instance.member(program["id"], lead["id"])
        if row is None:
            raise Skipped("1013", "Membership not found")
        values = {name: _taken(call, name, value) for name, value in given.items() if name != "leadId"}
        changed = {name: (row.get(name), value) for name, value in values.items() if row.get(name) != value}
        row.update(values)
        if changed:
            row["updatedAt"] = iso(call.now)
        for name, (old, new) in changed.items():
            told = {"Attribute Name": name, "New Value": new, "Old Value": old, "Source": "Web service API"}
            lag = call.switch("commit_lag_seconds")
            more = {"value_id": program["id"], **told}
            call.instance.write(call.now, lag, lead["id"], MEMBER_CHANGE, program["name"], **more)

    return _each(call, inputs_of(body_of(call)), change, "updated")


def _taken(call: MarketoCall, name: str, value: Any) -> Any:
    field = call.instance.member_fields.get(name)
    if field is None:
        raise Skipped("1006", f"Field '{name}' not found")
    if field.read_only:
        raise Skipped("1003", f"Invalid data: field '{name}' is read-only")
    try:
        return field.taken(value)
    except Misfit as misfit:
        raise Skipped("1001", str(misfit)) from misfit


@routes.on("POST", f"{V}/{{program}}/members/delete", scopes=WRITE_LEAD)
def delete(call: MarketoCall) -> Answer:
    program = program_of(call)

    def drop(given: Record) -> None:
        row = call.instance.member(program["id"], number(given.get("leadId")) or 0)
        if row is None:
            raise Skipped("1013", "Membership not found")
        call.instance.drop_member(row)

    return _each(call, inputs_of(body_of(call)), drop, "deleted")


def _each(call: MarketoCall, rows: list[Record], act: Any, done: str) -> Answer:
    """Do something with each record in turn, and tell of each."""

    def one(row: Record) -> str:
        act(row)
        return done

    told = [{"seq": seq, "leadId": number(row.get("leadId"))} for seq, row in enumerate(rows)]
    return success(call, [answered(one_told, partial(one, row)) for one_told, row in zip(told, rows, strict=True)])


@routes.on("GET", f"{V}/{{program}}/members", scopes=READ_LEAD)
def found(call: MarketoCall) -> Answer:
    """Members by one field; more than 100,000 in the program are too many for any field but the lead's id."""
    program = program_of(call)
    kind = required(call, "filterType")
    rows = list(call.instance.members.get(program["id"], {}).values())
    if kind != "leadId" and len(rows) > int(call.switch("member_query_limit")):
        raise Refused("1003", "Too many program members: use bulk extract")
    names = named_fields(call, [name.strip() for name in call.query.all("fields")])
    if kind == "updatedAt":
        ends = {name: call.query.get(name) for name in ("startAt", "endAt")}
        start, end = span_of(ends, LONGEST_DAYS)
        rows = [row for row in rows if start <= moment(row["updatedAt"]) <= end]
    else:
        field = call.instance.member_fields.get(kind)
        if field is None or not field.searchable:
            raise Refused("1011", f"Field '{kind}' not supported")
        wanted = {value.lower() for value in values_of(call, "filterValues", MOST)}
        rows = [row for row in rows if str(told_member(call, row, [kind])[kind]).lower() in wanted]
    cut, more = turned(call, sorted(rows, key=lambda row: int(row["leadId"])))
    told = [{"seq": seq, **told_member(call, row, names)} for seq, row in enumerate(cut)]
    return success(call, told, **more)


@routes.on("GET", f"{V}/members/describe", scopes=READ_LEAD)
def described(call: MarketoCall) -> Answer:
    fields = call.instance.member_fields.values()
    told = {
        "name": "API Program Membership",
        "description": "Map for API program membership fields",
        "createdAt": DESCRIBED_AT,
        "updatedAt": DESCRIBED_AT,
        "dedupeFields": ["leadId", "programId"],
        "searchableFields": [[field.name] for field in fields if field.searchable],
        "fields": [field.told() for field in fields],
    }
    return success(call, [told])
