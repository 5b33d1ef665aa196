"""Marketing events: made, changed, completed, cancelled, found.

https://developers.hubspot.com/docs/api-reference/marketing-marketing-events-v3/guide . By external ids an app reaches
its own events only (those of others are 404), by object id all of them. What is new is found by `identifiers` and
`search` a few minutes later. Custom properties that the portal's events do not have are silently dropped.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pipelines.sandbox.clock import iso_ms, parse
from pipelines.sandbox.hubspot.associations import batch_answer
from pipelines.sandbox.hubspot.gate import Denied, HubSpotCall, body_of, inputs_of, invalid, not_found, routes, size_of
from pipelines.sandbox.hubspot.participants import tally
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]
ROOT = "/marketing/v3/marketing-events"
READ, WRITE = ("crm.objects.marketing_events.read",), ("crm.objects.marketing_events.write",)
REQUIRED = ("eventName", "eventOrganizer", "externalEventId", "externalAccountId")
TIMES = ("startDateTime", "endDateTime")
WRITABLE = (
    "eventName",
    "eventOrganizer",
    "eventType",
    "eventDescription",
    "eventUrl",
    "eventCancelled",
    "eventCompleted",
    *TIMES,
)
SHOWN = ("objectId", "createdAt", "updatedAt", *WRITABLE)


def owned(call: HubSpotCall, event: Record) -> bool:
    """Did this app make it? An event of a world without an `app` is this app's."""
    app = event.get("app")
    app = app.get("id") if isinstance(app, dict) else app
    return app is None or str(app) in (call.portal.app_id, str(call.portal.record["access_token"]))


def own_event(call: HubSpotCall, name: str, account: str) -> Record:
    """The app's own event by external ids."""
    for event in call.portal.events.values():
        if event["externalEventId"] == name and event["externalAccountId"] == account and owned(call, event):
            return event
    raise not_found(f"Marketing event not found: externalEventId {name}, externalAccountId {account}")


def asked_own(call: HubSpotCall) -> Record:
    account = call.query.get("externalAccountId")
    if not account:
        raise invalid("externalAccountId is required")
    return own_event(call, call.params["external"], account)


def asked_object(call: HubSpotCall) -> Record:
    event = call.portal.events.get(call.params["object"])
    if event is None:
        raise not_found(f"Marketing event not found: {call.params['object']}")
    return event


def shown(event: Record, *, counted: bool = False) -> Record:
    body = {name: event[name] for name in SHOWN if event.get(name) is not None}
    body |= {"id": event["objectId"], "customProperties": event.get("customProperties") or []}
    if counted:
        count = tally(event)
        body |= {"externalEventId": event["externalEventId"], "externalAccountId": event["externalAccountId"]}
        body |= {"registrants": count["registered"], "attendees": count["attended"]}
        body |= {"cancellations": count["cancelled"], "noShows": count["noShows"]}
        body["eventStatus"] = (
            "CANCELLED" if event["eventCancelled"] else "PAST" if event["eventCompleted"] else "UPCOMING"
        )
    return body


def _values(given: Record) -> Record:
    found: Record = {name: given[name] for name in WRITABLE if name in given}
    for name in TIMES:
        if found.get(name):
            try:
                found[name] = iso_ms(parse(found[name]))
            except (ValueError, OverflowError) as error:
                raise invalid(f"{name}: {found[name]!r} is no instant", propertyName=[name]) from error
    if found.get("startDateTime") and found.get("endDateTime") and found["endDateTime"] < found["startDateTime"]:
        raise invalid("endDateTime is before startDateTime", propertyName=["endDateTime"])
    return found


def make(call: HubSpotCall, given: Record) -> Record:
    """A new event of this app. Twice the same external ids: refused, naming the one that is there."""
    missing = [name for name in REQUIRED if not given.get(name)]
    if missing:
        raise invalid(f"Invalid input JSON: missing {', '.join(missing)}", "REQUIRED_FIELD", propertyName=missing)
    name, account = str(given["externalEventId"]), str(given["externalAccountId"])
    for event in call.portal.events.values():
        if event["externalEventId"] == name and event["externalAccountId"] == account and owned(call, event):
            raise Denied(
                409,
                "CONFLICT",
                f"A marketing event with externalEventId {name} already exists",
                extra={
                    "errorType": "UNIQUE_VALUE_CONFLICT",
                    "errorTokens": {"existingObjectId": [event["objectId"]]},
                },
            )
    moment = iso_ms(call.now)
    event = {
        "objectId": call.portal.fresh_id(),
        "externalEventId": name,
        "externalAccountId": account,
        "app": call.portal.app_id,
        "createdAt": moment,
        "updatedAt": moment,
        "eventCancelled": False,
        "eventCompleted": False,
        "participants": [],
        **_values(given),
    }
    call.portal.events[event["objectId"]] = event
    return event


