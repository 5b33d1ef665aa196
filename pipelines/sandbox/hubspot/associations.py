"""Associations, v4 and dated. https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide

Reading pages for each input apart, 500 links at a time. Writing types replaces the labels that were there. A batch
create is 201 on v4 and 200 on dated paths, a batch archive 204 and 200.
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import iso_ms
from pipelines.sandbox.hubspot.gate import LINKS, Denied, HubSpotCall, inputs_of, invalid, not_found, routes, size_of
from pipelines.sandbox.hubspot.own import TYPE_IDS, type_of
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]
PAGE = 500
MOST = {"read": 1000, "write": 2000}
TYPES = {
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("contacts", "contacts"): 449,
    ("contacts", "deals"): 4,
    ("deals", "contacts"): 3,
    ("deals", "companies"): 341,
    ("companies", "deals"): 342,
    ("contacts", "calls"): 193,
    ("calls", "contacts"): 194,
    ("contacts", "emails"): 197,
    ("emails", "contacts"): 198,
    ("contacts", "meetings"): 199,
    ("meetings", "contacts"): 200,
    ("contacts", "notes"): 201,
    ("notes", "contacts"): 202,
    ("contacts", "tasks"): 203,
    ("tasks", "contacts"): 204,
    ("contacts", "communications"): 82,
    ("communications", "contacts"): 81,
    ("calls", "companies"): 182,
    ("emails", "companies"): 186,
    ("meetings", "companies"): 188,
    ("notes", "companies"): 190,
    ("tasks", "companies"): 192,
    ("communications", "companies"): 87,
    ("calls", "deals"): 206,
    ("emails", "deals"): 210,
    ("meetings", "deals"): 212,
    ("notes", "deals"): 214,
    ("tasks", "deals"): 216,
}
PRIMARY = {1: ("contacts", "companies"), 2: ("companies", "contacts")}


def default_type(one: str, other: str) -> int:
    """The unlabelled type's id; pairs that the documentation does not list get one of our own making."""
    known = TYPES.get((one, other))
    return known if known is not None else 1000 + 20 * sorted(TYPE_IDS).index(one) + sorted(TYPE_IDS).index(other)


def other_type(kind: str, types: list[Record]) -> str | None:
    """Which object type the far end is of, told from the first type's id."""
    numbers = [one.get("associationTypeId") for one in types if isinstance(one, dict)]
    for number in numbers:
        if number in PRIMARY and PRIMARY[number][0] == kind:
            return PRIMARY[number][1]
        for other in TYPE_IDS:
            if default_type(kind, other) == number:
                return other
    return None


def shown_types(one: str, other: str, labels: list[Record]) -> list[Record]:
    default = {"category": "HUBSPOT_DEFINED", "typeId": default_type(one, other), "label": None}
    extra = [
        {
            "category": label.get("associationCategory", "HUBSPOT_DEFINED"),
            "typeId": label.get("associationTypeId"),
            "label": label.get("label"),
        }
        for label in labels
        if label.get("associationTypeId") != default["typeId"]
    ]
    return [*extra, default]


def embedded(call: HubSpotCall, kind: str, name: str, others: list[str]) -> Record:
    """What an object's own answer shows of its links: a first page for each type."""
    found: Record = {}
    for word in others:
        other = type_of(word)
        if other is None:
            raise invalid(f"Unable to infer object type from: {word}")
        ids = list(call.portal.linked((kind, name), other))
        if ids:
            label = f"{kind.rstrip('s')}_to_{other.rstrip('s')}"
            found[other] = {"results": [{"id": number, "type": label} for number in ids[:100]]}
            if len(ids) > 100:
                found[other]["paging"] = {"next": {"after": ids[99], "link": ""}}
    return found


def _types(call: HubSpotCall) -> tuple[str, str]:
    one, other = type_of(call.params["from"]), type_of(call.params["to"])
    if one is None or other is None:
        raise invalid(f"Unable to infer object type from: {call.params['from' if one is None else 'to']}")
    return one, other


def _end(call: HubSpotCall, kind: str, given: Any) -> str:
    """An input's `{id}`, of a record that is there."""
    name = _id(given)
    if call.portal.find(kind, name) is None:
        raise Denied(404, "OBJECT_NOT_FOUND", f"{kind} {name or 'without id'} does not exist", context={"id": [name]})
    return name


