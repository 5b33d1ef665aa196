"""Properties, groups, owners, users, the account, and lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.desk import Desk, contact, hubspot_world

Serve = Callable[..., Desk]
PROPERTIES = "/crm/v3/properties/contacts"
SCORE = {"name": "score", "label": "Score", "groupName": "ours", "type": "number", "fieldType": "number"}
GROUP = {"name": "ours", "label": "Ours"}


def grouped(serve: Serve) -> Desk:
    desk = serve(hubspot_world(contact(1)))
    assert desk.hubspot("POST", f"{PROPERTIES}/groups", json=GROUP).status_code == 201
    return desk


def test_a_property_needs_its_group_first(serve: Serve) -> None:
    desk = serve(hubspot_world())
    assert desk.hubspot("POST", PROPERTIES, json=SCORE).status_code == 400
    desk.hubspot("POST", f"{PROPERTIES}/groups", json=GROUP)
    made = desk.hubspot("POST", PROPERTIES, json=SCORE)
    assert (made.status_code, made.json()["hubspotDefined"]) == (201, False)
    assert desk.hubspot("POST", PROPERTIES, json=SCORE).status_code == 409
    assert desk.hubspot("POST", f"{PROPERTIES}/groups", json=GROUP).status_code == 409
    assert desk.hubspot("GET", "/crm/properties/2026-09/contacts/score").json()["type"] == "number"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Score"},
        {"type": "text"},
        {"fieldType": "select"},
        {"label": ""},
        {"type": "enumeration", "fieldType": "select"},
        {"type": "enumeration", "fieldType": "select", "options": [{"label": "A", "value": "a"}]},
        {"unheard": True},
    ],
)
def test_a_definition_that_does_not_hold_together_is_refused(serve: Serve, change: dict[str, Any]) -> None:
    assert grouped(serve).hubspot("POST", PROPERTIES, json={**SCORE, **change}).status_code == 400


def test_ten_unique_properties_and_no_more(serve: Serve) -> None:
    desk = grouped(serve)
    given = {**SCORE, "type": "string", "fieldType": "text", "hasUniqueValue": True}
    inputs = [{**given, "name": f"key{at}"} for at in range(11)]
    body = desk.hubspot("POST", f"{PROPERTIES}/batch/create", json={"inputs": inputs}).json()
    assert (len(body["results"]), body["numErrors"]) == (10, 1)
    assert desk.hubspot("PATCH", f"{PROPERTIES}/key1", json={"hasUniqueValue": False}).status_code == 400
    upsert = {"inputs": [{"id": "k", "idProperty": "key1", "properties": {}}]}
    path = "/crm/v3/objects/contacts/batch/upsert"
    first, second = (desk.hubspot("POST", path, json=upsert).json()["results"][0] for _ in range(2))
    assert (first["new"], second["new"], first["id"]) == (True, False, second["id"])


def test_the_options_of_a_change_replace_those_before(serve: Serve) -> None:
    desk = grouped(serve)
    options = [{"label": word, "value": word, "hidden": False} for word in "ab"]
    given = {**SCORE, "type": "enumeration", "fieldType": "select", "options": options}
    desk.hubspot("POST", PROPERTIES, json=given)
    changed = desk.hubspot("PATCH", f"{PROPERTIES}/score", json={"options": options[1:]}).json()
    assert [option["value"] for option in changed["options"]] == ["b"]


def test_hubspot_s_own_definitions_stay_and_say_that_they_are_read_only(serve: Serve) -> None:
    desk = serve(hubspot_world())
    found = {one["name"]: one for one in desk.hubspot("GET", PROPERTIES).json()["results"]}
    assert found["createdate"]["modificationMetadata"]["readOnlyValue"] is True
    assert found["email"]["modificationMetadata"]["readOnlyValue"] is False
    assert {"salesforcecontactid", "salesforceleadid", "hs_sales_email_last_opened", "hs_additional_emails"} <= set(
        found
    )
    assert desk.hubspot("DELETE", f"{PROPERTIES}/email").status_code == 400
    bare = desk.hubspot("GET", "/properties/v2/contact/properties").json()
    assert {one["name"] for one in bare} == set(found)


def test_an_archived_property_takes_its_values_along(serve: Serve) -> None:
    desk = grouped(serve)
    desk.hubspot("POST", PROPERTIES, json=SCORE)
    desk.hubspot("PATCH", "/crm/v3/objects/contacts/1", json={"properties": {"score": "3"}})
    assert desk.hubspot("DELETE", f"{PROPERTIES}/score").status_code == 204
    assert desk.hubspot("DELETE", f"{PROPERTIES}/never").status_code == 204
    assert desk.hubspot("GET", f"{PROPERTIES}/score").status_code == 404
    assert [one["name"] for one in desk.hubspot("GET", f"{PROPERTIES}?archived=true").json()["results"]] == ["score"]
    assert "score" not in desk.sandbox.world()["hubspot"][0]["contacts"][0]["properties"]


def test_definitions_and_groups_come_back_with_the_world(serve: Serve) -> None:
    desk = grouped(serve)
    desk.hubspot("POST", PROPERTIES, json=SCORE)
    desk.sandbox.put_world(desk.sandbox.world())
    assert desk.hubspot("GET", f"{PROPERTIES}/score").json()["groupName"] == "ours"
    assert desk.hubspot("GET", f"{PROPERTIES}/groups/ours").json()["label"] == "Ours"


def test_owners_that_left_show_only_when_asked_for(serve: Serve) -> None:
    owners = [{"id": 1, "email": "a@x.example", "userId": 9}, {"id": 2, "email": "b@x.example", "archived": True}]
    desk = serve(hubspot_world(owners=owners, users=[{"id": 9, "email": "a@x.example"}]))
    assert [one["id"] for one in desk.hubspot("GET", "/crm/v3/owners").json()["results"]] == ["1"]
    gone = desk.hubspot("GET", "/crm/owners/2026-09?archived=true").json()["results"]
    assert [(one["id"], one["userId"]) for one in gone] == [("2", None)]
    assert desk.hubspot("GET", "/crm/v3/owners?email=A@x.example").json()["results"][0]["id"] == "1"
    assert desk.hubspot("GET", "/crm/v3/owners/9?idProperty=userId").json()["id"] == "1"
    for path in ("/settings/v3/users/", "/settings/users/2026-03", "/settings/users/v3"):
        assert desk.hubspot("GET", path).json()["results"][0]["email"] == "a@x.example"
    assert desk.hubspot("GET", "/settings/v3/users/A@x.example?idProperty=EMAIL").json()["id"] == "9"


def test_the_account_tells_its_zone_and_its_usage(serve: Serve) -> None:
    desk = serve(hubspot_world(portal_id=42, time_zone="Europe/Berlin"))
    details = desk.hubspot("GET", "/account-info/v3/details").json()
    assert (details["portalId"], details["timeZone"], details["utcOffset"]) == (42, "Europe/Berlin", "+01:00")
    usage = desk.hubspot("GET", "/account-info/2026-09/api-usage/daily/private-apps").json()["results"][0]
    assert (usage["usageLimit"], usage["currentUsage"]) == (1_000_000, 2)


LISTS = "/crm/v3/lists"


def manual(desk: Desk, name: str = "Segment") -> str:
    given = {"name": name, "objectTypeId": "0-1", "processingType": "MANUAL"}
    return str(desk.hubspot("POST", LISTS, json=given).json()["list"]["listId"])


def test_a_list_is_made_once_by_name_and_found_by_it(serve: Serve) -> None:
    desk = serve(hubspot_world())
    number = manual(desk, "Turnout: Regulars")
    again = {"name": "turnout: regulars", "objectTypeId": "0-1", "processingType": "MANUAL"}
    assert desk.hubspot("POST", LISTS, json=again).status_code == 400
    path = f"{LISTS}/object-type-id/0-1/name/TURNOUT%3A%20regulars"
    assert desk.hubspot("GET", path).json()["list"]["listId"] == number
    assert desk.hubspot("GET", f"{LISTS}/object-type-id/0-1/name/other").status_code == 404
    found = desk.hubspot("POST", f"{LISTS}/search", json={"query": "regul"}).json()
    assert (found["total"], found["hasMore"]) == (1, False)
    assert desk.hubspot("GET", f"/crm/lists/2026-09?listIds={number}").json()["lists"][0]["listId"] == number


def test_members_are_added_from_a_bare_array_and_told_back_under_an_odd_name(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1), contact(2), {**contact(3), "archived": True}))
    number = manual(desk)
    path = f"{LISTS}/{number}/memberships"
    body = desk.hubspot("PUT", f"{path}/add", json=["1", "2", "3", "99"]).json()
    assert body == {"recordsIdsAdded": ["1", "2"], "recordIdsRemoved": [], "recordIdsMissing": ["3", "99"]}
    assert desk.hubspot("PUT", f"{path}/add", json=["1"]).json()["recordsIdsAdded"] == []
    assert desk.hubspot("PUT", f"{path}/add", json={"ids": ["1"]}).status_code == 400
    half = {"recordIdsToAdd": ["1"]}
    assert desk.hubspot("PUT", f"{path}/add-and-remove", json=half).status_code == 400
    both = desk.hubspot("PUT", f"{path}/add-and-remove", json={**half, "recordIdsToRemove": ["2"]}).json()
    assert both["recordIdsRemoved"] == ["2"]
    rows = desk.hubspot("GET", path).json()["results"]
    assert rows == [{"recordId": "1", "membershipTimestamp": "2026-11-20T12:00:00.000Z"}]
    of_one = desk.hubspot("GET", f"{LISTS}/records/0-1/1/memberships").json()["results"]
    assert [row["listId"] for row in of_one] == [number]
    assert desk.sandbox.world()["hubspot"][0]["lists"][0]["members"] == ["1"]


def test_members_of_a_dynamic_list_cannot_be_set(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1), lists=[{"listId": 5, "processingType": "DYNAMIC"}]))
    assert desk.hubspot("PUT", f"{LISTS}/5/memberships/add", json=["1"]).status_code == 400


def test_members_come_two_hundred_and_fifty_at_a_time(serve: Serve) -> None:
    people = [contact(number) for number in range(1, 301)]
    desk = serve(hubspot_world(*people, lists=[{"listId": 5, "members": list(range(1, 301))}]))
    path = f"{LISTS}/5/memberships"
    assert desk.hubspot("GET", f"{path}?limit=251").status_code == 400
    first = desk.hubspot("GET", f"{path}?limit=250").json()
    rest = desk.hubspot("GET", f"{path}?limit=250&after={first['paging']['next']['after']}").json()
    ids = [row["recordId"] for row in first["results"] + rest["results"]]
    assert ids == [str(number) for number in range(1, 301)]
    assert "paging" not in rest


def test_a_deleted_list_can_be_restored(serve: Serve) -> None:
    desk = serve(hubspot_world(lists=[{"listId": 5}]))
    assert desk.hubspot("DELETE", f"{LISTS}/5").status_code == 204
    assert desk.hubspot("GET", f"{LISTS}/5").status_code == 404
    assert desk.hubspot("PUT", f"{LISTS}/5/restore").status_code == 204
    assert desk.hubspot("GET", f"{LISTS}/5").status_code == 200
