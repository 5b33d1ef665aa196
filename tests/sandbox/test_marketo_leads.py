"""Leads: found by a field, written by a key, skipped one by one, merged, deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.sandbox.instance import ANN, BOB, COLE, PROGRAM, InstanceDesk, reasons

Enter = Callable[..., InstanceDesk]


def find(desk: InstanceDesk, kind: str, *values: object, **params: Any) -> list[dict[str, Any]]:
    params = {"filterType": kind, "filterValues": ",".join(map(str, values)), **params}
    return desk.rows("GET", "/rest/v1/leads.json", params=params)


def test_leads_are_found_by_searchable_fields_and_nobody_is_an_empty_list(instance: Enter) -> None:
    desk = instance()
    assert find(desk, "email", "ANN@x.example") == [
        {
            "id": ANN,
            "email": "ann@x.example",
            "updatedAt": "2026-11-20T12:00:00Z",
            "createdAt": "2026-11-20T12:00:00Z",
            "lastName": "Able",
            "firstName": "Ann",
        }
    ]
    assert find(desk, "email", "nobody@x.example") == []
    assert find(desk, "shoeSize", 44, fields="shoeSize,company") == [{"id": COLE, "shoeSize": 44, "company": None}]
    assert [lead["id"] for lead in find(desk, "id", BOB, ANN, 99)] == [ANN, BOB]
    wanted = {"filterType": "lastName", "filterValues": "Able"}
    assert desk.code("GET", "/rest/v1/leads.json", params=wanted) == "1011"
    assert desk.code("GET", "/rest/v1/leads.json", params={"filterType": "email"}) == "1002"
    wanted = {"filterType": "email", "filterValues": "a@x.example", "fields": "shirtSize"}
    assert desk.code("GET", "/rest/v1/leads.json", params=wanted) == "1006"
    wanted = {"filterType": "id", "filterValues": ",".join(map(str, range(301)))}
    assert desk.code("GET", "/rest/v1/leads.json", params=wanted) == "1003"
    assert desk.code("GET", "/rest/v1/lead/99.json") == "1004"


def test_pages_hold_300_and_more_than_a_thousand_are_too_many(instance: Enter) -> None:
    desk = instance(leads=[{"email": f"p{at % 2}@x.example"} for at in range(1402)], members=[])
    wanted = {"filterType": "email", "filterValues": "p0@x.example"}
    first = desk.told("GET", "/rest/v1/leads.json", params=wanted)
    second = desk.told("GET", "/rest/v1/leads.json", params={**wanted, "nextPageToken": first["nextPageToken"]})
    assert (len(first["result"]), len(second["result"])) == (300, 300)
    third = desk.told("GET", "/rest/v1/leads.json", params={**wanted, "nextPageToken": second["nextPageToken"]})
    assert (len(third["result"]), "nextPageToken" in third) == (101, False)
    wanted["filterValues"] = "p0@x.example,p1@x.example"
    assert desk.code("GET", "/rest/v1/leads.json", params=wanted) == "1003"
    assert desk.code("GET", "/rest/v1/leads.json", params={**wanted, "batchSize": "301"}) == "1003"
    assert (
        desk.code("GET", "/rest/v1/activities.json", params={"nextPageToken": "abc", "activityTypeIds": "1"}) == "1003"
    )


def test_a_batch_succeeds_whatever_became_of_each_record(instance: Enter) -> None:
    desk = instance(
        leads=[{"id": ANN, "email": "ann@x.example"}, {"email": "two@x.example"}, {"email": "two@x.example"}]
    )
    told = desk.sync(
        {"email": "ANN@x.example", "firstName": "Anna"},
        {"email": "new@x.example"},
        {"email": "new@x.example", "lastName": "Again"},
        {"email": "two@x.example"},
        {"firstName": "Nobody"},
        {"email": "a@x.example", "shirtSize": 3},
        {"email": "ünë@x.example"},
        {"email": "a@x.example", "leadScore": "much"},
        {"email": "a@x.example", "createdAt": "2020-01-01T00:00:00Z"},
    )
    assert reasons(told) == ["updated", "created", "updated", "1007", "1002", "1006", "1001", "1001", "1003"]
    assert told[1]["id"] == told[2]["id"]
    assert "id" not in told[3]
    only = {"lookupField": "id", "action": "updateOnly"}
    assert reasons(desk.sync({"id": ANN, "company": ""}, {"id": 999, "company": "x"}, **only)) == ["updated", "1004"]
    assert reasons(desk.sync({"email": "ann@x.example"}, action="createOnly")) == ["1005"]
    assert reasons(desk.sync({"email": "none@x.example"}, action="updateOnly")) == ["1004"]
    assert reasons(desk.sync({"email": "ann@x.example"}, action="createDuplicate")) == ["created"]
    assert reasons(desk.sync({"email": "ann@x.example"})) == ["1007"]
    assert reasons(desk.sync({"email": "b@x.example"}, partitionName="East")) == ["1008"]
    body = {"input": [{"email": "b@x.example"}]}
    assert desk.code("POST", "/rest/v1/leads.json", {**body, "lookupField": "id"}) == "1003"
    assert desk.code("POST", "/rest/v1/leads.json", {**body, "lookupField": "lastName"}) == "1011"
    assert desk.code("POST", "/rest/v1/leads.json", {**body, "action": "guess"}) == "1003"
    assert desk.code("POST", "/rest/v1/leads.json", {"input": body["input"] * 301}) == "1003"


def test_null_writes_empty_and_every_change_is_in_the_log(instance: Enter) -> None:
    desk = instance()
    desk.desk.sandbox.set_clock("2026-11-20T12:05:00Z")
    desk.sync({"email": "ann@x.example", "company": None, "firstName": "Ann"}, {"email": "new@x.example"})
    (lead,) = find(desk, "id", ANN, fields="company,updatedAt")
    assert (lead["company"], lead["updatedAt"]) == (None, "2026-11-20T12:05:00Z")
    change, new = desk.log(12, 13)
    assert (change["activityTypeId"], change["primaryAttributeValue"], change["leadId"]) == (13, "Company Name", ANN)
    assert {"name": "Old Value", "value": "Acme"} in change["attributes"]
    assert (new["activityTypeId"], new["leadId"]) == (12, COLE + 1)
    token = desk.token("2026-11-20T12:00:00Z")
    rows = desk.page(token, path="activities/leadchanges", fields="company,leadScore")["result"]
    assert rows[0]["fields"] == [{"id": 1, "name": "company", "newValue": None, "oldValue": "Acme"}]
    assert [row["activityTypeId"] for row in rows] == [13, 12]
    assert len(desk.page(token, path="activities/leadchanges", fields="phone")["result"]) == 1


def test_upserts_of_one_address_that_run_at_once_make_two_leads(instance: Enter) -> None:
    desk = instance()
    desk.faults(marketo__answer_seconds=0.3)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: desk.sync({"email": "new@x.example"}, {"email": "new@x.example"}), range(2)))
    assert [reasons(rows) for rows in both] == [["created", "updated"]] * 2
    desk.faults()
    time.sleep(0.05)
    assert reasons(desk.sync({"email": "new@x.example"})) == ["1007"]


def test_deleted_leads_are_gone_from_everything_but_the_log(instance: Enter) -> None:
    desk = instance(static_lists=[{"id": 7, "members": [ANN, BOB]}])
    told = desk.rows("POST", "/rest/v1/leads/delete.json", {"input": [{"id": ANN}, {"id": 99}]})
    assert reasons(told) == ["deleted", "1004"]
    assert reasons(desk.rows("POST", "/rest/v1/leads/delete.json", params={"id": "12"})) == ["deleted"]
    world = desk.world()
    assert [lead["id"] for lead in world["leads"]] == [COLE]
    assert (world["members"], world["static_lists"][0]["members"]) == ([], [])
    assert desk.log(12, 13, 37) == []
    gone = desk.page(desk.token("2026-11-01T00:00:00Z"), path="activities/deletedleads")["result"]
    assert [(row["leadId"], row["activityTypeId"], row["primaryAttributeValue"]) for row in gone] == [
        (ANN, 37, "Ann Able"),
        (BOB, 37, "Bob"),
    ]
    assert desk.sync({"email": "next@x.example"})[0]["id"] == COLE + 1


def test_the_one_who_remains_has_what_the_merged_had(instance: Enter) -> None:
    desk = instance(static_lists=[{"id": 7, "members": [ANN]}], activities=[{"leadId": ANN, "activityTypeId": 2}])
    assert "result" not in desk.told("POST", f"/rest/v1/leads/{BOB}/merge.json", params={"leadIds": f"{ANN},{COLE}"})
    world = desk.world()
    assert [lead["id"] for lead in world["leads"]] == [BOB]
    (lead,) = find(desk, "id", BOB, fields="firstName,lastName,company,email")
    assert (lead["firstName"], lead["lastName"], lead["company"], lead["email"]) == (
        "Bob",
        "Able",
        "Acme",
        "bob@x.example",
    )
    assert [(row["leadId"], row["status"]) for row in world["members"]] == [(BOB, "Registered")]
    assert world["static_lists"][0]["members"] == [BOB]
    form, merged = desk.log(2, 32)
    assert (form["leadId"], merged["leadId"]) == (BOB, BOB)
    assert {"name": "Merge IDs", "value": f"{ANN},{COLE}"} in merged["attributes"]
    assert desk.code("POST", f"/rest/v1/leads/{BOB}/merge.json", params={"leadId": BOB}) == "1003"
    assert desk.code("POST", f"/rest/v1/leads/{BOB}/merge.json", params={"leadId": ANN}) == "1004"
    assert desk.sync({"email": "next@x.example"})[0]["id"] == COLE + 1


def test_pushing_makes_leads_members_and_leaves_those_further_on(instance: Enter) -> None:
    desk = instance()
    body = {"programName": "Pricing", "programStatus": "Invited", "source": "Site", "reason": "asked"}
    told = desk.rows(
        "POST", "/rest/v1/leads/push.json", {**body, "input": [{"email": "ann@x.example"}, {"email": "p@x.example"}]}
    )
    assert reasons(told) == ["updated", "created"]
    new = told[1]["id"]
    assert [(row["leadId"], row["statusName"]) for row in desk.members(ANN, new)] == [
        (ANN, "Registered"),
        (new, "Invited"),
    ]
    pushed = desk.log(145)
    assert [row["leadId"] for row in pushed] == [ANN, new]
    assert {"name": "Program ID", "value": PROGRAM} in pushed[0]["attributes"]
    for wrong, code in (({"programName": "None"}, "1013"), ({"programStatus": "Won"}, "1025")):
        assert (
            desk.code("POST", "/rest/v1/leads/push.json", {**body, **wrong, "input": [{"email": "q@x.example"}]})
            == code
        )


def test_fields_are_described_in_both_ways(instance: Enter) -> None:
    desk = instance()
    (new,) = desk.rows("GET", "/rest/v1/leads/describe2.json")
    assert ["email"] in new["searchableFields"]
    assert ["lastName"] not in new["searchableFields"]
    fields = {field["name"]: field for field in new["fields"]}
    assert fields["shoeSize"]["dataType"] == "integer"
    assert fields["createdAt"]["updateable"] is False
    old = {field["rest"]["name"]: field for field in desk.rows("GET", "/rest/v1/leads/describe.json")}
    assert set(old) == set(fields)
    assert (old["company"]["length"], old["id"]["rest"]["readOnly"]) == (255, True)
