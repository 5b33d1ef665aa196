"""Property definitions and their groups. https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide

The group comes first; a name that is taken is 409 (unverified); `options` of a PATCH replace the list (unverified);
ten unique properties at most for each object type, and uniqueness cannot be changed later.
"""

from __future__ import annotations

import re
from typing import Any

from pipelines.sandbox.clock import iso_ms
from pipelines.sandbox.hubspot.associations import batch_answer
from pipelines.sandbox.hubspot.gate import Denied, HubSpotCall, body_of, inputs_of, invalid, not_found, routes
from pipelines.sandbox.hubspot.portal import group
from pipelines.sandbox.hubspot.records import asked_type
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
FIELDS = {
    "string": {"text", "textarea", "html", "file", "select", "phonenumber", "calculation_equation"},
    "number": {"number", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox", "calculation_equation"},
    "bool": {"booleancheckbox", "calculation_equation"},
    "phone_number": {"phonenumber", "text"},
}
UNIQUE = 10
OPTIONAL = {
    "options",
    "hasUniqueValue",
    "hidden",
    "formField",
    "description",
    "displayOrder",
    "dataSensitivity",
    "numberDisplayHint",
    "showCurrencySymbol",
    "externalOptions",
    "referencedObjectType",
    "calculationFormula",
    "currencyPropertyName",
    "textDisplayHint",
}
REQUIRED = ("name", "label", "groupName", "type", "fieldType")
FIXED = {"name", "hasUniqueValue", "dataSensitivity"}
SCHEMA = ("crm.schemas.contacts.write",)
READ = ("crm.schemas.contacts.read",)


@routes.on("GET", "/crm/v3/properties/{type}", "/properties/v2/{type}/properties", scopes=READ)
def list_properties(call: HubSpotCall) -> Answer:
    """v3 wraps the list, v2 gives it bare."""
    kind = asked_type(call)
    if call.query.flag("archived"):
        rows = [item for (k, _), item in call.portal.archived_definitions.items() if k == kind]
    else:
        rows = list(call.portal.definitions[kind].values())
    legacy = call.segments[0] == "properties"
    return Answer(200, rows if legacy else {"results": rows}, records=len(rows))


@routes.on("GET", "/crm/v3/properties/{type}/{name}", scopes=READ)
def read_property(call: HubSpotCall) -> Answer:
    return Answer(200, _asked(call), records=1)


def _asked(call: HubSpotCall) -> Record:
    found = call.portal.definitions[asked_type(call)].get(call.params["name"])
    if found is None:
        raise not_found(f"Property {call.params['name']} does not exist")
    return found


@routes.on("POST", "/crm/v3/properties/{type}", scopes=SCHEMA)
def create_property(call: HubSpotCall) -> Answer:
    return Answer(201, _created(call, asked_type(call), body_of(call)), records=1)


@routes.on("POST", "/crm/v3/properties/{type}/batch/create", scopes=SCHEMA)
def create_properties(call: HubSpotCall) -> Answer:
    kind, results, errors = asked_type(call), [], []
    for one in inputs_of(call):
        try:
            results.append(_created(call, kind, one))
        except Denied as denied:
            errors.append(denied.item())
    return batch_answer(call, 200 if call.dated else 201, results, errors)


def _created(call: HubSpotCall, kind: str, given: Record) -> Record:
    missing = [name for name in REQUIRED if not given.get(name)]
    if missing:
        raise invalid(f"Invalid input JSON: missing {', '.join(missing)}", "REQUIRED_FIELD", propertyName=missing)
    unknown = sorted(set(given) - set(REQUIRED) - OPTIONAL)
    if unknown:
        raise invalid(f"Invalid input JSON: unknown fields {', '.join(unknown)}")
    name, type_ = str(given["name"]), given["type"]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > 100:
        raise invalid(f"Property name {name!r} may hold lower-case letters, digits and _ and begins with a letter")
    if type_ not in FIELDS or given["fieldType"] not in FIELDS[type_]:
        raise invalid(f"fieldType {given['fieldType']!r} does not go with type {type_!r}", "INVALID_FIELD_TYPE")
    if given["groupName"] not in call.portal.groups[kind]:
        raise invalid(f"Property group {given['groupName']} does not exist", "INVALID_GROUP")
    if name in call.portal.definitions[kind]:
        message = f"A property named '{name}' already exists."
        raise Denied(409, "OBJECT_ALREADY_EXISTS", message, sub_category="Properties.PROPERTY_EXISTS")
    _check_options(type_, given)
    unique = [d for d in call.portal.definitions[kind].values() if d["hasUniqueValue"] and not d["hubspotDefined"]]
    if given.get("hasUniqueValue") and len(unique) >= UNIQUE:
        raise invalid(f"An object type can have at most {UNIQUE} unique properties")
    moment = iso_ms(call.now)
    made: Record = {
        "description": "",
        "options": [],
        "displayOrder": -1,
        "hasUniqueValue": False,
        "hidden": False,
        "formField": False,
        "externalOptions": False,
        **given,
        "calculated": False,
        "hubspotDefined": False,
        "archived": False,
        "createdAt": moment,
        "updatedAt": moment,
        "modificationMetadata": {
            "archivable": True,
            "readOnlyDefinition": False,
            "readOnlyOptions": False,
            "readOnlyValue": False,
        },
    }
    call.portal.definitions[kind][name] = made
    call.portal.archived_definitions.pop((kind, name), None)
    return made


def _check_options(type_: str, given: Record) -> None:
    options = given.get("options") or []
    if type_ == "enumeration" and not options and not given.get("externalOptions"):
        raise invalid("An enumeration needs options", "REQUIRED_FIELD", propertyName=["options"])
    for option in options:
        if not isinstance(option, dict) or not option.get("label") or "value" not in option or "hidden" not in option:
            raise invalid("Each option needs label, value and hidden", "REQUIRED_FIELD", propertyName=["options"])
    values = [option["value"] for option in options]
    if len(set(values)) != len(values):
        raise invalid("Option values must be unique", propertyName=["options"])


@routes.on("PATCH", "/crm/v3/properties/{type}/{name}", scopes=SCHEMA)
def change_property(call: HubSpotCall) -> Answer:
    found, given = _asked(call), body_of(call)
    if found["modificationMetadata"]["readOnlyDefinition"]:
        raise invalid(f"The definition of {found['name']} is HubSpot's own and cannot be changed")
    refused = sorted(FIXED & set(given))
    if refused:
        raise invalid(f"{', '.join(refused)} cannot be changed", propertyName=refused)
    if "groupName" in given and given["groupName"] not in call.portal.groups[asked_type(call)]:
        raise invalid(f"Property group {given['groupName']} does not exist", "INVALID_GROUP")
    if "options" in given:
        _check_options(str(given.get("type", found["type"])), given)
    found |= {**given, "updatedAt": iso_ms(call.now)}
    return Answer(200, found, records=1)


@routes.on("DELETE", "/crm/v3/properties/{type}/{name}", scopes=SCHEMA)
def archive_property(call: HubSpotCall) -> Answer:
    return Answer(204, records=_archived(call, asked_type(call), call.params["name"]))


@routes.on("POST", "/crm/v3/properties/{type}/batch/archive", scopes=SCHEMA)
def archive_properties(call: HubSpotCall) -> Answer:
    kind = asked_type(call)
    return Answer(204, records=sum(_archived(call, kind, str(one.get("name"))) for one in inputs_of(call)))


def _archived(call: HubSpotCall, kind: str, name: str) -> int:
    """204 even where there was none; HubSpot's own stay. The values go with the definition."""
    found = call.portal.definitions[kind].get(name)
    if found is None:
        return 0
    if found["hubspotDefined"]:
        raise invalid(f"{name} is HubSpot's own and cannot be archived")
    del call.portal.definitions[kind][name]
    call.portal.archived_definitions[kind, name] = {**found, "archived": True, "archivedAt": iso_ms(call.now)}
    for record in call.portal.objects[kind].values():
        if name in record["properties"]:
            record["properties"] = {key: value for key, value in record["properties"].items() if key != name}
        record["propertiesWithHistory"].pop(name, None)
    return 1


@routes.on("POST", "/crm/v3/properties/{type}/batch/read", scopes=READ)
def read_properties(call: HubSpotCall) -> Answer:
    known, results, errors = call.portal.definitions[asked_type(call)], [], []
    for one in inputs_of(call):
        name = str(one.get("name"))
        if name in known:
            results.append(known[name])
        else:
            errors.append(not_found(f"Property {name} does not exist").item())
    return batch_answer(call, 200, results, errors)


@routes.on("GET", "/crm/v3/properties/{type}/groups", scopes=READ)
def list_groups(call: HubSpotCall) -> Answer:
    rows = list(call.portal.groups[asked_type(call)].values())
    return Answer(200, {"results": rows}, records=len(rows))


@routes.on("GET", "/crm/v3/properties/{type}/groups/{name}", scopes=READ)
def read_group(call: HubSpotCall) -> Answer:
    found = call.portal.groups[asked_type(call)].get(call.params["name"])
    if found is None:
        raise not_found(f"Property group {call.params['name']} does not exist")
    return Answer(200, found, records=1)


@routes.on("POST", "/crm/v3/properties/{type}/groups", scopes=SCHEMA)
def create_group(call: HubSpotCall) -> Answer:
    groups, given = call.portal.groups[asked_type(call)], body_of(call)
    name = str(given.get("name") or "")
    if not name or not given.get("label"):
        raise invalid("Invalid input JSON: missing name or label", "REQUIRED_FIELD")
    if name in groups:
        message = f"A property group named '{name}' already exists."
        raise Denied(409, "OBJECT_ALREADY_EXISTS", message, sub_category="Properties.GROUP_EXISTS")
    groups[name] = {**group(name, str(given["label"])), "displayOrder": given.get("displayOrder", -1)}
    return Answer(201, groups[name], records=1)


@routes.on("PATCH", "/crm/v3/properties/{type}/groups/{name}", scopes=SCHEMA)
def change_group(call: HubSpotCall) -> Answer:
    found, given = call.portal.groups[asked_type(call)].get(call.params["name"]), body_of(call)
    if found is None:
        raise not_found(f"Property group {call.params['name']} does not exist")
    found |= {name: given[name] for name in ("label", "displayOrder") if name in given}
    return Answer(200, found, records=1)


@routes.on("DELETE", "/crm/v3/properties/{type}/groups/{name}", scopes=SCHEMA)
def archive_group(call: HubSpotCall) -> Answer:
    kind, name = asked_type(call), call.params["name"]
    if any(item["groupName"] == name for item in call.portal.definitions[kind].values()):
        raise invalid(f"Property group {name} still holds properties")
    gone = call.portal.groups[kind].pop(name, None)
    return Answer(204, records=int(gone is not None))
