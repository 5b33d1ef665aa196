"""Making, changing and showing one record: what single calls, batches and marketing events share.

https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide . A contact made through the API bears the
app as its source: `hs_object_source` INTEGRATION, analytics source OFFLINE with the drill-down INTEGRATION.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.sandbox.clock import iso_ms
from pipelines.sandbox.hubspot.gate import Denied, HubSpotCall, invalid, not_found
from pipelines.sandbox.hubspot.own import SHOWN, created_name, modified_name, type_of
from pipelines.sandbox.hubspot.portal import addresses_of, entry, fold
from pipelines.sandbox.hubspot.values import appended, checked
from pipelines.sandbox.world.frame import ENGAGEMENTS

Record = dict[str, Any]
Values = dict[str, str | None]


def asked_type(call: HubSpotCall, name: str = "type") -> str:
    kind = type_of(call.params[name])
    if kind is None:
        raise invalid(f"Unable to infer object type from: {call.params[name]}")
    return kind


def resolve(call: HubSpotCall, kind: str, name: str, id_property: str = "", *, archived: bool = False) -> Record | None:
    """The record that an id, an address or a unique property names. A merged-away id leads to the survivor."""
    portal = call.portal
    if id_property in ("", "hs_object_id", "id"):
        found = portal.find(kind, name, archived=archived)
        if found is None and not archived and not call.switch("merged_get_404"):
            seen = set[str]()
            while (kind, name) in portal.merged and name not in seen:
                seen.add(name)
                name = portal.merged[kind, name]
            found = portal.find(kind, name) if seen else None
        return found
    if kind == "contacts" and id_property == "email":
        if archived:
            folded = fold(name)
            gone = (r for r in portal.objects[kind].values() if r["archived"])
            return next((record for record in gone if folded in addresses_of(record)), None)
        owner = portal.by_email.get(fold(name))
        return portal.find(kind, owner) if owner else None
    check_unique(call, kind, id_property)
    for record in portal.objects[kind].values():
        if record["properties"].get(id_property) == name and record["archived"] == archived:
            return record
    return None


def check_unique(call: HubSpotCall, kind: str, name: str) -> None:
    definition = call.portal.definitions[kind].get(name)
    if definition is None or not definition.get("hasUniqueValue"):
        raise invalid(f"Unable to perform update/upsert by non-unique {kind} property {name}", propertyName=[name])


def asked_record(call: HubSpotCall, kind: str, name: str = "id", *, archived: bool = False) -> Record:
    found = resolve(call, kind, call.params[name], call.query.get("idProperty"), archived=archived)
    if found is None:
        raise not_found()
    return found


def create(call: HubSpotCall, kind: str, given: Any, associations: Any = ()) -> Record:
    """A new record. 409 where a contact holds one of its addresses."""
    values: Values = {name: value for name, value in checked(call, kind, given).items() if value is not None}
    if kind in ENGAGEMENTS and kind != "communications" and "hs_timestamp" not in values:
        raise invalid("Error creating: hs_timestamp is required", "REQUIRED_FIELD", propertyName=["hs_timestamp"])
    links = _links(call, kind, associations)
    _check_addresses(call, kind, values, None)
    _check_unique_values(call, kind, values, None)
    moment = iso_ms(call.now)
    name = call.portal.fresh_id()
    properties: dict[str, str] = {key: str(value) for key, value in values.items()}
    properties |= {created_name(kind): moment, modified_name(kind): moment, "hs_object_id": name}
    properties |= {
        "hs_object_source": "INTEGRATION",
        "hs_object_source_id": call.portal.app_id,
        "hs_object_source_label": "INTEGRATION",
    }
    if kind == "contacts":
        properties["hs_analytics_source"] = "OFFLINE"
        properties["hs_analytics_source_data_1"] = "INTEGRATION"
        properties["hs_analytics_source_data_2"] = call.portal.app_id
    record: Record = {
        "id": name,
        "createdAt": moment,
        "updatedAt": moment,
        "archived": False,
        "properties": properties,
        "propertiesWithHistory": {
            key: [entry(str(value), moment, "INTEGRATION", call.portal.app_id)] for key, value in values.items()
        },
    }
    call.portal.insert(kind, record, call.now)
    for other, number, types in links:
        call.portal.link((kind, name), (other, number), types)
    return record


def update(call: HubSpotCall, kind: str, record: Record, given: Any) -> Record:
    """Write what is given and nothing else; a blank clears."""
    values = checked(call, kind, given, ignore_unknown=kind in ENGAGEMENTS)
    definitions = call.portal.definitions[kind]
    values = {
        name: appended(definitions[name], record["properties"].get(name), value) for name, value in values.items()
    }
    _check_addresses(call, kind, values, record)
    _check_unique_values(call, kind, values, record)
    touch = bool(call.switch("unchanged_write_touches"))
    call.portal.change(kind, record, values, call.now, touch=touch)
    return record


def conflict(owner: str) -> Denied:
    return Denied(409, "CONFLICT", f"Contact already exists. Existing ID: {owner}")


def _check_addresses(call: HubSpotCall, kind: str, values: Values, record: Record | None) -> None:
    if kind != "contacts":
        return
    wanted = [values.get("email") or "", *(values.get("hs_additional_emails") or "").split(";")]
    for address in (fold(word) for word in wanted if word.strip()):
        owner = call.portal.by_email.get(address)
        if owner is not None and (record is None or owner != record["id"]):
            raise conflict(owner)
        if address in call.portal.blocked:
            message = f"The address {address} was deleted for privacy and cannot be used again"
            raise invalid(message, "GDPR_BLACKLISTED_EMAIL", propertyName=["email"])


def _check_unique_values(call: HubSpotCall, kind: str, values: Values, record: Record | None) -> None:
    for name, value in values.items():
        unique = call.portal.definitions[kind][name].get("hasUniqueValue") and name != "email"
        if not unique or value is None:
            continue
        for other in call.portal.objects[kind].values():
            if other["properties"].get(name) == value and not other["archived"] and other is not record:
                message = f'a record with the value "{value}" of {name} already exists. Existing ID: {other["id"]}'
                raise Denied(409, "CONFLICT", message)


def _links(call: HubSpotCall, kind: str, given: Any) -> list[tuple[str, str, list[Record]]]:
    """The links of a new record, each `{to: {id}, types: […]}`; the type id says which kind of object is meant."""
    from pipelines.sandbox.hubspot.associations import other_type

    found = []
    if not isinstance(given or [], list | tuple):
        raise invalid("Invalid input JSON: associations must be a list")
    for one in given or ():
        types = one.get("types") if isinstance(one, dict) else None
        end = one.get("to") if isinstance(one, dict) else None
        if not isinstance(types, list) or not isinstance(end, dict):
            raise invalid("Invalid input JSON: an association needs to and types")
        number = str(end.get("id") or "")
        other = other_type(kind, types)
        if other is None or call.portal.find(other, number) is None:
            raise invalid(f"One or more associations are not valid: {number or 'no id'} of {types}")
        found.append((other, number, types))
    return found


def archive(call: HubSpotCall, kind: str, record: Record) -> None:
    """To the recycle bin. Addresses are free again."""
    call.portal.remember(kind, record["id"], call.now)
    if kind == "contacts":
        call.portal.release(record)
    record["archived"] = True
    record["archivedAt"] = record["updatedAt"] = iso_ms(call.now)


def view(
    call: HubSpotCall, kind: str, record: Record, properties: Iterable[str], history: Iterable[str] = ()
) -> Record:
    """A record as answers show it: the properties asked for, and some that always come."""
    wanted = list(properties)
    always = (created_name(kind), modified_name(kind), "hs_object_id")
    names = dict.fromkeys([*wanted, *always] if wanted else SHOWN.get(kind, always))
    known, values = call.portal.definitions[kind], record["properties"]
    nulls = call.switch("null_properties")
    shown = {name: values.get(name) for name in names if name in known and (values.get(name) is not None or nulls)}
    body = {
        "id": record["id"],
        "properties": shown,
        "createdAt": record["createdAt"],
        "updatedAt": record["updatedAt"],
        "archived": record["archived"],
    }
    if record["archived"]:
        body["archivedAt"] = record.get("archivedAt", record["updatedAt"])
    asked = [name for name in history if name in known]
    if asked:
        body["propertiesWithHistory"] = {name: history_of(record, name) for name in asked}
        shown |= {name: values.get(name) for name in asked if values.get(name) is not None}
    return body


def history_of(record: Record, name: str) -> list[Record]:
    """Newest first; a value without kept history is one entry."""
    entries: list[Record] | None = record["propertiesWithHistory"].get(name)
    if entries:
        return entries
    value = record["properties"].get(name)
    return [] if value is None else [entry(value, record["createdAt"], "CRM_UI")]
