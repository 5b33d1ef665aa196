"""sObject Collections: up to 200 rows a request, results in the order of the request.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
200 even if every row failed; a row that failed has no `id`. Statuses of whole refusals are unverified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from pipelines.sandbox.salesforce.fields import SCHEMA
from pipelines.sandbox.salesforce.gate import Denied, SalesforceCall, body_of, object_of, routes
from pipelines.sandbox.salesforce.ids import kind_of, normal
from pipelines.sandbox.salesforce.rows import saved, told_row
from pipelines.sandbox.salesforce.writing import create, delete, lookup_field, matches, update
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V = "/services/data/{version}"
MOST, MOST_READ, MOST_CHUNKS = 200, 2000, 10
UNKNOWN_ID = "invalid cross reference id"


@routes.on("POST", f"{V}/composite/sobjects")
def insert(call: SalesforceCall) -> Answer:
    rows, whole = _given(call)
    _chunks(rows)
    return _each(call, rows, whole, lambda row: saved(create(call, _type(row), row)["Id"]))


@routes.on("PATCH", f"{V}/composite/sobjects")
def change(call: SalesforceCall) -> Answer:
    rows, whole = _given(call)
    _chunks(rows)

    def changed(row: Record) -> Record:
        name = _type(row)
        given = {key: value for key, value in row.items() if key.lower() != "id"}
        identifier = next((value for key, value in row.items() if key.lower() == "id"), None)
        if not identifier:
            raise Denied("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
        update(call, name, _found(call, name, identifier), given)
        return saved(normal(identifier))

    return _each(call, rows, whole, changed)


@routes.on("DELETE", f"{V}/composite/sobjects")
def remove(call: SalesforceCall) -> Answer:
    ids = call.query.all("ids")
    _most(len(ids), MOST)

    def removed(row: Record) -> Record:
        name = kind_of(normal(row["id"]))
        delete(call, name, _found(call, name, row["id"]))
        return saved(normal(row["id"]))

    return _each(call, [{"id": one.strip()} for one in ids], call.query.flag("allOrNone"), removed)


@routes.on("PATCH", f"{V}/composite/sobjects/{{object}}/{{field}}")
def upsert(call: SalesforceCall) -> Answer:
    """Create or change rows of one type by an external id; a key that comes twice fails wherever it stands."""
    name = object_of(call.params["object"])
    field = lookup_field(call, name, call.params["field"])
    rows, whole = _given(call)
    strange = next((row for row in rows if _type(row) != name), None)
    if strange is not None:
        message = f"The type {_type(strange)} of a record is not the type {name} of the request"
        raise Denied("INVALID_TYPE", message)

    def key_of(row: Record) -> Any:
        found = next((value for key, value in row.items() if key.lower() == field.name.lower()), None)
        return found if field.case_sensitive or not isinstance(found, str) else found.casefold()

    times = Counter(str(key_of(row)) for row in rows)

    def upserted(row: Record) -> Record:
        key = key_of(row)
        if key in (None, ""):
            raise Denied("MISSING_ARGUMENT", f"{field.name} not specified", (field.name,))
        if any(one.lower() == "id" for one in row) and field.name != "Id":
            raise Denied("INVALID_FIELD", "Id must not be specified in an upsert by another field", ("Id",))
        if times[str(key)] > 1:
            raise Denied("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", (field.name,))
        return upsert_row(call, name, field.name, key, row)

    return _each(call, rows, whole, upserted)


def upsert_row(call: SalesforceCall, name: str, field_name: str, key: Any, row: Record) -> Record:
    """Create or change one row by its key."""
    field = call.fields(name)[field_name]
    given = {one: value for one, value in row.items() if one.lower() != field_name.lower()}
    found = matches(call, name, field, key)
    if len(found) > 1:
        ids = ", ".join(one["Id"] for one in found)
        message = f"Duplicate external id specified: more than one record found for external id field: [{ids}]"
        raise Denied("DUPLICATE_EXTERNAL_ID", message, (field_name,))
    if found:
        update(call, name, found[0], given)
        return saved(found[0]["Id"], False)
    if field_name == "Id":
        raise Denied("INVALID_CROSS_REFERENCE_KEY", UNKNOWN_ID)
    value = next(value for one, value in row.items() if one.lower() == field_name.lower())
    return saved(create(call, name, {**given, field_name: value})["Id"], True)


@routes.on("GET POST", f"{V}/composite/sobjects/{{object}}")
def retrieve(call: SalesforceCall) -> Answer:
    """Rows by their ids; null for one that is not there."""
    name = object_of(call.params["object"])
    given = (
        body_of(call) if call.method == "POST" else {"ids": call.query.all("ids"), "fields": call.query.all("fields")}
    )
    ids, names = given.get("ids"), given.get("fields")
    if not isinstance(ids, list) or not isinstance(names, list) or not ids or not names:
        raise Denied("MISSING_ARGUMENT", "ids and fields are needed")
    if not all(isinstance(one, str) for one in (*ids, *names)):
        raise Denied("JSON_PARSER_ERROR", "ids and fields are lists of text")
    _most(len(ids), MOST_READ if call.method == "POST" else MOST)
    rows = [call.org.tables[name].get(normal(one)) for one in ids]
    told = [None if row is None or row.get("IsDeleted") else told_row(call, name, row, names) for row in rows]
    return Answer(200, told, records=sum(row is not None for row in told))


def _given(call: SalesforceCall) -> tuple[list[Record], bool]:
    body = body_of(call)
    rows = body.get("records")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Denied("JSON_PARSER_ERROR", "The body needs a list of objects under records")
    _most(len(rows), MOST)
    for row in rows:
        _type(row)
    return rows, body.get("allOrNone") is True


def _most(count: int, most: int) -> None:
    if count > most:
        raise Denied("LIMIT_EXCEEDED", f"record limit reached. cannot submit more than {most} records into this call")
    if not count:
        raise Denied("MISSING_ARGUMENT", "the list of records is empty")


def _type(row: Record) -> str:
    attributes = row.get("attributes")
    given = attributes.get("type") if isinstance(attributes, dict) else None
    for name in SCHEMA:
        if isinstance(given, str) and name.lower() == given.lower():
            return name
    raise Denied("INVALID_TYPE", f"sObject type '{given}' is not supported: each record needs attributes.type")


def _chunks(rows: list[Record]) -> None:
    """Rows of different types are worked on in runs of one type."""
    types = [_type(row) for row in rows]
    if 1 + sum(one != other for one, other in zip(types, types[1:], strict=False)) > MOST_CHUNKS:
        raise Denied("LIMIT_EXCEEDED", f"the records are in more than {MOST_CHUNKS} runs of one type")


def _found(call: SalesforceCall, name: str, identifier: Any) -> Record:
    if not normal(identifier):
        raise Denied("MALFORMED_ID", f"malformed id {identifier}", ("Id",))
    row = call.org.tables.get(name, {}).get(normal(identifier))
    if row is None or call.org.purged(row, call.now):
        raise Denied("INVALID_CROSS_REFERENCE_KEY", UNKNOWN_ID)
    return row


def _each(call: SalesforceCall, rows: list[Record], whole: bool, work: Callable[[Record], Record]) -> Answer:
    """Do one row after the other; all or none of them where that was asked for."""
    mark = len(call.org.journal)
    told: list[Record] = []
    for row in rows:
        try:
            told.append(work(row))
        except Denied as denied:
            told.append({"success": False, "errors": [denied.row()]})
    if whole and not all(one["success"] for one in told):
        call.org.roll_back(mark)
        message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
        error = Denied("ALL_OR_NONE_OPERATION_ROLLED_BACK", message).row()
        told = [{"success": False, "errors": [error]} if one["success"] else one for one in told]
    return Answer(200, told, records=sum(one["success"] for one in told))
