"""Objects one at a time: list, read, create, update, archive, merge, delete for good.

https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic . A page holds 100 records, 50 with histories
(dlt-hub/verified-sources#206). Deleting what is not there is 204.
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import iso_ms, parse, to_ms
from pipelines.sandbox.hubspot.associations import embedded
from pipelines.sandbox.hubspot.gate import HubSpotCall, body_of, invalid, not_found, routes, size_of
from pipelines.sandbox.hubspot.portal import fold
from pipelines.sandbox.hubspot.records import archive, asked_record, asked_type, create, resolve, update, view
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]
READ, WRITE = ("crm.objects.contacts.read",), ("crm.objects.contacts.write",)


@routes.on("GET", "/crm/v3/objects/{type}", scopes=READ)
def list_objects(call: HubSpotCall) -> Answer:
    kind, archived = asked_type(call), call.query.flag("archived")
    history = call.query.all("propertiesWithHistory")
    size = size_of(call, 10, 50 if history else 100)
    after, ids = call.query.get("after"), call.portal.ids(kind)
    records = call.portal.objects[kind]
    if after and not after.isdecimal():
        raise invalid(f"Invalid after {after!r}: it is no cursor of this list")
    found = [
        records[name]
        for name in ids
        if records[name]["archived"] == archived and (not after or (len(name), name) > (len(after), after))
    ]
    start = 0
    cut, following = page(found, start, size, call.page_fault)
    rows = [_shown(call, kind, record, history) for record in cut]
    body: Record = {"results": rows}
    if following is not None:
        token = found[following - 1]["id"] if following else after or "0"
        link = f"{call.origin}/{'/'.join(call.segments)}?after={token}"
        body["paging"] = {"next": {"after": token, "link": link}}
    return Answer(200, body, records=len(rows))


def _shown(call: HubSpotCall, kind: str, record: Record, history: list[str]) -> Record:
    body = view(call, kind, record, call.query.all("properties"), history)
    others = call.query.all("associations")
    if others:
        body["associations"] = embedded(call, kind, record["id"], others)
    return body


@routes.on("GET", "/crm/v3/objects/{type}/{id}", scopes=READ)
def read_object(call: HubSpotCall) -> Answer:
    kind = asked_type(call)
    record = asked_record(call, kind, archived=call.query.flag("archived"))
    return Answer(200, _shown(call, kind, record, call.query.all("propertiesWithHistory")), records=1)


@routes.on("POST", "/crm/v3/objects/{type}", scopes=WRITE)
def create_object(call: HubSpotCall) -> Answer:
    kind, given = asked_type(call), body_of(call)
    record = create(call, kind, given.get("properties") or {}, given.get("associations"))
    return Answer(201, view(call, kind, record, record["properties"]), records=1)


@routes.on("PATCH", "/crm/v3/objects/{type}/{id}", scopes=WRITE)
def update_object(call: HubSpotCall) -> Answer:
    kind, given = asked_type(call), body_of(call)
    record = update(call, kind, asked_record(call, kind), given.get("properties") or {})
    return Answer(200, view(call, kind, record, record["properties"]), records=1)


@routes.on("DELETE", "/crm/v3/objects/{type}/{id}", scopes=WRITE)
def archive_object(call: HubSpotCall) -> Answer:
    kind = asked_type(call)
    record = resolve(call, kind, call.params["id"])
    if record is not None:
        archive(call, kind, record)
    return Answer(204, records=int(record is not None))


@routes.on("POST", "/crm/v3/objects/{type}/merge", scopes=WRITE)
def merge_objects(call: HubSpotCall) -> Answer:
    """One survivor. Its own values win; what it lacks it takes over, addresses, links and memberships too.

    By a switch the survivor gets an id of its own, so that neither old id is left
    (https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide: newObjectId).
    """
    kind, given = asked_type(call), body_of(call)
    primary, other = str(given.get("primaryObjectId") or ""), str(given.get("objectIdToMerge") or "")
    winner, loser = call.portal.find(kind, primary), call.portal.find(kind, other)
    if winner is None or loser is None:
        raise not_found(f"Cannot merge: {other if winner else primary} does not exist")
    if winner is loser:
        raise invalid("Cannot merge a record with itself")
    survivor = _merged(call, kind, winner, loser)
    return Answer(200, view(call, kind, survivor, survivor["properties"]), records=1)


def _merged(call: HubSpotCall, kind: str, winner: Record, loser: Record) -> Record:
    portal = call.portal
    name = portal.fresh_id() if call.switch("merge_new_id") else winner["id"]
    gone = [loser] if name == winner["id"] else [winner, loser]
    links = [{k: dict(v) for k, v in portal.links.get((kind, one["id"]), {}).items()} for one in (winner, loser)]
    properties = {**loser["properties"], **winner["properties"]}
    old_ids = [one["properties"].get("hs_merged_object_ids") for one in (winner, loser)] + [one["id"] for one in gone]
    old_vids = [one["properties"].get("hs_calculated_merged_vids") for one in (winner, loser)]
    moment = to_ms(call.now)
    properties["hs_merged_object_ids"] = ";".join(
        dict.fromkeys(i for words in old_ids if words for i in words.split(";"))
    )
    properties["hs_calculated_merged_vids"] = ";".join(
        [*(words for words in old_vids if words), *(f"{one['id']}:{moment}" for one in gone)]
    )
    if kind == "contacts":
        _join_addresses(properties, winner, loser)
    created = min(winner["createdAt"], loser["createdAt"], key=parse)
    properties |= {"hs_object_id": name, "lastmodifieddate": iso_ms(call.now)}
    survivor = {
        **winner,
        "id": name,
        "createdAt": created,
        "updatedAt": iso_ms(call.now),
        "properties": properties,
        "propertiesWithHistory": _join_histories(winner, loser),
    }
    for one in gone:
        portal.remove(kind, one, call.now)
        portal.merged[kind, one["id"]] = name
    if name == winner["id"]:
        portal.release(winner)
    portal.insert(kind, survivor, call.now)
    for found in links:
        for other, ids in found.items():
            for number, types in ids.items():
                portal.link((kind, name), (other, number), types)
    for old in gone:
        _move_memberships(call, old["id"], survivor)
    return survivor


def _join_addresses(properties: Record, winner: Record, loser: Record) -> None:
    primary = fold(properties.get("email") or "")
    words = [
        *(winner["properties"].get("hs_additional_emails") or "").split(";"),
        loser["properties"].get("email") or "",
        *(loser["properties"].get("hs_additional_emails") or "").split(";"),
    ]
    others = dict.fromkeys(fold(word) for word in words if word.strip() and fold(word) != primary)
    if others:
        properties["hs_additional_emails"] = ";".join(others)


def _join_histories(winner: Record, loser: Record) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for one in (winner, loser):
        for name, entries in one["propertiesWithHistory"].items():
            found[name] = found.get(name, []) + entries
    return {name: sorted(entries, key=lambda e: str(e["timestamp"]), reverse=True) for name, entries in found.items()}


def _move_memberships(call: HubSpotCall, old: str, survivor: Record) -> None:
    for members in call.portal.members.values():
        if old in members:
            members.setdefault(survivor["id"], members.pop(old))
    for event in call.portal.events.values():
        rows = [row for row in event["participants"] if row["contactId"] == old]
        kept = next((row for row in event["participants"] if row["contactId"] == survivor["id"]), None)
        for row in rows:
            if kept is None:
                row["contactId"], kept = survivor["id"], row
            else:
                kept["interactions"].extend(row["interactions"])
                event["participants"].remove(row)


@routes.on("POST", "/crm/v3/objects/{type}/gdpr-delete", scopes=WRITE)
def delete_for_good(call: HubSpotCall) -> Answer:
    """Gone without a trace. By address it also succeeds for an unknown one, which is then blocked for ever."""
    kind, given = asked_type(call), body_of(call)
    name = str(given.get("objectId") or "")
    by_address = given.get("idProperty") == "email"
    record = resolve(call, kind, name, "email" if by_address else "")
    if record is None and not by_address:
        record = call.portal.find(kind, name, archived=True)
    if record is not None:
        addresses = [record["properties"].get("email") or ""]
        call.portal.blocked.update(fold(address) for address in addresses if address)
        call.portal.remove(kind, record, call.now)
        for members in call.portal.members.values():
            members.pop(record["id"], None)
        for event in call.portal.events.values():
            event["participants"] = [row for row in event["participants"] if row["contactId"] != record["id"]]
    if by_address:
        call.portal.blocked.add(fold(name))
    return Answer(204, records=int(record is not None))
