"""Lists and their members. https://developers.hubspot.com/docs/api-reference/crm-lists-v3/guide

Members are added to and taken from MANUAL and SNAPSHOT lists alone; bodies are bare arrays of record ids; the answer
spells one of its fields `recordsIdsAdded`. Ids that no record has are reported, those that are in already are not.
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import iso_ms
from pipelines.sandbox.hubspot.gate import Denied, HubSpotCall, body_of, invalid, not_found, routes, size_of
from pipelines.sandbox.hubspot.own import TYPE_IDS, type_of
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]
READ, WRITE = ("crm.lists.read",), ("crm.lists.write",)
STATIC = {"MANUAL", "SNAPSHOT"}
SMALL = 100_000


def _shown(call: HubSpotCall, item: Record) -> Record:
    return {
        "processingStatus": "COMPLETE",
        "listVersion": 1,
        **item,
        "size": len(call.portal.members[item["listId"]]),
    }


def _asked(call: HubSpotCall) -> Record:
    found = call.portal.lists.get(call.params["list"])
    if found is None:
        raise not_found(f"List does not exist with ID {call.params['list']}.")
    return found


@routes.on("POST", "/crm/v3/lists", scopes=WRITE)
def create_list(call: HubSpotCall) -> Answer:
    given = body_of(call)
    name, kind = str(given.get("name") or "").strip(), type_of(str(given.get("objectTypeId") or ""))
    processing = given.get("processingType")
    if not name or kind is None or processing not in {*STATIC, "DYNAMIC"}:
        raise invalid("A list needs name, objectTypeId, and processingType MANUAL, SNAPSHOT or DYNAMIC")
    if processing == "DYNAMIC" and not given.get("filterBranch"):
        raise invalid("A dynamic list needs a filterBranch")
    _check_name(call, name, "")
    number = str(
        max([int(key) for key in (*call.portal.lists, *call.portal.deleted_lists) if key.isdecimal()] + [0]) + 1
    )
    moment = iso_ms(call.now)
    item: Record = {
        "listId": number,
        "name": name,
        "objectTypeId": TYPE_IDS[kind],
        "processingType": processing,
        "createdAt": moment,
        "updatedAt": moment,
    }
    if given.get("filterBranch"):
        item["filterBranch"] = given["filterBranch"]
    call.portal.lists[number] = item
    call.portal.members[number] = {}
    return Answer(200, {"list": _shown(call, item)}, records=1)


def _check_name(call: HubSpotCall, name: str, own: str) -> None:
    for item in call.portal.lists.values():
        if item["name"].lower() == name.lower() and item["listId"] != own:
            message = f"A list named {name!r} already exists. Existing ID: {item['listId']}"
            raise Denied(400, "VALIDATION_ERROR", message, sub_category="ILS.DUPLICATE_LIST_NAMES")


@routes.on("GET", "/crm/v3/lists", scopes=READ)
def read_lists(call: HubSpotCall) -> Answer:
    names = call.query.all("listIds")
    rows = [_shown(call, call.portal.lists[name]) for name in names if name in call.portal.lists]
    return Answer(200, {"lists": rows}, records=len(rows))


@routes.on("GET", "/crm/v3/lists/{list}", scopes=READ)
def read_list(call: HubSpotCall) -> Answer:
    return Answer(200, {"list": _shown(call, _asked(call))}, records=1)


@routes.on("GET", "/crm/v3/lists/object-type-id/{type}/name/{name}", scopes=READ)
def read_by_name(call: HubSpotCall) -> Answer:
    kind, name = type_of(call.params["type"]), call.params["name"].lower()
    for item in call.portal.lists.values():
        if item["name"].lower() == name and type_of(item["objectTypeId"]) == kind:
            return Answer(200, {"list": _shown(call, item)}, records=1)
    raise not_found(f"List does not exist with name {call.params['name']}.")


@routes.on("POST", "/crm/v3/lists/search", scopes=READ)
def search_lists(call: HubSpotCall) -> Answer:
    given = body_of(call)
    words, wanted = str(given.get("query") or "").lower(), given.get("processingTypes") or []
    if not isinstance(given.get("listIds") or [], list) or not isinstance(wanted, list):
        raise invalid("listIds and processingTypes must be lists")
    ids = {str(name) for name in given.get("listIds") or ()}
    start, size = given.get("offset") or 0, given.get("count") or 20
    if type(start) is not int or type(size) is not int or start < 0 or not 1 <= size <= 500:
        raise invalid("offset must be 0 or more, and count between 1 and 500")
    rows = [
        {**_shown(call, item), "additionalProperties": {"hs_list_size": str(len(call.portal.members[name]))}}
        for name, item in call.portal.lists.items()
        if words in item["name"].lower()
        and (not wanted or item["processingType"] in wanted)
        and (not ids or name in ids)
    ]
    cut, following = page(rows, start, size, call.page_fault)
    reached = start + len(cut) if following is None else following
    body = {"lists": cut, "total": len(rows), "offset": reached, "hasMore": following is not None}
    return Answer(200, body, records=len(cut))


@routes.on("PUT", "/crm/v3/lists/{list}/update-list-name", scopes=WRITE)
def rename_list(call: HubSpotCall) -> Answer:
    item, name = _asked(call), call.query.get("listName").strip()
    if not name:
        raise invalid("listName is required")
    _check_name(call, name, item["listId"])
    item |= {"name": name, "updatedAt": iso_ms(call.now)}
    return Answer(200, {"updatedList": _shown(call, item)}, records=1)


@routes.on("DELETE", "/crm/v3/lists/{list}", scopes=WRITE)
def delete_list(call: HubSpotCall) -> Answer:
    """Can be restored for ninety days."""
    item = _asked(call)
    call.portal.deleted_lists[item["listId"]] = call.portal.lists.pop(item["listId"])
    return Answer(204, records=1)


@routes.on("PUT", "/crm/v3/lists/{list}/restore", scopes=WRITE)
def restore_list(call: HubSpotCall) -> Answer:
    item = call.portal.deleted_lists.pop(call.params["list"], None)
    if item is None:
        raise not_found(f"List does not exist with ID {call.params['list']}.")
    call.portal.lists[item["listId"]] = item
    return Answer(204, records=1)


@routes.on("GET", "/crm/v3/lists/{list}/memberships", "/crm/v3/lists/{list}/memberships/join-order", scopes=READ)
def read_members(call: HubSpotCall) -> Answer:
    """By record id, or in the order of joining; cursors are ids."""
    members = call.portal.members[_asked(call)["listId"]]
    by_time = call.segments[-1] == "join-order"
    ids = sorted(members, key=lambda name: (members[name] if by_time else "", len(name), name))
    after = call.query.get("after")
    start = ids.index(after) + 1 if after in ids else sum((len(i), i) <= (len(after), after) for i in ids)
    cut, following = page(ids, start if after else 0, size_of(call, 100, 250), call.page_fault)
    rows = [{"recordId": name, "membershipTimestamp": members[name]} for name in cut]
    body: Record = {"results": rows, "total": len(ids)}
    if following is not None:
        body["paging"] = {"next": {"after": ids[following - 1] if following else "0", "link": ""}}
    return Answer(200, body, records=len(rows))


@routes.on("GET", "/crm/v3/lists/records/{type}/{record}/memberships", scopes=READ)
def read_memberships(call: HubSpotCall) -> Answer:
    name = call.params["record"]
    rows = [
        {
            "listId": number,
            "listVersion": 1,
            "firstAddedTimestamp": members[name],
            "lastAddedTimestamp": members[name],
        }
        for number, members in call.portal.members.items()
        if name in members and number in call.portal.lists
    ]
    return Answer(200, {"results": rows, "total": len(rows)}, records=len(rows))


@routes.on("PUT", "/crm/v3/lists/{list}/memberships/add", scopes=WRITE)
def add_members(call: HubSpotCall) -> Answer:
    return _changed(call, _ids(call, _body(call)), [])


@routes.on("PUT", "/crm/v3/lists/{list}/memberships/remove", scopes=WRITE)
def remove_members(call: HubSpotCall) -> Answer:
    return _changed(call, [], _ids(call, _body(call)))


@routes.on("PUT", "/crm/v3/lists/{list}/memberships/add-and-remove", scopes=WRITE)
def add_and_remove_members(call: HubSpotCall) -> Answer:
    given = body_of(call)
    if not {"recordIdsToAdd", "recordIdsToRemove"} <= set(given):
        raise invalid("recordIdsToAdd and recordIdsToRemove are both required")
    return _changed(call, _ids(call, given["recordIdsToAdd"]), _ids(call, given["recordIdsToRemove"]))


@routes.on("PUT", "/crm/v3/lists/{list}/memberships/add-from/{source}", scopes=WRITE)
def add_from(call: HubSpotCall) -> Answer:
    """All members of another list, where it is small enough."""
    source = call.portal.members.get(call.params["source"])
    if source is None or call.params["source"] not in call.portal.lists:
        raise not_found(f"List does not exist with ID {call.params['source']}.")
    if len(source) >= SMALL:
        raise invalid(f"Only lists with fewer than {SMALL} members can be copied at once")
    return Answer(204, records=_changed(call, list(source), []).records)


@routes.on("DELETE", "/crm/v3/lists/{list}/memberships", scopes=WRITE)
def remove_all_members(call: HubSpotCall) -> Answer:
    members = call.portal.members[_asked(call)["listId"]]
    if len(members) >= SMALL:
        raise invalid(f"Only lists with fewer than {SMALL} members can be emptied at once")
    count = len(members)
    members.clear()
    return Answer(204, records=count)


def _body(call: HubSpotCall) -> Any:
    try:
        return call.json()
    except ValueError as error:
        raise invalid("Invalid input JSON: the body cannot be read") from error


def _ids(call: HubSpotCall, given: Any) -> list[str]:
    if not isinstance(given, list) or any(isinstance(one, dict | list | bool) or one is None for one in given):
        raise invalid("Invalid input JSON: expected a bare array of record ids")
    if len(given) > int(call.switch("list_max_ids")):
        raise invalid(f"At most {call.switch('list_max_ids')} record ids at a time")
    return [str(one) for one in given]


def _changed(call: HubSpotCall, add: list[str], remove: list[str]) -> Answer:
    item = _asked(call)
    if item["processingType"] not in STATIC:
        message = f"List {item['listId']} is {item['processingType']}: members of it cannot be set"
        raise Denied(400, "VALIDATION_ERROR", message, sub_category="ILS.INVALID_PROCESSING_TYPE")
    kind, members = type_of(item["objectTypeId"]) or "contacts", call.portal.members[item["listId"]]
    moment = iso_ms(call.now)
    missing = [name for name in dict.fromkeys([*add, *remove]) if call.portal.find(kind, name) is None]
    added = [name for name in dict.fromkeys(add) if name not in missing and name not in members]
    removed = [name for name in dict.fromkeys(remove) if name in members]
    members.update(dict.fromkeys(added, moment))
    for name in removed:
        del members[name]
    body = {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing}
    return Answer(200, body, records=len(added) + len(removed))
