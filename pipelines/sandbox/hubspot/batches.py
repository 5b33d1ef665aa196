"""Batches of objects: read, create, update, upsert, archive; a hundred at most.

Where every input of a write bears its own `objectWriteTraceId`, what can be done is done and each error names its trace
id; else one refusal refuses them all. v3 says 207 where something failed, dated paths keep 200 or 201.
https://developers.hubspot.com/docs/api-reference/error-handling , HubSpot/hubspot-api-python#51
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.sandbox.hubspot.associations import batch_answer
from pipelines.sandbox.hubspot.gate import Denied, HubSpotCall, body_of, inputs_of, invalid, routes
from pipelines.sandbox.hubspot.portal import fold
from pipelines.sandbox.hubspot.records import (
    archive,
    asked_type,
    check_unique,
    conflict,
    create,
    resolve,
    update,
    view,
)
from pipelines.sandbox.hubspot.values import checked
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
Write = Callable[[Record], Record]
READ, WRITE = ("crm.objects.contacts.read",), ("crm.objects.contacts.write",)


@routes.on("POST", "/crm/v3/objects/{type}/batch/read", scopes=READ)
def read_many(call: HubSpotCall) -> Answer:
    kind, given = asked_type(call), body_of(call)
    inputs = inputs_of(call, 50 if given.get("propertiesWithHistory") else 100)
    id_property, archived = str(given.get("idProperty") or ""), call.query.flag("archived")
    properties, history = given.get("properties") or [], given.get("propertiesWithHistory") or []
    found: dict[str, Record] = {}
    missing = []
    for one in inputs:
        name = str(one.get("id") or "")
        record = resolve(call, kind, name, id_property, archived=archived)
        if record is None:
            missing.append(name)
        else:
            found[record["id"]] = view(call, kind, record, properties, history)
    rows = list(found.values())
    if call.page_fault == "shuffle":
        rows.reverse()
    word = kind.removesuffix("s").upper()
    message = f"Could not get some {word} objects, they may be deleted or not exist. Check that ids are valid."
    errors = [Denied(404, "OBJECT_NOT_FOUND", message, context={"ids": missing}).item()] if missing else []
    return batch_answer(call, 200, rows, errors)


@routes.on("POST", "/crm/v3/objects/{type}/batch/create", scopes=WRITE)
def create_many(call: HubSpotCall) -> Answer:
    kind = asked_type(call)

    def write(one: Record) -> Record:
        record = create(call, kind, one.get("properties") or {}, one.get("associations"))
        return view(call, kind, record, record["properties"])

    return _written(call, kind, 201, write)


@routes.on("POST", "/crm/v3/objects/{type}/batch/update", scopes=WRITE)
def update_many(call: HubSpotCall) -> Answer:
    """By id. An address as an id changes nothing and succeeds; as `idProperty` it is refused unless a switch is on
    (HubSpot/hubspot-api-nodejs#548)."""
    kind = asked_type(call)
    _no_twins(inputs_of(call))

    def write(one: Record) -> Record:
        name, id_property = str(one.get("id") or ""), str(one.get("idProperty") or "")
        if id_property == "email" and not call.switch("update_by_email"):
            raise invalid("Unable to perform update/upsert by non-unique 0-1 property", propertyName=["email"])
        record = resolve(call, kind, name, id_property)
        if record is None and not id_property and not name.isdecimal():
            checked(call, kind, one.get("properties") or {})
            return {}
        if record is None:
            raise Denied(404, "OBJECT_NOT_FOUND", f"{name} does not exist", context={"ids": [name]})
        update(call, kind, record, one.get("properties") or {})
        return view(call, kind, record, record["properties"])

    return _written(call, kind, 200, write)


@routes.on("POST", "/crm/v3/objects/{type}/batch/upsert", scopes=WRITE)
def upsert_many(call: HubSpotCall) -> Answer:
    """By an address or a unique property: changed where there is one (only what is sent), made where there is none."""
    kind = asked_type(call)
    _no_twins(inputs_of(call))

    def write(one: Record) -> Record:
        name, id_property = str(one.get("id") or ""), str(one.get("idProperty") or "")
        if not id_property:
            raise invalid("idProperty is required to upsert", "MISSING_ID_PROPERTY")
        if id_property not in ("hs_object_id", "email"):
            check_unique(call, kind, id_property)
        record = resolve(call, kind, name, id_property)
        secondary = (
            record is not None
            and id_property == "email"
            and fold(record["properties"].get("email") or "") != fold(name)
        )
        if record is not None and secondary and call.switch("upsert_secondary") == "conflict":
            raise conflict(record["id"])
        new = record is None
        if record is None:
            if id_property == "hs_object_id":
                raise Denied(404, "OBJECT_NOT_FOUND", f"{name} does not exist", context={"ids": [name]})
            record = create(call, kind, {**(one.get("properties") or {}), id_property: name})
        else:
            update(call, kind, record, one.get("properties") or {})
        return {**view(call, kind, record, record["properties"]), "new": new}

    return _written(call, kind, 200, write)


@routes.on("POST", "/crm/v3/objects/{type}/batch/archive", scopes=WRITE)
def archive_many(call: HubSpotCall) -> Answer:
    kind = asked_type(call)
    found = [resolve(call, kind, str(one.get("id") or "")) for one in inputs_of(call)]
    for record in found:
        if record is not None:
            archive(call, kind, record)
    return Answer(204, records=sum(record is not None for record in found))


def _no_twins(inputs: list[Record]) -> None:
    names = [fold(str(one.get("id") or "")) for one in inputs]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise invalid(f"Duplicate IDs found in batch input: {twins}. IDs must be unique", ids=twins)


def _written(call: HubSpotCall, kind: str, status: int, write: Write) -> Answer:
    """Write each input. Without a trace id on every one of them a refusal undoes what was written before it."""
    inputs = inputs_of(call)
    traces = [str(one.get("objectWriteTraceId") or "") for one in inputs]
    partial = all(traces) and len(set(traces)) == len(traces)
    undo = None if partial else Undo(call, kind)
    results, errors = [], []
    for one, trace in zip(inputs, traces, strict=True):
        try:
            row = write(one)
        except Denied as denied:
            if undo is not None:
                undo.roll_back()
                raise
            item = denied.item()
            item["context"]["objectWriteTraceId"] = [trace]
            errors.append({**item, "status": "error"})
            continue
        if row:
            results.append({**row, "objectWriteTraceId": trace} if trace else row)
    if call.page_fault == "shuffle":
        results.reverse()
    return batch_answer(call, status, results, errors)


class Undo:
    """The portal's objects of one type as they were, so that a refused batch leaves nothing."""

    def __init__(self, call: HubSpotCall, kind: str) -> None:
        portal = call.portal
        self.portal, self.kind = portal, kind
        self.next_id = portal.next_id
        self.emails = dict(portal.by_email)
        self.before = portal.waiting(kind)
        self.records = {
            name: ({**record}, dict(record["propertiesWithHistory"])) for name, record in portal.objects[kind].items()
        }

    def roll_back(self) -> None:
        objects = self.portal.objects[self.kind]
        for name in set(objects) - set(self.records):
            self.portal.unlink_all((self.kind, name))
            del objects[name]
        for name, (record, history) in self.records.items():
            objects[name].clear()
            objects[name].update({**record, "propertiesWithHistory": history})
        self.portal.next_id = self.next_id
        self.portal.by_email = self.emails
        self.portal.restore_waiting(self.kind, self.before)
