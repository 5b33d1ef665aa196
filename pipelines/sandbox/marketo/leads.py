"""Leads: asked for by a field, written 300 at a time, deleted, merged, described.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads : two calls that run at
once do not see each other's new leads, and make two of one address; from then on that address is refused (1007).
"""

from __future__ import annotations

import time
from typing import Any

from pipelines.sandbox.marketo.fields import DEFAULTS, DELETE, MERGE, NEW_LEAD, PUSH, Field, Misfit
from pipelines.sandbox.marketo.gate import (
    MOST,
    READ_LEAD,
    WRITE_LEAD,
    MarketoCall,
    Refused,
    Skipped,
    body_of,
    ids_of,
    inputs_of,
    number,
    numbers,
    path_number,
    required,
    routes,
    success,
    turned,
    values_of,
)
from pipelines.sandbox.marketo.standing import enrol, named_status
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V = "/rest/v1"
MOST_FOUND = 1000
ACTIONS = ("createOrUpdate", "createOnly", "updateOnly", "createDuplicate")
PARTITION = {"id": 1, "name": "Default", "description": "Initial system lead partition"}


def named_fields(call: MarketoCall) -> list[str]:
    """The fields that are asked for. Refused where the instance has none such."""
    names = [name.strip() for name in call.query.all("fields")] or list(DEFAULTS)
    for name in names:
        if name not in call.instance.lead_fields:
            raise Refused("1006", f"Field '{name}' not found")
    return list(dict.fromkeys(["id", *names]))


def told_lead(lead: Record, names: list[str]) -> Record:
    return {name: lead.get(name) for name in names}


def lead_of(call: MarketoCall, given: object) -> Record:
    """The lead of an id. Skipped where there is none."""
    lead = call.instance.leads.get(number(given) or 0)
    if lead is None:
        raise Skipped("1004", f"Lead '{given}' not found" if given else "Lead not found")
    return lead


def lead_of_path(call: MarketoCall) -> Record:
    """The lead that a path names. Refused where there is none."""
    try:
        return lead_of(call, path_number(call))
    except Skipped as skipped:
        raise Refused(skipped.code, skipped.message) from skipped


@routes.on("GET", f"{V}/lead/{{id}}", scopes=READ_LEAD)
def one(call: MarketoCall) -> Answer:
    names = named_fields(call)
    return success(call, [told_lead(lead_of_path(call), names)])


@routes.on("GET", f"{V}/leads", scopes=READ_LEAD)
def found(call: MarketoCall) -> Answer:
    """Leads by the values of one field: nobody is an empty list, a thousand and more are refused."""
    name = required(call, "filterType")
    field = call.instance.lead_fields.get(name)
    if field is None or not field.searchable:
        raise Refused("1011", f"Field '{name}' not supported")
    values = values_of(call, "filterValues", MOST)
    rows = call.instance.matching(name, [str(one) for one in numbers(values, name)] if name == "id" else values)
    if len(rows) > MOST_FOUND:
        raise Refused("1003", f"Too many results match the filter: more than {MOST_FOUND}")
    names = named_fields(call)
    cut, more = turned(call, rows)
    more.pop("moreResult")
    return success(call, [told_lead(lead, names) for lead in cut], **more)


@routes.on("POST", f"{V}/leads", scopes=WRITE_LEAD)
def sync(call: MarketoCall) -> Answer:
    given = body_of(call)
    action = given.get("action") or "createOrUpdate"
    if action not in ACTIONS:
        raise Refused("1003", f"Invalid action '{action}'")
    lookup = _lookup(call, given.get("lookupField") or "email", str(action))
    rows = inputs_of(given)
    return success(call, [_result(call, row, str(action), lookup, given.get("partitionName")) for row in rows])