def change(call: HubSpotCall, event: Record, given: Record) -> Record:
    event |= {**_values({**{n: event.get(n) for n in TIMES}, **given}), "updatedAt": iso_ms(call.now)}
    return event


@routes.on("POST", f"{ROOT}/events", scopes=WRITE)
def create_event(call: HubSpotCall) -> Answer:
    return Answer(200, shown(make(call, body_of(call))), records=1)


def upserted(call: HubSpotCall, given: Record) -> Record:
    name, account = str(given.get("externalEventId") or ""), str(given.get("externalAccountId") or "")
    for event in call.portal.events.values():
        if event["externalEventId"] == name and event["externalAccountId"] == account and owned(call, event):
            return change(call, event, given)
    return make(call, given)


@routes.on("PUT", f"{ROOT}/events/{{external}}", scopes=WRITE)
def upsert_event(call: HubSpotCall) -> Answer:
    return Answer(200, shown(upserted(call, {**body_of(call), "externalEventId": call.params["external"]})), records=1)


@routes.on("POST", f"{ROOT}/events/upsert", scopes=WRITE)
def upsert_events(call: HubSpotCall) -> Answer:
    results, errors = [], []
    for given in inputs_of(call):
        try:
            results.append(shown(upserted(call, given)))
        except Denied as denied:
            errors.append(denied.item())
    answer = batch_answer(call, 200, results, errors)
    answer.status = 200  # no 207 is declared for it
    return answer


@routes.on("GET", f"{ROOT}/events/{{external}}", scopes=READ)
def read_own(call: HubSpotCall) -> Answer:
    return Answer(200, shown(asked_own(call), counted=True), records=1)


@routes.on("PATCH", f"{ROOT}/events/{{external}}", scopes=WRITE)
def change_own(call: HubSpotCall) -> Answer:
    return Answer(200, shown(change(call, asked_own(call), body_of(call))), records=1)


@routes.on("DELETE", f"{ROOT}/events/{{external}}", scopes=WRITE)
def delete_own(call: HubSpotCall) -> Answer:
    try:
        event = asked_own(call)
    except Denied as denied:
        if denied.status == 404:
            return Answer(204)
        raise
    del call.portal.events[event["objectId"]]
    return Answer(204, records=1)


@routes.on("POST", f"{ROOT}/events/delete", scopes=WRITE)
def delete_many(call: HubSpotCall) -> Answer:
    gone = 0
    for given in inputs_of(call):
        name, account = str(given.get("externalEventId")), str(given.get("externalAccountId"))
        for event in list(call.portal.events.values()):
            if event["externalEventId"] == name and event["externalAccountId"] == account and owned(call, event):
                del call.portal.events[event["objectId"]]
                gone += 1
    return Answer(204, records=gone)


@routes.on("POST", f"{ROOT}/events/{{external}}/complete", scopes=WRITE)
def complete(call: HubSpotCall) -> Answer:
    """Over: from now on who registered and did not attend is a no-show."""
    event, given = asked_own(call), body_of(call)
    if not given.get("startDateTime") or not given.get("endDateTime"):
        raise invalid("startDateTime and endDateTime are required", "REQUIRED_FIELD")
    change(call, event, {**{name: given[name] for name in TIMES}, "eventCompleted": True})
    return Answer(200, shown(event), records=1)


@routes.on("POST", f"{ROOT}/events/{{external}}/cancel", scopes=WRITE)
def cancel(call: HubSpotCall) -> Answer:
    return Answer(200, shown(change(call, asked_own(call), {"eventCancelled": True})), records=1)


def _visible(call: HubSpotCall, event: Record) -> bool:
    lag = timedelta(seconds=float(call.switch("marketing_events_identifiers_lag")))
    return owned(call, event) is False or parse(event["createdAt"]) + lag <= call.now or event.get("app") is None


@routes.on("GET", f"{ROOT}/{{external}}/identifiers", scopes=READ)
def identifiers(call: HubSpotCall) -> Answer:
    """Events of every app with that external id."""
    rows = [
        {
            "objectId": event["objectId"],
            "externalEventId": event["externalEventId"],
            "externalAccountId": event["externalAccountId"],
            "marketingEventName": event["eventName"],
            "appInfo": _app(call, event),
        }
        for event in call.portal.events.values()
        if event["externalEventId"] == call.params["external"] and _visible(call, event)
    ]
    return Answer(200, {"total": len(rows), "results": rows}, records=len(rows))


