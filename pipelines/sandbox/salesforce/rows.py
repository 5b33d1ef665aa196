"""Single rows: by id and by external id.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_upsert.htm : several
rows with one external id are 300 and a list of their paths.
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.salesforce.fields import Field
from pipelines.sandbox.salesforce.gate import Denied, SalesforceCall, body_of, not_found, object_of, routes
from pipelines.sandbox.salesforce.ids import normal
from pipelines.sandbox.salesforce.writing import create, delete, lookup_field, matches, update
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V = "/services/data/{version}"


def told_row(call: SalesforceCall, name: str, row: Record, names: list[str] | None = None) -> Record:
    """A row as GET gives it: every field that the user sees, or those named. Denied where one is unknown."""
    fields = call.fields(name)
    by_name = {key.lower(): key for key in fields}
    if names is not None:
        unknown = [one for one in names if one.lower() not in by_name]
        if unknown:
            raise Denied("INVALID_FIELD", f"No such column '{unknown[0]}' on sobject of type {name}")
    found: Record = {"attributes": {"type": name, "url": f"{call.base}/sobjects/{name}/{row['Id']}"}}
    for key in fields if names is None else dict.fromkeys(["Id", *(by_name[one.lower()] for one in names)]):
        value = row.get(key)
        found[key] = False if value is None and fields[key].type == "boolean" else value
    return found


def named(call: SalesforceCall) -> list[str] | None:
    names = call.query.all("fields")
    return [one.strip() for one in names] if names else None


def saved(identifier: str, created: bool | None = None) -> Record:
    """What stands for a row that was written."""
    found: Record = {"id": identifier, "success": True, "errors": []}
    return found if created is None else {**found, "created": created}


def row_of(call: SalesforceCall, name: str, identifier: str) -> Record:
    """The row of the id in the path. Denied where it is none, or deleted."""
    wanted = normal(identifier)
    row = call.org.tables[name].get(wanted)
    if row is None or call.org.purged(row, call.now):
        if not wanted:
            message = f"Provided external ID field does not exist or is not accessible: {identifier}"
            raise not_found(message)
        raise not_found()
    return row


@routes.on("POST", f"{V}/sobjects/{{object}}")
def add(call: SalesforceCall) -> Answer:
    name = object_of(call.params["object"])
    row = create(call, name, body_of(call))
    location = f"{call.base}/sobjects/{name}/{row['Id']}"
    return Answer(201, saved(row["Id"]), {"Location": location}, records=1)


@routes.on("GET PATCH DELETE", f"{V}/sobjects/{{object}}/{{id}}")
def one(call: SalesforceCall) -> Answer:
    name = object_of(call.params["object"])
    row = row_of(call, name, call.params["id"])
    return _done(call, name, row)


@routes.on("GET PATCH DELETE", f"{V}/sobjects/{{object}}/{{field}}/{{value}}")
def by_external_id(call: SalesforceCall) -> Answer:
    """Read, upsert or delete the row that a field's value names."""
    name = object_of(call.params["object"])
    field = lookup_field(call, name, call.params["field"])
    value = call.params["value"]
    found = matches(call, name, field, value)
    if len(found) > 1:
        return Answer(300, [f"{call.base}/sobjects/{name}/{row['Id']}" for row in found])
    if call.method != "PATCH":
        if not found:
            raise not_found()
        return _done(call, name, found[0])
    given = body_of(call)
    refuse_key(given, field, name)
    if found:
        update(call, name, found[0], given)
        return Answer(200, saved(found[0]["Id"], False), records=1)
    if call.query.flag("updateOnly") or field.name == "Id":
        raise not_found()
    row = create(call, name, {**given, field.name: value})
    return Answer(201, saved(row["Id"], True), records=1)


def refuse_key(given: Record, field: Field, name: str) -> None:
    """Neither the id nor the external id stands in the body of a single upsert."""
    for key in given:
        if key.lower() in ("id", field.name.lower()):
            message = f"The {key} field should not be specified in the sobject data."
            raise Denied("INVALID_FIELD", message)


def _done(call: SalesforceCall, name: str, row: Record) -> Answer:
    if call.method == "GET":
        if row.get("IsDeleted"):
            raise Denied("ENTITY_IS_DELETED", "entity is deleted", (), 404)
        return Answer(200, told_row(call, name, row, named(call)), records=1)
    if call.method == "PATCH":
        update(call, name, row, body_of(call))
        return Answer(204, records=1)
    delete(call, name, row)
    return Answer(204, records=1)