@routes.on("POST", f"{V}/leads/push", scopes=WRITE_LEAD)
def push(call: MarketoCall) -> Answer:
    """Upsert leads and make them members of a program, by its name."""
    given = body_of(call)
    name = given.get("programName")
    if not name:
        raise Refused("1002", "Missing value for the required parameter 'programName'")
    program = next((row for row in call.instance.programs.values() if row["name"] == name), None)
    if program is None:
        raise Refused("1013", f"Object not found: program '{name}'")
    status = str(given.get("programStatus") or next(iter(call.instance.statuses(program))))
    if named_status(call.instance, program, status) is None:
        raise Refused("1025", f"Program status '{status}' not found")
    lookup = _lookup(call, given.get("lookupField") or "email", "createOrUpdate")
    results = []
    for row in inputs_of(given):
        result = _result(call, row, "createOrUpdate", lookup, given.get("partitionName"))
        if result["status"] != "skipped":
            try:
                enrol(call, program, call.instance.leads[result["id"]], status, "Push Lead to Marketo")
            except Skipped as skipped:
                if skipped.code != "1037":  # who is further on than that stays there
                    result = {"id": result["id"], **skipped.row()}
            told = {"Lead ID": result["id"], "Program ID": program["id"], "Program Status": status}
            lag = call.switch("commit_lag_seconds")
            told |= {"Reason": given.get("reason")}
            call.instance.write(call.now, lag, result["id"], PUSH, given.get("source") or "API", **told)
        results.append(result)
    return success(call, results)


def _lookup(call: MarketoCall, name: object, action: str) -> Field:
    field = call.instance.lead_fields.get(str(name))
    if field is None or not field.searchable:
        raise Refused("1011", f"Field '{name}' not supported")
    if field.name == "id" and action != "updateOnly":
        raise Refused("1003", f"Invalid data: id is no lookup field where action is '{action}'")
    return field


def _result(call: MarketoCall, given: Record, action: str, lookup: Field, partition: object) -> Record:
    try:
        if partition not in (None, "", PARTITION["name"]):
            raise Skipped("1008", f"Access denied to partition '{partition}'")
        lead, created = _written(call, given, action, lookup)
    except Skipped as skipped:
        return skipped.row()
    return {"id": lead["id"], "status": "created" if created else "updated"}


def _written(call: MarketoCall, given: Record, action: str, lookup: Field) -> tuple[Record, bool]:
    """Write one lead: it, and whether it is new. Skipped where it cannot be."""
    key = given.get(lookup.name)
    if key in (None, "") and action != "createDuplicate":
        raise Skipped("1002", f"Missing value for the required parameter '{lookup.name}'")
    values = _values(call, given, lookup)
    matches = [] if action == "createDuplicate" else _seen(call, lookup, key)
    if len(matches) > 1:
        raise Skipped("1007", "Multiple lead match lookup criteria")
    if matches and action == "createOnly":
        raise Skipped("1005", "Lead already exists")
    if not matches and action == "updateOnly":
        raise Skipped("1004", "Lead not found")
    lag = call.switch("commit_lag_seconds")
    if matches:
        changed = call.instance.change_lead(matches[0], values, call.now)
        call.instance.change_written(call.now, lag, matches[0]["id"], changed)
        return matches[0], False
    lead = call.instance.add_lead(values, call.now)
    call.made.add(lead["id"])
    seconds = float(call.switch("answer_seconds"))
    if seconds:
        call.book.fresh[lead["id"]] = time.monotonic() + seconds
    told = {"Source Type": "Web service API", "API Method Name": "syncLead", "Lead Source": values.get("leadSource")}
    call.instance.write(call.now, lag, lead["id"], NEW_LEAD, **told)
    return lead, True


def _seen(call: MarketoCall, lookup: Field, key: object) -> list[Record]:
    """The leads that match and are not being made by another call at this moment."""
    now = time.monotonic()
    fresh = {identifier for identifier, until in call.book.fresh.items() if until > now} - call.made
    return [lead for lead in call.instance.matching(lookup.name, [key]) if lead["id"] not in fresh]


def _values(call: MarketoCall, given: Record, lookup: Field) -> Record:
    values = {}
    for name, value in given.items():
        field = call.instance.lead_fields.get(name)
        if field is None:
            raise Skipped("1006", f"Field '{name}' not found")
        if field.name == lookup.name == "id":
            continue
        if field.read_only:
            raise Skipped("1003", f"Invalid data: field '{name}' is read-only")
        try:
            values[name] = field.taken(value)
        except Misfit as misfit:
            raise Skipped("1001", str(misfit)) from misfit
    return values


