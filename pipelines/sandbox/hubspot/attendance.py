"""Telling HubSpot who registered, attended, cancelled; and asking it.

- Inputs name a contact by `vid` or by address; `/email-create` makes unknown contacts, with `contactProperties`.
- `attend` without both joinedAt and leftAt is 200 and stores nothing; leftAt not after joinedAt is 200 with errors; the
  same contact and interactionDateTime again is 200 with no result (third-party tests of 2026-09-17, public code).
- The old `/upsert` endpoints give no body, make no contact and keep no join and leave.
https://developers.hubspot.com/docs/api-reference/marketing-marketing-events-v3/guide
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import from_ms, iso_ms, parse
from pipelines.sandbox.hubspot.events import READ, ROOT, WRITE, asked_object, asked_own, event_of
from pipelines.sandbox.hubspot.gate import Denied, HubSpotCall, inputs_of, invalid, not_found, routes, size_of
from pipelines.sandbox.hubspot.participants import (
    STATES,
    deciding,
    percentage_of,
    seconds_of,
    settle,
    state_of,
    tally,
)
from pipelines.sandbox.hubspot.portal import fold
from pipelines.sandbox.hubspot.records import create, resolve
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]
VERBS = {
    "register": "REGISTERED",
    "attend": "ATTENDED",
    "cancel": "CANCELLED",
    "registered": "REGISTERED",
    "attended": "ATTENDED",
    "cancelled": "CANCELLED",
}


@routes.on(
    "POST",
    f"{ROOT}/attendance/{{external}}/{{state}}/create",
    f"{ROOT}/{{object}}/attendance/{{state}}/create",
    scopes=WRITE,
)
def attend_by_id(call: HubSpotCall) -> Answer:
    return _told(call, by_email=False)


@routes.on(
    "POST",
    f"{ROOT}/attendance/{{external}}/{{state}}/email-create",
    f"{ROOT}/{{object}}/attendance/{{state}}/email-create",
    scopes=WRITE,
)
def attend_by_email(call: HubSpotCall) -> Answer:
    return _told(call, by_email=True)


def _event(call: HubSpotCall) -> Record:
    return asked_object(call) if "object" in call.params else asked_own(call)


def _state(call: HubSpotCall) -> str:
    state = VERBS.get(call.params["state"].lower())
    if state is None:
        raise invalid(f"Unknown subscriber state {call.params['state']!r}: register, attend or cancel")
    return state


def _told(call: HubSpotCall, *, by_email: bool) -> Answer:
    event, state = _event(call), _state(call)
    results, errors = [], []
    for given in inputs_of(call, 500):
        try:
            contact = _contact(call, given, by_email=by_email)
            if _stored(call, event, state, contact, given, by_email=by_email):
                results.append(_result(contact, given, by_email=by_email))
        except Denied as denied:
            errors.append(denied.item())
    moment = iso_ms(call.now)
    body: Record = {"status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return Answer(200, body, records=len(results))


def _result(contact: Record, given: Record, *, by_email: bool) -> Record:
    row: Record = {"vid": int(contact["id"])}
    return {**row, "email": given["email"]} if by_email else row


def _contact(call: HubSpotCall, given: Record, *, by_email: bool) -> Record:
    if not by_email:
        name = str(given.get("vid") or given.get("contactId") or "")
        found = resolve(call, "contacts", name)
        if found is None:
            raise Denied(404, "OBJECT_NOT_FOUND", f"Contact {name} does not exist", context={"vid": [name]})
        return found
    email = str(given.get("email") or "")
    found = resolve(call, "contacts", email, "email")
    if found is not None:
        return found
    return create(call, "contacts", {**(given.get("contactProperties") or {}), "email": email})


def _stored(
    call: HubSpotCall, event: Record, state: str, contact: Record, given: Record, *, by_email: bool
) -> Record | None:
    """The interaction that was kept, or None where there was nothing to keep."""
    try:
        moment = int(given["interactionDateTime"])
        from_ms(moment)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise invalid("interactionDateTime is required, in milliseconds", "REQUIRED_FIELD") from error
    times = {name: (given.get("properties") or {}).get(name) for name in ("joinedAt", "leftAt")}
    interaction: Record = {"state": state, "interactionDateTime": moment}
    if state == "ATTENDED":
        if not all(times.values()) and not call.switch("attend_without_times_is_stored"):
            return None
        interaction |= _times(times, given, by_email=by_email)
    participant = next((row for row in event["participants"] if row["contactId"] == contact["id"]), None)
    if participant is None:
        participant = {
            "contactId": contact["id"],
            "email": contact["properties"].get("email") or "",
            "createdAt": iso_ms(call.now),
            "interactions": [],
        }
        event["participants"].append(participant)
    known = {(one["state"], one["interactionDateTime"]) for one in participant["interactions"]}
    if (state, moment) in known:
        return None
    participant["interactions"].append(interaction)
    settle(event, participant)
    return interaction


def _times(times: Record, given: Record, *, by_email: bool) -> Record:
    try:
        found = {name: parse(value) for name, value in times.items() if value}
    except (ValueError, OverflowError) as error:
        raise invalid("joinedAt and leftAt must be instants") from error
    if len(found) == 2 and found["leftAt"] <= found["joinedAt"]:
        kind, who = ("EMAIL", "email") if by_email else ("VID", "vid")
        raise Denied(
            400,
            "VALIDATION_ERROR",
            "joinedAt is later than leftAt",
            context={who: [str(given.get(who))]},
            sub_category=f"AttendanceValidationError.JOINED_AT_IS_LATER_THAN_LEFT_AT_FOR_{kind}",
        )
    return {name: iso_ms(moment) for name, moment in found.items()}


@routes.on("POST", f"{ROOT}/events/{{external}}/{{state}}/upsert", scopes=WRITE)
def old_by_id(call: HubSpotCall) -> Answer:
    return _old(call, by_email=False)


@routes.on("POST", f"{ROOT}/events/{{external}}/{{state}}/email-upsert", scopes=WRITE)
def old_by_email(call: HubSpotCall) -> Answer:
    return _old(call, by_email=True)


def _old(call: HubSpotCall, *, by_email: bool) -> Answer:
    event, state = asked_own(call), _state(call)
    done = 0
    for given in inputs_of(call, 500):
        if by_email:
            contact = resolve(call, "contacts", str(given.get("email") or ""), "email")
        else:
            contact = resolve(call, "contacts", str(given.get("vid") or ""))
        if contact is None or not str(given.get("interactionDateTime", "")).isdecimal():
            continue
        name = contact["id"]
        row = next((p for p in event["participants"] if p["contactId"] == name), None)
        if row is None:
            row = {"contactId": name, "email": contact["properties"].get("email") or "", "interactions": []}
            row["createdAt"] = iso_ms(call.now)
            event["participants"].append(row)
        row["interactions"].append({"state": state, "interactionDateTime": int(given["interactionDateTime"])})
        settle(event, row)
        done += 1
    return Answer(204 if not call.dated else 200, records=done)


@routes.on("GET", f"{ROOT}/participations/{{object}}", f"{ROOT}/participations/{{account}}/{{external}}", scopes=READ)
def counters(call: HubSpotCall) -> Answer:
    return Answer(200, tally(event_of(call)), records=1)


@routes.on(
    "GET",
    f"{ROOT}/participations/{{object}}/breakdown",
    f"{ROOT}/participations/{{account}}/{{external}}/breakdown",
    scopes=READ,
)
def breakdown(call: HubSpotCall) -> Answer:
    event = event_of(call)
    wanted = call.query.get("contactIdentifier")
    rows = [(event, row) for row in event["participants"] if not wanted or _is(call, row, wanted)]
    return _rows(call, rows)


@routes.on("GET", f"{ROOT}/participations/contacts/{{contact}}/breakdown", scopes=READ)
def breakdown_of_contact(call: HubSpotCall) -> Answer:
    name = call.params["contact"]
    found = resolve(call, "contacts", name, "email" if "@" in name else "")
    if found is None:
        raise not_found(f"Contact {name} does not exist")
    rows = [
        (event, row)
        for event in call.portal.events.values()
        for row in event["participants"]
        if row["contactId"] == found["id"]
    ]
    return _rows(call, rows)


def _is(call: HubSpotCall, row: Record, wanted: str) -> bool:
    if "@" not in wanted:
        return bool(row["contactId"] == wanted)
    return bool(row["contactId"] == call.portal.by_email.get(fold(wanted), "-") or fold(row["email"]) == fold(wanted))


def _rows(call: HubSpotCall, rows: list[tuple[Record, Record]]) -> Answer:
    state = call.query.get("state")
    if state and state not in STATES:
        raise invalid(f"state {state!r} is none of {', '.join(STATES)}")
    found = [_row(call, event, row) for event, row in rows]
    found = [row for row in found if not state or row["properties"]["attendanceState"] == state]
    after = call.query.get("after")
    start = int(after) if after.isdecimal() else 0
    cut, following = page(found, start, size_of(call, 10, 100), call.page_fault)
    body: Record = {"total": len(found), "results": cut}
    if following is not None:
        body["paging"] = {"next": {"after": str(following), "link": ""}}
    return Answer(200, body, records=len(cut))


def _row(call: HubSpotCall, event: Record, row: Record) -> Record:
    last, seconds = deciding(row), seconds_of(row)
    contact = call.portal.objects["contacts"].get(row["contactId"], {"properties": {}})
    properties: Record = {
        "attendanceState": state_of(event, row),
        "occurredAt": last["interactionDateTime"] if last else 0,
    }
    if seconds is not None:
        properties["attendanceDurationSeconds"] = seconds
        properties["attendancePercentage"] = percentage_of(event, seconds)
    return {
        "id": f"{event['objectId']}-{row['contactId']}",
        "createdAt": row.get("createdAt", event["createdAt"]),
        "associations": {
            "contact": {
                "contactId": row["contactId"],
                "email": contact["properties"].get("email") or row["email"],
                "firstname": contact["properties"].get("firstname"),
                "lastname": contact["properties"].get("lastname"),
            },
            "marketingEvent": {
                "marketingEventId": event["objectId"],
                "externalEventId": event["externalEventId"],
                "externalAccountId": event["externalAccountId"],
                "name": event["eventName"],
            },
        },
        "properties": properties,
    }
