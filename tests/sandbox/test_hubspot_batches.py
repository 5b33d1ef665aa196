"""Batches, associations, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.desk import Desk, contact, hubspot_world

Serve = Callable[..., Desk]
BATCH = "/crm/v3/objects/contacts/batch"
DATED = "/crm/objects/2026-09/contacts/batch"


def write(desk: Desk, path: str, *inputs: dict[str, Any], trace: bool = True) -> Any:
    traced = [{**one, "objectWriteTraceId": f"t{at}"} for at, one in enumerate(inputs)] if trace else list(inputs)
    return desk.hubspot("POST", path, json={"inputs": traced})


def by_email(email: str, **properties: Any) -> dict[str, Any]:
    return {"id": email, "idProperty": "email", "properties": properties}


@pytest.mark.parametrize("what", ["read", "create", "update", "upsert", "archive"])
def test_a_batch_holds_a_hundred(serve: Serve, what: str) -> None:
    answer = serve(hubspot_world()).hubspot(
        "POST", f"{BATCH}/{what}", json={"inputs": [{"id": str(n)} for n in range(101)]}
    )
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_without_trace_ids_one_conflict_refuses_the_whole_batch(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(7, "a@x.example")))
    inputs = [{"properties": {"email": email}} for email in ("new@x.example", "A@x.example", "other@x.example")]
    answer = write(desk, f"{BATCH}/create", *inputs, trace=False)
    assert answer.status_code == 409
    assert "Existing ID: 7" in answer.json()["message"]
    assert len(desk.hubspot("GET", "/crm/v3/objects/contacts").json()["results"]) == 1
    assert desk.hubspot("GET", "/crm/v3/objects/contacts/new@x.example?idProperty=email").status_code == 404
    traces = [{**inputs[0], "objectWriteTraceId": "t"}, inputs[1]]
    assert desk.hubspot("POST", f"{BATCH}/create", json={"inputs": traces}).status_code == 409


@pytest.mark.parametrize(("path", "status"), [(BATCH, 207), (DATED, 201)])
def test_with_trace_ids_what_can_be_made_is_made(serve: Serve, path: str, status: int) -> None:
    desk = serve(hubspot_world(contact(7, "a@x.example")))
    inputs = [{"properties": {"email": email}} for email in ("new@x.example", "A@x.example")]
    answer = write(desk, f"{path}/create", *inputs)
    body = answer.json()
    assert (answer.status_code, body["numErrors"], body["status"]) == (status, 1, "COMPLETE")
    assert [row["properties"]["email"] for row in body["results"]] == ["new@x.example"]
    assert body["results"][0]["objectWriteTraceId"] == "t0"
    error = body["errors"][0]
    assert (error["category"], error["context"]["objectWriteTraceId"]) == ("CONFLICT", ["t1"])
    assert "correlationId" not in error


def test_a_batch_that_all_went_well_is_no_207(serve: Serve) -> None:
    answer = write(serve(hubspot_world()), f"{BATCH}/create", {"properties": {"email": "n@x.example"}})
    assert answer.status_code == 201
    assert "errors" not in answer.json()


def test_an_upsert_changes_or_makes_and_says_which(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(7, "a@x.example", firstname="A", city="Ulm")))
    answer = write(desk, f"{BATCH}/upsert", by_email("A@x.example", firstname="B"), by_email("n@x.example"))
    assert answer.status_code == 200
    found = {row["id"]: row for row in answer.json()["results"]}
    assert (found["7"]["new"], found["7"]["properties"]["firstname"], found["7"]["properties"]["city"]) == (
        False,
        "B",
        "Ulm",
    )
    assert [row["new"] for name, row in found.items() if name != "7"] == [True]


def test_an_upsert_needs_a_unique_property_and_no_twins(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(7, "a@x.example")))
    assert write(desk, f"{BATCH}/upsert", {"id": "7", "properties": {}}).json()["errors"]
    one = {"id": "A", "idProperty": "firstname", "properties": {}}
    assert "non-unique" in write(desk, f"{BATCH}/upsert", one).json()["errors"][0]["message"]
    twins = write(desk, f"{BATCH}/upsert", by_email("x@x.example"), by_email("X@x.example"))
    assert twins.status_code == 400


def test_an_upsert_by_a_secondary_address_is_a_conflict_unless_the_switch_says_otherwise(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(7, "a@x.example", hs_additional_emails="b@x.example")))
    error = write(desk, f"{BATCH}/upsert", by_email("b@x.example", city="Ulm")).json()["errors"][0]
    assert (error["category"], "Existing ID: 7" in error["message"]) == ("CONFLICT", True)
    desk.faults(hubspot__upsert_secondary="owner")
    body = write(desk, f"{BATCH}/upsert", by_email("b@x.example", city="Ulm")).json()
    assert [row["id"] for row in body["results"]] == ["7"]


def test_an_update_by_address_does_not_work(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(7, "a@x.example")))
    silent = write(desk, f"{BATCH}/update", {"id": "a@x.example", "properties": {"city": "Ulm"}}, trace=False)
    assert (silent.status_code, silent.json()["results"]) == (200, [])
    refused = write(desk, f"{BATCH}/update", by_email("a@x.example", city="Ulm"), trace=False)
    assert (refused.status_code, "non-unique 0-1" in refused.json()["message"]) == (400, True)
    good = write(desk, f"{BATCH}/update", {"id": "7", "properties": {"city": "Ulm"}}, {"id": "8", "properties": {}})
    assert [row["id"] for row in good.json()["results"]] == ["7"]
    assert good.json()["errors"][0]["category"] == "OBJECT_NOT_FOUND"


def test_reading_a_batch_reports_the_ids_that_are_not_there(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(7, "a@x.example", city="Ulm"), contact(8)))
    body = {"inputs": [{"id": "7"}, {"id": "9"}], "properties": ["city"]}
    answer = desk.hubspot("POST", f"{BATCH}/read", json=body)
    assert answer.status_code == 207
    assert answer.json()["results"][0]["properties"]["city"] == "Ulm"
    assert answer.json()["errors"][0]["context"] == {"ids": ["9"]}
    assert desk.hubspot("POST", f"{DATED}/read", json=body).status_code == 200
    named = {"inputs": [{"id": "A@x.example"}], "idProperty": "email"}
    assert desk.hubspot("POST", f"{BATCH}/read", json=named).json()["results"][0]["id"] == "7"
    many = {"inputs": [{"id": str(n)} for n in range(51)], "propertiesWithHistory": ["city"]}
    assert desk.hubspot("POST", f"{BATCH}/read", json=many).status_code == 400


def test_a_batch_archive_is_204_whoever_was_there(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(7), contact(8)))
    assert write(desk, f"{BATCH}/archive", {"id": "7"}, {"id": "99"}).status_code == 204
    archived = desk.hubspot("POST", f"{BATCH}/read?archived=true", json={"inputs": [{"id": "7"}]})
    assert archived.json()["results"][0]["archived"] is True


def test_associations_page_for_each_input_apart(serve: Serve) -> None:
    calls = [{"id": number, "associations": {"contacts": [1]}} for number in range(1000, 1700)]
    desk = serve(hubspot_world(contact(1), contact(2), calls=calls))
    path = "/crm/v4/associations/contacts/calls/batch/read"
    body = desk.hubspot("POST", path, json={"inputs": [{"id": "1"}, {"id": "2"}]}).json()
    first = body["results"][0]
    assert (first["from"], len(first["to"])) == ({"id": "1"}, 500)
    assert first["to"][0]["associationTypes"][0]["typeId"] == 193
    assert body["errors"][0]["context"] == {"fromObjectId": ["2"]}
    more = {"inputs": [{"id": "1", "after": first["paging"]["next"]["after"]}]}
    rest = desk.hubspot("POST", "/crm/associations/2026-09/contacts/calls/batch/read", json=more).json()["results"][0]
    ids = [row["toObjectId"] for row in first["to"] + rest["to"]]
    assert ids == [str(number) for number in range(1000, 1700)]
    assert "paging" not in rest


def test_links_are_made_both_ways_and_taken_away(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1), contact(2), tasks=[{"id": 5}]))
    pair = {"from": {"id": "5"}, "to": {"id": "1"}}
    root = "/crm/v4/associations/tasks/contacts/batch"
    made = desk.hubspot("POST", f"{root}/associate/default", json={"inputs": [pair]})
    assert (made.status_code, len(made.json()["results"])) == (200, 2)
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]
    given = {"inputs": [{"from": {"id": "5"}, "to": {"id": "2"}, "types": types}]}
    assert desk.hubspot("POST", f"{root}/create", json=given).status_code == 201
    linked = desk.hubspot("GET", "/crm/v4/objects/contacts/2/associations/tasks").json()["results"]
    assert [row["toObjectId"] for row in linked] == ["5"]
    gone = {"inputs": [{"from": {"id": "5"}, "to": [{"id": "1"}, {"id": "2"}]}]}
    assert desk.hubspot("POST", f"{root}/archive", json=gone).status_code == 204
    assert desk.hubspot("GET", "/crm/v4/objects/tasks/5/associations/contacts").json()["results"] == []
    world = desk.sandbox.world()["hubspot"][0]
    assert world["tasks"][0]["associations"] == {}


def test_ten_seconds_hold_as_many_calls_as_the_tier_allows(serve: Serve) -> None:
    desk = serve(hubspot_world(tier="starter"))
    first = desk.hubspot("GET", "/crm/v3/owners").headers
    assert (first["X-HubSpot-RateLimit-Max"], first["X-HubSpot-RateLimit-Remaining"]) == ("100", "99")
    assert first["X-HubSpot-RateLimit-Daily"] == "250000"
    answers = [desk.hubspot("GET", "/crm/v3/owners") for _ in range(100)]
    assert [answer.status_code for answer in answers] == [200] * 99 + [429]
    body = answers[-1].json()
    assert (body["errorType"], body["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    assert "Retry-After" not in answers[-1].headers
    search = desk.hubspot("POST", "/crm/v3/objects/contacts/search", json={})
    assert search.status_code == 200  # another bucket
    desk.faults(hubspot__rate_limits=False)
    assert desk.hubspot("GET", "/crm/v3/owners").status_code == 200


def test_a_day_ends_at_midnight_of_the_portal(serve: Serve) -> None:
    desk = serve(hubspot_world(time_zone="America/New_York"))
    desk.faults(hubspot__daily_limit=2)
    for status in (200, 200, 429):
        answer = desk.hubspot("GET", "/crm/v3/owners")
        assert answer.status_code == status
    assert answer.json()["policyName"] == "DAILY"
    desk.sandbox.set_clock("2026-11-21T04:59:59Z")
    assert desk.hubspot("GET", "/crm/v3/owners").status_code == 429
    desk.sandbox.set_clock("2026-11-21T05:00:00Z")
    assert desk.hubspot("GET", "/crm/v3/owners").status_code == 200


def test_a_missing_scope_is_403(serve: Serve) -> None:
    desk = serve(hubspot_world())
    desk.faults(hubspot__missing_scopes=["forms"])
    answer = desk.hubspot("GET", "/marketing/v3/forms")
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    assert desk.hubspot("GET", "/crm/v3/owners").status_code == 200


def test_taking_the_unlabelled_type_away_takes_the_whole_link(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1), tasks=[{"id": 5, "associations": {"contacts": [1]}}]))
    labelled = [{"associationCategory": "USER_DEFINED", "associationTypeId": 36, "label": "Chair"}]
    put = desk.hubspot("PUT", "/crm/v4/objects/tasks/5/associations/contacts/1", json=labelled)
    assert (put.status_code, put.json()["labels"]) == (201, ["Chair"])
    path = "/crm/v4/associations/tasks/contacts/batch/labels/archive"

    def take(number: int) -> list[str]:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]
        given = {"inputs": [{"from": {"id": "5"}, "to": {"id": "1"}, "types": types}]}
        assert desk.hubspot("POST", path, json=given).status_code == 204
        rows = desk.hubspot("GET", "/crm/v4/objects/tasks/5/associations/contacts").json()["results"]
        return [one["typeId"] for row in rows for one in row["associationTypes"]]

    assert take(36) == [204]
    assert take(204) == []
