"""Marketing events and who takes part in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.desk import Desk, contact, hubspot_world

Serve = Callable[..., Desk]
ROOT = "/marketing/v3/marketing-events"
EVENT = {"eventName": "W", "eventOrganizer": "O", "externalEventId": "77", "externalAccountId": "acc"}
START, END = "2026-11-10T10:00:00.000Z", "2026-11-10T11:00:00.000Z"
AT = 1_794_300_000_000


def made(serve: Serve, *contacts: dict[str, Any]) -> Desk:
    desk = serve(hubspot_world(*contacts))
    given = {**EVENT, "startDateTime": START, "endDateTime": END}
    assert desk.hubspot("POST", f"{ROOT}/events", json=given).status_code == 200
    return desk


def tell(desk: Desk, state: str, *inputs: dict[str, Any], by: str = "email-create", root: str = ROOT) -> Any:
    path = f"{root}/attendance/77/{state}/{by}?externalAccountId=acc"
    return desk.hubspot("POST", path, json={"inputs": list(inputs)})


def one(email: str = "a@x.example", at: int = AT, joined: str = START, left: str = END) -> dict[str, Any]:
    times = {"joinedAt": joined, "leftAt": left}
    return {"email": email, "interactionDateTime": at, "properties": {k: v for k, v in times.items() if v}}


def states(desk: Desk, query: str = "") -> dict[str, str]:
    rows = desk.hubspot("GET", f"{ROOT}/participations/acc/77/breakdown?limit=100&{query}").json()["results"]
    return {row["associations"]["contact"]["email"]: row["properties"]["attendanceState"] for row in rows}


def counts(desk: Desk) -> dict[str, int]:
    found = desk.hubspot("GET", f"{ROOT}/participations/acc/77").json()
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("root", [ROOT, "/marketing/marketing-events/2026-09", "/marketing/marketing-events/v3"])
def test_an_event_is_made_once(serve: Serve, root: str) -> None:
    desk = serve(hubspot_world())
    number = desk.hubspot("POST", f"{root}/events", json=EVENT).json()["objectId"]
    again = desk.hubspot("POST", f"{root}/events", json=EVENT)
    assert again.status_code == 409
    assert again.json()["errorType"] == "UNIQUE_VALUE_CONFLICT"
    assert again.json()["errorTokens"] == {"existingObjectId": [number]}
    assert desk.hubspot("GET", f"{root}/events/77?externalAccountId=acc").json()["objectId"] == number
    assert desk.hubspot("GET", f"{root}/{number}").json()["eventName"] == "W"
    assert desk.hubspot("GET", f"{root}/events/77?externalAccountId=other").status_code == 404
    assert desk.hubspot("GET", f"{root}/events/77").status_code == 400
    assert [row["objectId"] for row in desk.hubspot("GET", root).json()["results"]] == [number]


def test_four_fields_are_required_and_unknown_properties_are_dropped(serve: Serve) -> None:
    desk = serve(hubspot_world())
    for name in EVENT:
        given = {key: value for key, value in EVENT.items() if key != name}
        assert desk.hubspot("POST", f"{ROOT}/events", json=given).status_code == 400
    odd = {**EVENT, "customProperties": [{"name": "nonsense", "value": "1"}], "eventUrl": "https://x.example"}
    body = desk.hubspot("POST", f"{ROOT}/events", json=odd).json()
    assert (body["customProperties"], body["eventUrl"]) == ([], "https://x.example")
    backwards = {**EVENT, "externalEventId": "78", "startDateTime": END, "endDateTime": START}
    assert desk.hubspot("POST", f"{ROOT}/events", json=backwards).status_code == 400


def test_an_upsert_makes_or_changes(serve: Serve) -> None:
    desk = serve(hubspot_world())
    first = desk.hubspot("PUT", f"{ROOT}/events/77", json=EVENT).json()
    second = desk.hubspot("POST", f"{ROOT}/events/upsert", json={"inputs": [{**EVENT, "eventName": "X"}]}).json()
    assert (second["results"][0]["objectId"], second["results"][0]["eventName"]) == (first["objectId"], "X")
    changed = desk.hubspot("PATCH", f"{ROOT}/events/77?externalAccountId=acc", json={"eventName": "Y"}).json()
    assert changed["eventName"] == "Y"
    cancelled = desk.hubspot("POST", f"{ROOT}/events/77/cancel?externalAccountId=acc").json()
    assert cancelled["eventCancelled"] is True
    assert desk.hubspot("DELETE", f"{ROOT}/events/77?externalAccountId=acc").status_code == 204
    assert desk.hubspot("GET", ROOT).json()["results"] == []


def test_an_app_reaches_the_events_of_others_by_object_id_alone(serve: Serve) -> None:
    desk = serve(hubspot_world(marketing_events=[{**EVENT, "objectId": 9, "app": "zoom"}]))
    assert desk.hubspot("GET", f"{ROOT}/events/77?externalAccountId=acc").status_code == 404
    assert tell(desk, "register", one()).status_code == 404
    assert desk.hubspot("GET", f"{ROOT}/participations/acc/77").status_code == 404
    assert desk.hubspot("GET", f"{ROOT}/9").json()["eventName"] == "W"
    body = {"inputs": [one()]}
    by_object = desk.hubspot("POST", f"{ROOT}/9/attendance/register/email-create", json=body)
    assert len(by_object.json()["results"]) == 1
    assert desk.hubspot("GET", f"{ROOT}/participations/9").json()["registered"] == 1
    found = desk.hubspot("GET", f"{ROOT}/77/identifiers").json()["results"]
    assert (found[0]["objectId"], found[0]["appInfo"]["id"]) == ("9", "zoom")
    assert desk.hubspot("GET", f"{ROOT}/events/search?q=77").json()["results"] == []
    assert desk.hubspot("POST", f"{ROOT}/events", json=EVENT).status_code == 200


def test_a_new_event_is_found_by_its_external_id_a_few_minutes_later(serve: Serve) -> None:
    desk = made(serve)
    assert desk.hubspot("GET", f"{ROOT}/77/identifiers").json()["total"] == 0
    assert desk.hubspot("GET", f"{ROOT}/events/search?q=77").json()["results"] == []
    desk.sandbox.set_clock("2026-11-20T12:03:00Z")
    assert desk.hubspot("GET", f"{ROOT}/77/identifiers").json()["total"] == 1
    assert desk.hubspot("GET", f"{ROOT}/events/search?q=77").json()["results"][0]["externalAccountId"] == "acc"


@pytest.mark.parametrize("state", ["register", "REGISTERED"])
def test_an_unknown_address_becomes_a_contact_with_the_properties_given(serve: Serve, state: str) -> None:
    desk = made(serve, contact(1, "a@x.example", firstname="Old"))
    named = {"contactProperties": {"firstname": "New"}}
    body = tell(desk, state, {**one(), **named}, {**one("N@x.example"), **named}).json()
    assert [row["email"] for row in body["results"]] == ["a@x.example", "N@x.example"]
    people = {row["id"]: row["properties"] for row in desk.hubspot("GET", "/crm/v3/objects/contacts").json()["results"]}
    assert people["1"]["firstname"] == "Old"
    assert [p["firstname"] for p in people.values() if p["email"] == "n@x.example"] == ["New"]
    assert states(desk) == {"a@x.example": "REGISTERED", "n@x.example": "REGISTERED"}


def test_a_contact_can_be_named_by_its_id(serve: Serve) -> None:
    desk = made(serve, contact(5, "a@x.example"))
    good = tell(
        desk, "register", {"vid": 5, "interactionDateTime": AT}, {"vid": 6, "interactionDateTime": AT}, by="create"
    )
    assert good.json()["results"] == [{"vid": 5}]
    assert good.json()["numErrors"] == 1
    assert tell(desk, "vanish", one()).status_code == 400


def test_an_attendance_without_both_times_is_200_and_stores_nothing(serve: Serve) -> None:
    desk = made(serve, contact(1, "a@x.example"))
    for given in (one(joined=""), one(left=""), one(joined="", left="")):
        answer = tell(desk, "attend", given)
        assert (answer.status_code, answer.json()["results"]) == (200, [])
        assert "errors" not in answer.json()
    assert states(desk) == {}
    desk.faults(hubspot__attend_without_times_is_stored=True)
    tell(desk, "attend", one(joined="", left=""))
    assert states(desk) == {"a@x.example": "ATTENDED"}


@pytest.mark.parametrize("left", [START, "2026-11-10T09:59:00Z"])
def test_leaving_must_come_after_joining(serve: Serve, left: str) -> None:
    desk = made(serve, contact(1, "a@x.example"))
    answer = tell(desk, "attend", one(left=left), one("b@x.example"))
    body = answer.json()
    assert (answer.status_code, len(body["results"]), body["numErrors"]) == (200, 1, 1)
    assert body["errors"][0]["subCategory"] == "AttendanceValidationError.JOINED_AT_IS_LATER_THAN_LEFT_AT_FOR_EMAIL"
    assert states(desk) == {"b@x.example": "ATTENDED"}


def test_the_same_interaction_again_changes_nothing(serve: Serve) -> None:
    desk = made(serve, contact(1, "a@x.example"))
    assert len(tell(desk, "attend", one()).json()["results"]) == 1
    before = desk.sandbox.world()
    again = tell(desk, "attend", one(left="2026-11-10T10:30:00Z"))
    assert (again.status_code, again.json()["results"]) == (200, [])
    assert desk.sandbox.world() == before


def test_the_latest_interaction_decides_and_attendance_beats_registration(serve: Serve) -> None:
    desk = made(serve)
    for email, told in {
        "attended@x.example": (("attend", 2), ("register", 3)),
        "cancelled@x.example": (("cancel", 2), ("register", 1)),
        "again@x.example": (("cancel", 1), ("register", 2)),
        "left@x.example": (("attend", 1), ("cancel", 2)),
    }.items():
        for state, moment in told:
            tell(desk, state, one(email, at=AT + moment))
    assert states(desk) == {
        "attended@x.example": "ATTENDED",
        "cancelled@x.example": "CANCELLED",
        "again@x.example": "REGISTERED",
        "left@x.example": "CANCELLED",
    }
    assert counts(desk) == {"registered": 1, "attended": 1, "cancelled": 2, "noShows": 0}


def test_nobody_is_a_no_show_until_the_event_is_completed(serve: Serve) -> None:
    desk = made(serve)
    tell(desk, "register", one("r@x.example"), one("a@x.example"))
    tell(desk, "attend", one("a@x.example"))
    assert counts(desk)["noShows"] == 0
    assert desk.hubspot("POST", f"{ROOT}/events/77/complete?externalAccountId=acc", json={}).status_code == 400
    times = {"startDateTime": START, "endDateTime": END}
    done = desk.hubspot("POST", f"{ROOT}/events/77/complete?externalAccountId=acc", json=times)
    assert done.json()["eventCompleted"] is True
    assert states(desk) == {"r@x.example": "NO_SHOW", "a@x.example": "ATTENDED"}
    assert counts(desk) == {"registered": 0, "attended": 1, "cancelled": 0, "noShows": 1}
    assert states(desk, "state=NO_SHOW") == {"r@x.example": "NO_SHOW"}
    assert states(desk, "contactIdentifier=A@x.example") == {"a@x.example": "ATTENDED"}


def test_a_breakdown_tells_how_long_somebody_stayed(serve: Serve) -> None:
    desk = made(serve)
    tell(desk, "attend", one(left="2026-11-10T10:30:00Z"))
    for path in (f"{ROOT}/participations/acc/77/breakdown", f"{ROOT}/participations/contacts/a@x.example/breakdown"):
        row = desk.hubspot("GET", path).json()["results"][0]
        properties = row["properties"]
        assert (properties["attendanceDurationSeconds"], properties["attendancePercentage"]) == (1800, "0.50")
        assert properties["occurredAt"] == AT
        assert row["associations"]["marketingEvent"]["externalEventId"] == "77"
    assert desk.hubspot("GET", f"{ROOT}/participations/acc/77/breakdown?limit=101").status_code == 400


def test_a_secondary_address_tells_of_its_owner_and_an_archived_one_makes_a_contact(serve: Serve) -> None:
    gone = {**contact(2, "gone@x.example"), "archived": True}
    desk = made(serve, contact(1, "a@x.example", hs_additional_emails="b@x.example"), gone)
    rows = tell(desk, "register", one("b@x.example"), one("gone@x.example")).json()["results"]
    assert rows[0]["vid"] == 1
    assert rows[1]["vid"] != 2


def test_the_old_endpoints_make_no_contact_and_say_nothing(serve: Serve) -> None:
    desk = made(serve, contact(1, "a@x.example"))
    path = f"{ROOT}/events/77/attend/email-upsert?externalAccountId=acc"
    answer = desk.hubspot("POST", path, json={"inputs": [one(), one("n@x.example")]})
    assert answer.content == b""
    assert states(desk) == {"a@x.example": "ATTENDED"}


def test_participants_of_a_world_have_the_state_that_their_interactions_give(serve: Serve) -> None:
    people = [
        {"contactId": 1, "email": "a@x.example", "attendanceState": "ATTENDED"},
        {"contactId": 2, "interactions": [{"state": "register", "interactionDateTime": AT}]},
    ]
    event = {**EVENT, "objectId": 9, "eventCompleted": True, "participants": people}
    desk = serve(hubspot_world(contact(1, "a@x.example"), contact(2, "b@x.example"), marketing_events=[event]))
    assert states(desk) == {"a@x.example": "ATTENDED", "b@x.example": "NO_SHOW"}


def test_lists_are_tied_to_events(serve: Serve) -> None:
    desk = serve(hubspot_world(marketing_events=[{**EVENT, "objectId": 9}], lists=[{"listId": 3, "name": "L"}]))
    assert desk.hubspot("PUT", f"{ROOT}/associations/acc/77/lists/3").status_code == 204
    assert desk.hubspot("GET", f"{ROOT}/associations/9/lists").json()["results"][0]["listId"] == "3"
    desk.hubspot("DELETE", f"{ROOT}/associations/9/lists/3")
    assert desk.hubspot("GET", f"{ROOT}/associations/acc/77/lists").json()["total"] == 0