def _id(given: Any) -> str:
    """The id of an input's end, blank where it has another shape."""
    return str(given.get("id") or "") if isinstance(given, dict) else ""


def _dicts(given: Any) -> list[Record]:
    """The objects of a list; whatever else was sent is not one."""
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def batch_answer(call: HubSpotCall, status: int, results: list[Record], errors: list[Record]) -> Answer:
    """A batch's body: v4 says 207 where something failed, dated paths keep their status."""
    moment = iso_ms(call.now)
    body: Record = {"status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
        status = status if call.dated else 207
    return Answer(status, body, records=len(results))


@routes.on("POST", "/crm/v4/associations/{from}/{to}/batch/read", label=LINKS, scopes=("crm.objects.contacts.read",))
def read_many(call: HubSpotCall) -> Answer:
    one, other = _types(call)
    results, missing = [], []
    for given in inputs_of(call, MOST["read"]):
        name = str(given.get("id") or "")
        linked = call.portal.linked((one, name), other)
        if not linked:
            missing.append(name)
            continue
        ids = list(linked)
        after = str(given.get("after") or "")
        start = next((at for at, number in enumerate(ids) if (len(number), number) > (len(after), after)), len(ids))
        cut, following = page(ids, start if after else 0, PAGE, call.page_fault)
        row: Record = {
            "from": {"id": name},
            "to": [
                {"toObjectId": number, "associationTypes": shown_types(one, other, linked[number])} for number in cut
            ],
        }
        if following is not None:
            row["paging"] = {"next": {"after": ids[following - 1] if following else "0", "link": "?"}}
        results.append(row)
    errors = [_none(one, other, missing)] if missing else []
    answer = batch_answer(call, 200, results, errors)
    answer.records = sum(len(row["to"]) for row in results)
    return answer


def _none(one: str, other: str, ids: list[str]) -> Record:
    message = f"No {other} is associated with {one} {', '.join(ids)}."
    return Denied(
        404,
        "OBJECT_NOT_FOUND",
        message,
        context={"fromObjectId": ids},
        sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
    ).item()


@routes.on("POST", "/crm/v4/associations/{from}/{to}/batch/create", label=LINKS, scopes=("crm.objects.contacts.write",))
def create_many(call: HubSpotCall) -> Answer:
    one, other = _types(call)
    results, errors = [], []
    for given in inputs_of(call, MOST["write"]):
        try:
            near, far = _end(call, one, given.get("from")), _end(call, other, given.get("to"))
        except Denied as denied:
            errors.append(denied.item())
            continue
        types = _dicts(given.get("types"))
        call.portal.link((one, near), (other, far), types)
        results.append(_pair(one, other, near, far, types))
    return batch_answer(call, 200 if call.dated else 201, results, errors)


def _pair(one: str, other: str, near: str, far: str, types: list[Record]) -> Record:
    return {
        "fromObjectTypeId": TYPE_IDS[one],
        "fromObjectId": near,
        "toObjectTypeId": TYPE_IDS[other],
        "toObjectId": far,
        "labels": [str(label["label"]) for label in types if label.get("label")],
    }


@routes.on(
    "POST",
    "/crm/v4/associations/{from}/{to}/batch/associate/default",
    label=LINKS,
    scopes=("crm.objects.contacts.write",),
)
def default_many(call: HubSpotCall) -> Answer:
    one, other = _types(call)
    results, errors = [], []
    for given in inputs_of(call, MOST["write"]):
        try:
            near, far = _end(call, one, given.get("from")), _end(call, other, given.get("to"))
        except Denied as denied:
            errors.append(denied.item())
            continue
        call.portal.link((one, near), (other, far))
        results += _default_pair(one, other, near, far)
    return batch_answer(call, 200, results, errors)


def _default_pair(one: str, other: str, near: str, far: str) -> list[Record]:
    def row(a: str, b: str, x: str, y: str) -> Record:
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": default_type(a, b)}
        return {"from": {"id": x}, "to": {"id": y}, "associationSpec": spec}

    return [row(one, other, near, far), row(other, one, far, near)]


@routes.on(
    "POST", "/crm/v4/associations/{from}/{to}/batch/archive", label=LINKS, scopes=("crm.objects.contacts.write",)
)
def archive_many(call: HubSpotCall) -> Answer:
    one, other = _types(call)
    gone = 0
    for given in inputs_of(call, MOST["write"]):
        near = _id(given.get("from"))
        for far in _dicts(given.get("to")):
            gone += call.portal.unlink((one, near), (other, _id(far)))
    if not call.dated:
        return Answer(204, records=gone)
    return batch_answer(call, 200, [], [])


@routes.on(
    "POST",
    "/crm/v4/associations/{from}/{to}/batch/labels/archive",
    label=LINKS,
    scopes=("crm.objects.contacts.write",),
)
def archive_labels(call: HubSpotCall) -> Answer:
    """Takes labels away; taking the unlabelled type away takes the whole link."""
    one, other = _types(call)
    gone = 0
    for given in inputs_of(call, MOST["write"]):
        near, far = _id(given.get("from")), _id(given.get("to"))
        numbers = {str(label.get("associationTypeId")) for label in _dicts(given.get("types"))}
        labels = call.portal.links.get((one, near), {}).get(other, {}).get(far)
        if labels is None:
            continue
        gone += 1
        if str(default_type(one, other)) in numbers:
            call.portal.unlink((one, near), (other, far))
        else:
            kept = [label for label in labels if str(label.get("associationTypeId")) not in numbers]
            call.portal.links[one, near][other][far] = kept
    return batch_answer(call, 200, [], []) if call.dated else Answer(204, records=gone)


@routes.on("GET", "/crm/v3/objects/{from}/{id}/associations/{to}", label=LINKS, scopes=("crm.objects.contacts.read",))
def read_one(call: HubSpotCall) -> Answer:
    one, other = _types(call)
    if call.portal.find(one, call.params["id"]) is None:
        raise not_found()
    linked = call.portal.linked((one, call.params["id"]), other)
    size, after = size_of(call, PAGE, PAGE), call.query.get("after")
    ids = [number for number in linked if not after or (len(number), number) > (len(after), after)]
    cut, following = page(ids, 0, size, call.page_fault)
    rows = [{"toObjectId": number, "associationTypes": shown_types(one, other, linked[number])} for number in cut]
    body: Record = {"results": rows}
    if following is not None:
        body["paging"] = {"next": {"after": ids[following - 1] if following else after or "0", "link": ""}}
    return Answer(200, body, records=len(rows))


def _single(call: HubSpotCall) -> tuple[str, str, str, str]:
    one, other = _types(call)
    return one, other, _end(call, one, {"id": call.params["id"]}), _end(call, other, {"id": call.params["other"]})


@routes.on(
    "PUT",
    "/crm/v3/objects/{from}/{id}/associations/default/{to}/{other}",
    label=LINKS,
    scopes=("crm.objects.contacts.write",),
)
def link_default(call: HubSpotCall) -> Answer:
    one, other, near, far = _single(call)
    call.portal.link((one, near), (other, far))
    return batch_answer(call, 200, _default_pair(one, other, near, far), [])


@routes.on(
    "PUT", "/crm/v3/objects/{from}/{id}/associations/{to}/{other}", label=LINKS, scopes=("crm.objects.contacts.write",)
)
def link_labelled(call: HubSpotCall) -> Answer:
    one, other, near, far = _single(call)
    try:
        types = call.json()
    except ValueError as error:
        raise invalid("Invalid input JSON: the body cannot be read") from error
    if not types or types != _dicts(types):
        raise invalid("Invalid input JSON: expected a list of association types")
    call.portal.link((one, near), (other, far), types)
    return Answer(201, _pair(one, other, near, far, types), records=1)


@routes.on(
    "DELETE",
    "/crm/v3/objects/{from}/{id}/associations/{to}/{other}",
    label=LINKS,
    scopes=("crm.objects.contacts.write",),
)
def unlink(call: HubSpotCall) -> Answer:
    one, other = _types(call)
    gone = call.portal.unlink((one, call.params["id"]), (other, call.params["other"]))
    return Answer(204, records=int(gone))