def _app(call: HubSpotCall, event: Record) -> Record:
    app = event.get("app")
    if isinstance(app, dict):
        return app
    return {"id": str(app or call.portal.app_id), "name": str(app or "this app")}


@routes.on("GET", f"{ROOT}/events/search", scopes=READ)
def search_events(call: HubSpotCall) -> Answer:
    """The app's own events whose external id begins with the words."""
    words = call.query.get("q")
    rows = [
        {
            "objectId": event["objectId"],
            "externalEventId": event["externalEventId"],
            "externalAccountId": event["externalAccountId"],
            "appId": int(call.portal.app_id),
        }
        for event in call.portal.events.values()
        if event["externalEventId"].startswith(words) and owned(call, event) and _visible(call, event)
    ]
    return Answer(200, {"results": rows}, records=len(rows))


@routes.on("GET", ROOT, "/marketing/marketing-events/v3", scopes=READ)
def list_events(call: HubSpotCall) -> Answer:
    events = sorted(call.portal.events.values(), key=lambda event: (len(event["objectId"]), event["objectId"]))
    after = call.query.get("after")
    events = [e for e in events if not after or (len(e["objectId"]), e["objectId"]) > (len(after), after)]
    cut, following = page(events, 0, size_of(call, 10, 100), call.page_fault)
    rows = [{**shown(event, counted=True), "appInfo": _app(call, event)} for event in cut]
    body: Record = {"results": rows}
    if following is not None:
        body["paging"] = {
            "next": {"after": events[following - 1]["objectId"] if following else after or "0", "link": ""}
        }
    return Answer(200, body, records=len(rows))


@routes.on("GET", f"{ROOT}/{{object}}", scopes=READ)
def read_object(call: HubSpotCall) -> Answer:
    event = asked_object(call)
    return Answer(200, {**shown(event, counted=True), "appInfo": _app(call, event)}, records=1)


@routes.on("PATCH", f"{ROOT}/{{object}}", scopes=WRITE)
def change_object(call: HubSpotCall) -> Answer:
    return Answer(200, shown(change(call, asked_object(call), body_of(call))), records=1)


@routes.on("DELETE", f"{ROOT}/{{object}}", scopes=WRITE)
def delete_object(call: HubSpotCall) -> Answer:
    gone = call.portal.events.pop(call.params["object"], None)
    return Answer(204, records=int(gone is not None))


@routes.on("POST", f"{ROOT}/batch/update", scopes=WRITE)
def change_many(call: HubSpotCall) -> Answer:
    results, errors = [], []
    for given in inputs_of(call):
        event = call.portal.events.get(str(given.get("objectId")))
        if event is None:
            errors.append(not_found(f"Marketing event not found: {given.get('objectId')}").item())
        else:
            results.append(shown(change(call, event, given)))
    return batch_answer(call, 200, results, errors)


@routes.on("POST", f"{ROOT}/batch/archive", scopes=WRITE)
def archive_many(call: HubSpotCall) -> Answer:
    found = [call.portal.events.pop(str(given.get("objectId")), None) for given in inputs_of(call)]
    return Answer(204, records=sum(event is not None for event in found))


def event_of(call: HubSpotCall) -> Record:
    """The event of a path that has either an object id or the pair of external ones."""
    if "object" in call.params:
        return asked_object(call)
    return own_event(call, call.params["external"], call.params["account"])


LISTS = (f"{ROOT}/associations/{{object}}/lists", f"{ROOT}/associations/{{account}}/{{external}}/lists")


@routes.on("GET", *LISTS, scopes=READ)
def list_associations(call: HubSpotCall) -> Answer:
    ids = event_of(call).get("lists") or []
    rows = [call.portal.lists[name] for name in ids if name in call.portal.lists]
    return Answer(200, {"total": len(rows), "results": rows}, records=len(rows))


@routes.on("PUT DELETE", *(f"{path}/{{list}}" for path in LISTS), scopes=WRITE)
def change_association(call: HubSpotCall) -> Answer:
    event, name = event_of(call), call.params["list"]
    if name not in call.portal.lists:
        raise not_found(f"List does not exist with ID {name}.")
    kept = [one for one in event.get("lists") or () if one != name]
    event["lists"] = [*kept, name] if call.method == "PUT" else kept
    return Answer(204, records=1)
