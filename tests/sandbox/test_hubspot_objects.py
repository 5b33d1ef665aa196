"""HubSpot objects one at a time: reading, writing, merging, deleting, and what properties take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.desk import Desk, contact, hubspot_world

Serve = Callable[..., Desk]
CONTACTS = "/crm/v3/objects/contacts"


def create(desk: Desk, **properties: Any) -> Any:
    return desk.hubspot("POST", CONTACTS, json={"properties": properties})


def read(desk: Desk, name: str, query: str = "") -> Any:
    return desk.hubspot("GET", f"{CONTACTS}/{name}?{query}").json()


@pytest.mark.parametrize(
    "path", [CONTACTS, "/crm/objects/2026-09/contacts", "/crm/v3/objects/contact", "/crm/v3/objects/0-1"]
)
def test_old_and_dated_paths_and_every_name_of_a_type_lead_to_the_same_objects(serve: Serve, path: str) -> None:
    desk = serve(hubspot_world(contact(1, "a@x.example")))
    assert [row["id"] for row in desk.hubspot("GET", path).json()["results"]] == ["1"]


def test_a_call_without_the_token_is_401(serve: Serve) -> None:
    desk = serve(hubspot_world())
    answer = desk.hubspot("GET", CONTACTS, headers={"Authorization": "Bearer other"})
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


def test_lists_give_ten_and_a_hundred_at_most_and_fifty_with_histories(serve: Serve) -> None:
    desk = serve(hubspot_world(*(contact(number) for number in range(1, 131))))
    assert len(desk.hubspot("GET", CONTACTS).json()["results"]) == 10
    assert desk.hubspot("GET", f"{CONTACTS}?limit=101").status_code == 400
    assert desk.hubspot("GET", f"{CONTACTS}?limit=51&propertiesWithHistory=email").status_code == 400
    found, after = [], ""
    while True:
        body = desk.hubspot("GET", f"{CONTACTS}?limit=50&after={after}").json()
        found += [row["id"] for row in body["results"]]
        if "paging" not in body:
            break
        after = body["paging"]["next"]["after"]
    assert found == [str(number) for number in range(1, 131)]


def test_only_the_properties_asked_for_come(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, "a@x.example", firstname="A", phone="1", jobtitle="J")))
    always = {"createdate", "lastmodifieddate", "hs_object_id"}
    assert set(read(desk, "1")["properties"]) == always | {"email", "firstname", "lastname"}
    for query in ("properties=phone&properties=jobtitle", "properties=phone,jobtitle"):
        assert set(read(desk, "1", query)["properties"]) == always | {"phone", "jobtitle"}
    assert read(desk, "1", "properties=city,nonsense")["properties"]["city"] is None
    assert "nonsense" not in read(desk, "1", "properties=city,nonsense")["properties"]
    desk.faults(hubspot__null_properties=False)
    assert "city" not in read(desk, "1", "properties=city")["properties"]


def test_a_history_is_newest_first_and_grows_with_each_change(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, "a@x.example", firstname="Old")))
    desk.hubspot("PATCH", f"{CONTACTS}/1", json={"properties": {"firstname": "New"}})
    entries = read(desk, "1", "propertiesWithHistory=firstname")["propertiesWithHistory"]["firstname"]
    assert [entry["value"] for entry in entries] == ["New", "Old"]
    assert (entries[0]["timestamp"], entries[0]["sourceType"]) == ("2026-11-20T12:00:00.000Z", "INTEGRATION")
    desk.hubspot("PATCH", f"{CONTACTS}/1", json={"properties": {"firstname": "New"}})
    again = read(desk, "1", "propertiesWithHistory=firstname")["propertiesWithHistory"]["firstname"]
    assert again == entries


def test_a_contact_made_by_an_app_says_so(serve: Serve) -> None:
    made = create(serve(hubspot_world()), email="New@X.example ", firstname="N")
    assert made.status_code == 201
    values = made.json()["properties"]
    assert values["email"] == "new@x.example"
    assert (values["hs_object_source"], values["hs_analytics_source"]) == ("INTEGRATION", "OFFLINE")
    assert values["createdate"] == made.json()["createdAt"] == "2026-11-20T12:00:00.000Z"


@pytest.mark.parametrize("address", ["A@x.example", " second@X.example"])
def test_an_address_belongs_to_one_contact_primary_or_secondary(serve: Serve, address: str) -> None:
    desk = serve(hubspot_world(contact(7, "a@X.example", hs_additional_emails="second@x.example;third@x.example")))
    answer = create(desk, email=address)
    assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")
    assert answer.json()["message"] == "Contact already exists. Existing ID: 7"
    assert read(desk, "third@x.example", "idProperty=email")["id"] == "7"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"createdate": "2026-01-01"}, "READ_ONLY_VALUE"),
        ({"hs_analytics_source": "OFFLINE"}, "READ_ONLY_VALUE"),
        ({"email": "nowhere"}, "INVALID_EMAIL"),
        ({"lifecyclestage": "Lead"}, "INVALID_OPTION"),
        ({"score": "many"}, "INVALID_NUMBER"),
        ({"born": "1980-13-01"}, "INVALID_DATE"),
        ({"born": 86_400_001}, "INVALID_DATE"),
        ({"seen": "lately"}, "INVALID_DATE"),
        ({"plan": "gold"}, "INVALID_OPTION"),
    ],
)
def test_a_value_that_a_property_cannot_hold_is_refused(serve: Serve, properties: dict[str, Any], code: str) -> None:
    answer = create(serve(hubspot_world(properties=DEFINITIONS)), **properties)
    body = answer.json()
    assert (answer.status_code, body["category"]) == (400, "VALIDATION_ERROR")
    assert [error["code"] for error in body["errors"]] == [code]
    assert body["errors"][0]["context"] == {"propertyName": list(properties)}
    assert body["correlationId"]


DEFINITIONS = [
    {"name": "score", "type": "number"},
    {"name": "born", "type": "date"},
    {"name": "seen", "type": "datetime"},
    {
        "name": "plan",
        "type": "enumeration",
        "fieldType": "checkbox",
        "options": [{"label": word, "value": word, "hidden": False} for word in ("free", "team")],
    },
]


def test_instants_and_dates_are_kept_in_one_form(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1), properties=DEFINITIONS))

    def kept(name: str, value: Any) -> str:
        body = desk.hubspot("PATCH", f"{CONTACTS}/1", json={"properties": {name: value}}).json()
        return str(body["properties"][name])

    assert kept("seen", 1_767_225_600_000) == kept("seen", "2026-01-01T01:00:00+01:00") == "2026-01-01T00:00:00.000Z"
    assert kept("born", "1980-02-29") == kept("born", 320_630_400_000) == "1980-02-29"
    assert kept("plan", "free") == "free"
    assert kept("plan", ";team") == "free;team"


def test_a_blank_clears_and_nothing_else_is_touched(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, "a@x.example", firstname="A", city="Ulm")))
    desk.hubspot("PATCH", f"{CONTACTS}/1", json={"properties": {"city": ""}})
    values = read(desk, "1", "properties=city,firstname")["properties"]
    assert (values["city"], values["firstname"]) == (None, "A")


def test_an_unchanged_write_moves_the_date_unless_the_switch_says_otherwise(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, firstname="A")))
    desk.faults(hubspot__unchanged_write_touches=False)
    desk.hubspot("PATCH", f"{CONTACTS}/1", json={"properties": {"firstname": "A"}})
    assert read(desk, "1")["updatedAt"] == "2026-01-01T00:00:00.000Z"
    desk.faults()
    desk.hubspot("PATCH", f"{CONTACTS}/1", json={"properties": {"firstname": "A"}})
    assert read(desk, "1")["properties"]["lastmodifieddate"] == "2026-11-20T12:00:00.000Z"


def test_an_archived_contact_shows_only_when_asked_for_and_frees_its_address(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, "a@x.example")))
    assert desk.hubspot("DELETE", f"{CONTACTS}/1").status_code == 204
    assert desk.hubspot("DELETE", f"{CONTACTS}/99").status_code == 204
    assert desk.hubspot("GET", f"{CONTACTS}/1").status_code == 404
    assert desk.hubspot("GET", CONTACTS).json()["results"] == []
    gone = desk.hubspot("GET", f"{CONTACTS}?archived=true").json()["results"]
    assert [(row["id"], row["archivedAt"]) for row in gone] == [("1", "2026-11-20T12:00:00.000Z")]
    assert read(desk, "1", "archived=true")["archived"] is True
    assert create(desk, email="a@x.example").status_code == 201


def merge(desk: Desk, one: str, other: str) -> Any:
    return desk.hubspot("POST", f"{CONTACTS}/merge", json={"primaryObjectId": one, "objectIdToMerge": other})


def test_a_merge_leaves_one_contact_with_all_that_both_had(serve: Serve) -> None:
    calls = [{"id": 50, "associations": {"contacts": [2]}}]
    lists = [{"listId": 1, "members": [2]}]
    one = contact(1, "a@x.example", firstname="One")
    desk = serve(hubspot_world(one, contact(2, "b@x.example", firstname="Two", city="Ulm"), calls=calls, lists=lists))
    values = merge(desk, "1", "2").json()["properties"]
    assert (values["firstname"], values["city"], values["hs_additional_emails"]) == ("One", "Ulm", "b@x.example")
    assert values["hs_merged_object_ids"] == "2"
    assert values["hs_calculated_merged_vids"] == "2:1795176000000"
    assert desk.hubspot("GET", f"{CONTACTS}?archived=true").json()["results"] == []
    assert [row["id"] for row in desk.hubspot("GET", CONTACTS).json()["results"]] == ["1"]
    assert read(desk, "2")["id"] == "1"
    linked = desk.hubspot("GET", "/crm/v4/objects/calls/50/associations/contacts").json()["results"]
    assert [row["toObjectId"] for row in linked] == ["1"]
    assert desk.hubspot("GET", "/crm/v3/lists/1/memberships").json()["results"][0]["recordId"] == "1"
    desk.faults(hubspot__merged_get_404=True)
    assert desk.hubspot("GET", f"{CONTACTS}/2").status_code == 404


def test_a_merge_gives_a_new_id_where_the_switch_says_so(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, "a@x.example"), contact(2, "b@x.example")))
    desk.faults(hubspot__merge_new_id=True)
    made = merge(desk, "1", "2").json()
    assert made["id"] not in ("1", "2")
    assert made["properties"]["hs_merged_object_ids"] == "1;2"
    assert read(desk, "1")["id"] == read(desk, "2")["id"] == made["id"]
    assert read(desk, "b@x.example", "idProperty=email")["id"] == made["id"]


def test_merged_ids_of_a_world_lead_to_the_survivor(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(5, "a@x.example", hs_merged_object_ids="3;4")))
    assert read(desk, "4")["id"] == "5"
    assert merge(desk, "5", "5").status_code == 400
    assert merge(desk, "5", "9").status_code == 404


def test_what_was_deleted_for_privacy_is_gone_and_its_address_blocked(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, "a@x.example")))
    forget = {"objectId": "A@x.example", "idProperty": "email"}
    assert desk.hubspot("POST", f"{CONTACTS}/gdpr-delete", json=forget).status_code == 204
    assert desk.hubspot("GET", f"{CONTACTS}?archived=true").json()["results"] == []
    unknown = {"objectId": "never@x.example", "idProperty": "email"}
    assert desk.hubspot("POST", f"{CONTACTS}/gdpr-delete", json=unknown).status_code == 204
    for address in ("a@x.example", "never@x.example"):
        assert create(desk, email=address).json()["errors"][0]["code"] == "GDPR_BLACKLISTED_EMAIL"
    desk.sandbox.put_world(desk.sandbox.world())
    assert create(desk, email="never@x.example").status_code == 400


def test_a_contact_that_a_person_restores_is_there_again(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, "a@x.example")))
    desk.hubspot("DELETE", f"{CONTACTS}/1")
    world = desk.sandbox.world()
    world["hubspot"][0]["contacts"][0]["archived"] = False
    desk.sandbox.put_world(world)
    assert read(desk, "a@x.example", "idProperty=email")["id"] == "1"


def test_activities_need_a_time_and_ignore_unknown_names_when_patched(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1)))
    path = "/crm/v3/objects/notes"
    assert desk.hubspot("POST", path, json={"properties": {"hs_note_body": "x"}}).status_code == 400
    link = {"to": {"id": "1"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}]}
    body = {"properties": {"hs_note_body": "x", "hs_timestamp": "2026-11-20T00:00:00Z"}, "associations": [link]}
    made = desk.hubspot("POST", path, json=body).json()
    shown = desk.hubspot("GET", f"{path}/{made['id']}?associations=contacts").json()
    assert shown["associations"]["contacts"]["results"] == [{"id": "1", "type": "note_to_contact"}]
    assert desk.hubspot("PATCH", f"{path}/{made['id']}", json={"properties": {"nonsense": "1"}}).status_code == 200
    assert desk.hubspot("PATCH", f"{CONTACTS}/1", json={"properties": {"nonsense": "1"}}).status_code == 400


def test_a_type_that_nobody_knows_and_a_body_that_is_no_json_are_400(serve: Serve) -> None:
    desk = serve(hubspot_world())
    assert desk.hubspot("GET", "/crm/v3/objects/pets").status_code == 400
    assert desk.hubspot("POST", CONTACTS, data=b"{").status_code == 400
    assert desk.hubspot("POST", CONTACTS, json=[1]).status_code == 400


def test_an_address_of_more_than_eight_kilobytes_is_414(serve: Serve) -> None:
    desk = serve(hubspot_world())
    names = ",".join(["hs_analytics_last_timestamp"] * 320)
    assert desk.hubspot("GET", f"{CONTACTS}?properties={names}").status_code == 414
