"""Static lists: who is in them by the lead database, the lists themselves by the asset endpoints too.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/static-lists and
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/static-lists
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.marketo.fields import ADD_TO_LIST, REMOVE_FROM_LIST
from pipelines.sandbox.marketo.gate import (
    READ_ASSETS,
    READ_LEAD,
    WRITE_ASSETS,
    WRITE_LEAD,
    MarketoCall,
    Refused,
    Skipped,
    answered,
    assets,
    form_of,
    ids_of,
    number,
    path_number,
    required,
    routes,
    success,
    turned,
)
from pipelines.sandbox.marketo.leads import lead_of, named_fields, told_lead
from pipelines.sandbox.marketo.programs import cut_out, folder_of, within_dates
from pipelines.sandbox.marketo.stamps import asset, moment
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V, ASSETS = "/rest/v1", "/rest/asset/v1"


def _list(call: MarketoCall) -> Record:
    identifier = path_number(call)
    row = call.instance.lists.get(identifier)
    if row is None:
        raise Refused("1013", f"Object not found: list '{identifier}'")
    return row


def _told(row: Record) -> Record:
    """As the lead database has it."""
    found = {name: row[name] for name in ("id", "name", "description", "programName", "workspaceName") if name in row}
    return found | {name: iso(moment(row[name])) for name in ("createdAt", "updatedAt")}


def _asset(row: Record) -> Record:
    """As the asset endpoints have it."""
    return {name: value for name, value in row.items() if name not in ("members", "programName", "workspaceName")}


@routes.on("GET", f"{V}/lists", scopes=READ_LEAD)
def lists(call: MarketoCall) -> Answer:
    rows = sorted(call.instance.lists.values(), key=lambda row: int(row["id"]))
    for name, key in (("id", "id"), ("name", "name"), ("programName", "programName"), ("workspaceName", "workspace")):
        wanted = call.query.all(name)
        if wanted:
            rows = [row for row in rows if str(row.get(key, row.get(name, ""))) in wanted]
    cut, more = turned(call, rows)
    more.pop("moreResult")
    return success(call, [_told(row) for row in cut], **more)


@routes.on("GET", f"{V}/lists/{{id}}", scopes=READ_LEAD)
def one(call: MarketoCall) -> Answer:
    return success(call, [_told(_list(call))])


@routes.on("GET", f"{V}/lists/{{id}}/leads", f"{V}/list/{{id}}/leads", scopes=READ_LEAD)
def members(call: MarketoCall) -> Answer:
    names = named_fields(call)
    cut, more = turned(call, sorted(_list(call)["members"]))
    more.pop("moreResult")
    return success(call, [told_lead(call.instance.leads[identifier], names) for identifier in cut], **more)


@routes.on("POST", f"{V}/lists/{{id}}/leads", scopes=WRITE_LEAD)
def add(call: MarketoCall) -> Answer:
    row = _list(call)
    there = set(row["members"])

    def enter(lead: Record) -> str:
        if lead["id"] not in there:
            there.add(lead["id"])
            row["members"].append(lead["id"])
            _note(call, row, lead, ADD_TO_LIST)
        return "added"

    return _each(call, enter)


@routes.on("DELETE", f"{V}/lists/{{id}}/leads", scopes=WRITE_LEAD)
def remove(call: MarketoCall) -> Answer:
    row = _list(call)

    def take_out(lead: Record) -> str:
        if lead["id"] not in row["members"]:
            raise Skipped("1015", "Lead not in list")
        row["members"].remove(lead["id"])
        _note(call, row, lead, REMOVE_FROM_LIST)
        return "removed"

    return _each(call, take_out)


def _note(call: MarketoCall, row: Record, lead: Record, kind: int) -> None:
    """Let the log tell who came into a list, or left it."""
    more = {"value_id": row["id"], "Source": "Web service API"}
    call.instance.write(call.now, call.switch("commit_lag_seconds"), lead["id"], kind, row["name"], **more)


@routes.on("GET", f"{V}/lists/{{id}}/leads/ismember", scopes=READ_LEAD)
def is_member(call: MarketoCall) -> Answer:
    there = set(_list(call)["members"])
    return _each(call, lambda lead: "memberof" if lead["id"] in there else "notmemberof")


def _each(call: MarketoCall, act: Any) -> Answer:
    def one(given: Any) -> str:
        return str(act(lead_of(call, given)))

    return success(call, [answered({"id": number(given)}, partial(one, given)) for given in ids_of(call)])


@routes.on("GET", f"{ASSETS}/staticLists", scopes=READ_ASSETS)
def browse(call: MarketoCall) -> Answer:
    rows = sorted(call.instance.lists.values(), key=lambda row: int(row["id"]))
    if call.query.get("folder"):
        wanted = folder_of(call.query.get("folder"))["value"]
        rows = [row for row in rows if row["folder"].get("id") == wanted]
    return assets(call, [_asset(row) for row in cut_out(call, within_dates(call, rows))])


@routes.on("GET", f"{ASSETS}/staticList/{{id}}", scopes=READ_ASSETS)
def by_id(call: MarketoCall) -> Answer:
    row = call.instance.lists.get(path_number(call))
    return assets(call, [_asset(row)] if row else [])


@routes.on("GET", f"{ASSETS}/staticList/byName", scopes=READ_ASSETS)
def by_name(call: MarketoCall) -> Answer:
    name = required(call, "name")
    return assets(call, [_asset(row) for row in call.instance.lists.values() if row["name"] == name])


@routes.on("POST", f"{ASSETS}/staticLists", scopes=WRITE_ASSETS)
def create(call: MarketoCall) -> Answer:
    given = form_of(call)
    for name in ("name", "folder"):
        if not given.get(name):
            raise Refused("701", f"{name} cannot be blank")
    if any(row["name"] == given["name"] for row in call.instance.lists.values()):
        raise Refused("709", "Name already exists: another static list has it")
    folder = folder_of(given["folder"])
    row: Record = {
        "id": call.instance.next_id("static_lists"),
        "name": str(given["name"]),
        "description": str(given.get("description") or ""),
        "createdAt": asset(call.now),
        "updatedAt": asset(call.now),
        "folder": {"id": folder["value"], "type": folder["type"]},
        "workspace": "Default",
        "members": [],
    }
    call.instance.lists[row["id"]] = row
    call.instance.record["static_lists"].append(row)
    return assets(call, [_asset(row)])


@routes.on("POST", f"{ASSETS}/staticList/{{id}}", scopes=WRITE_ASSETS)
def update(call: MarketoCall) -> Answer:
    row, given = _stored(call), form_of(call)
    row.update({name: str(given[name]) for name in ("name", "description") if given.get(name)})
    call.instance.touch(row, call.now)
    return assets(call, [_asset(row)])


@routes.on("POST", f"{ASSETS}/staticList/{{id}}/delete", scopes=WRITE_ASSETS)
def delete(call: MarketoCall) -> Answer:
    row = _stored(call)
    del call.instance.lists[row["id"]]
    call.instance.record["static_lists"].remove(row)
    return assets(call, [{"id": row["id"]}])


def _stored(call: MarketoCall) -> Record:
    row = call.instance.lists.get(path_number(call))
    if row is None:
        raise Refused("702", f"Static list with id '{call.params['id']}' not found")
    return row