@routes.on("POST", f"{V}/leads/delete", scopes=WRITE_LEAD)
@routes.on("DELETE", f"{V}/leads", scopes=WRITE_LEAD)
def delete(call: MarketoCall) -> Answer:
    results = []
    for given in ids_of(call):
        try:
            lead = lead_of(call, given)
        except Skipped as skipped:
            results.append({"id": number(given), **skipped.row()})
            continue
        call.instance.drop_lead(lead)
        name = " ".join(filter(None, (lead.get("firstName"), lead.get("lastName")))) or lead.get("email")
        more = {"value_id": lead["id"], "API Method Name": "deleteLeads", "Remove from CRM": False}
        call.instance.write(call.now, call.switch("commit_lag_seconds"), lead["id"], DELETE, name, **more)
        results.append({"id": lead["id"], "status": "deleted"})
    return success(call, results)


@routes.on("POST", f"{V}/leads/{{id}}/merge", scopes=WRITE_LEAD)
def merge(call: MarketoCall) -> Answer:
    """The losers are gone; what they were members of, and their log, is the winner's."""
    losers = [*call.query.all("leadId"), *call.query.all("leadIds")]
    if not losers:
        raise Refused("1002", "Missing value for the required parameter 'leadIds'")
    instance = call.instance
    try:
        winner, others = lead_of(call, path_number(call)), [lead_of(call, given) for given in losers]
    except Skipped as skipped:
        raise Refused(skipped.code, skipped.message) from skipped
    if winner in others:
        raise Refused("1003", "Invalid data: a lead cannot be merged with itself")
    for loser in {lead["id"]: lead for lead in others}.values():
        for program_id, rows in instance.members.items():
            row = rows.get(loser["id"])
            if row is not None and winner["id"] not in rows:
                instance.drop_member(row)
                instance.add_member({**row, "programId": program_id, "leadId": winner["id"]})
        for one_list in instance.lists.values():
            if loser["id"] in one_list["members"] and winner["id"] not in one_list["members"]:
                one_list["members"].append(winner["id"])
        blank = {
            name: value
            for name, value in loser.items()
            if winner.get(name) is None and value is not None and not instance.lead_fields[name].read_only
        }
        instance.drop_lead(loser)
        instance.change_lead(winner, blank, call.now)
        instance.passed_on(loser["id"], winner["id"])
    name = " ".join(filter(None, (winner.get("firstName"), winner.get("lastName"))))
    told = {"value_id": winner["id"], "Merge IDs": ",".join(str(lead["id"]) for lead in others)}
    more = {"Master Updated": True, "Merge Source": "Web service API"}
    instance.write(call.now, call.switch("commit_lag_seconds"), winner["id"], MERGE, name, **told, **more)
    return success(call)


@routes.on("GET", f"{V}/leads/describe", scopes=READ_LEAD)
def described(call: MarketoCall) -> Answer:
    result = []
    for at, field in enumerate(call.instance.lead_fields.values()):
        told = field.told()
        result.append(
            {
                "id": at + 1,
                "displayName": field.label,
                "dataType": field.type,
                **({"length": told["length"]} if "length" in told else {}),
                "rest": {"name": field.name, "readOnly": field.read_only},
                "soap": {"name": field.name[:1].upper() + field.name[1:], "readOnly": field.read_only},
            }
        )
    return success(call, result)


@routes.on("GET", f"{V}/leads/describe2", scopes=READ_LEAD)
def described_2(call: MarketoCall) -> Answer:
    fields = call.instance.lead_fields.values()
    told = {
        "name": "API Lead",
        "searchableFields": [[field.name] for field in fields if field.searchable],
        "fields": [field.told() for field in fields],
    }
    return success(call, [told])


@routes.on("GET", f"{V}/leads/partitions", scopes=READ_LEAD)
def partitions(call: MarketoCall) -> Answer:
    return success(call, [PARTITION])
