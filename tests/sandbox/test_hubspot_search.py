"""Search: what it finds, what it refuses, what it does not see yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.desk import Desk, contact, hubspot_world
from tests.searches import TAKEN

Serve = Callable[..., Desk]
SEARCH = "/crm/v3/objects/contacts/search"


def find(desk: Desk, *filters: dict[str, Any], **given: Any) -> list[str]:
    body = {"filterGroups": [{"filters": list(filters)}], **given} if filters else given
    answer = desk.hubspot("POST", SEARCH, json=body)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["results"]]


def where(name: str, operator: str, value: Any = None, **given: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **({"value": value} if value is not None else {}), **given}


PEOPLE = (
    contact(1, "ann@x.example", firstname="Ann", lifecyclestage="lead", createdate="2026-01-01T00:00:00Z", age="30"),
    contact(2, "bob@y.example", firstname="bob", lifecyclestage="customer", createdate="2026-02-01T00:00:00Z", age="9"),
    contact(3, "cy@x.example", firstname="Cy Ann", createdate="2026-03-01T00:00:00Z"),
)


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([where("firstname", "EQ", "ANN")], ["1"]),
        ([where("firstname", "NEQ", "ann")], ["2", "3"]),
        ([where("age", "GT", "9")], ["1"]),
        ([where("age", "LTE", 9)], ["2"]),
        ([where("age", "BETWEEN", "9", highValue="30")], ["1", "2"]),
        ([where("createdate", "GTE", "1769904000000")], ["2", "3"]),
        ([where("createdate", "LT", "2026-02-01")], ["1"]),
        ([where("firstname", "IN", values=["ann", "bob"])], ["1", "2"]),
        ([where("firstname", "IN", values=["Ann", "Bob"])], []),
        ([where("firstname", "NOT_IN", values=["ann"])], ["2", "3"]),
        ([where("lifecyclestage", "EQ", "lead")], ["1"]),
        ([where("lifecyclestage", "EQ", "Lead")], []),
        ([where("lifecyclestage", "HAS_PROPERTY")], ["1", "2"]),
        ([where("lifecyclestage", "NOT_HAS_PROPERTY")], ["3"]),
        ([where("firstname", "CONTAINS_TOKEN", "ann")], ["1", "3"]),
        ([where("email", "CONTAINS_TOKEN", "*@x.example")], ["1", "3"]),
        ([where("firstname", "NOT_CONTAINS_TOKEN", "ann")], ["2"]),
        ([where("firstname", "CONTAINS_TOKEN", "ann"), where("age", "HAS_PROPERTY")], ["1"]),
        ([where("hs_object_id", "GT", "1")], ["2", "3"]),
    ],
)
def test_each_operator_finds_what_it_should(serve: Serve, filters: list[dict[str, Any]], ids: list[str]) -> None:
    assert find(serve(hubspot_world(*PEOPLE, properties=[{"name": "age", "type": "number"}])), *filters) == ids


def test_groups_are_alternatives_and_a_query_looks_in_secondary_addresses(serve: Serve) -> None:
    desk = serve(hubspot_world(*PEOPLE, contact(4, "d@z.example", hs_additional_emails="deep@z.example")))
    groups = [{"filters": [where("firstname", "EQ", name)]} for name in ("ann", "bob")]
    assert find(desk, filterGroups=groups) == ["1", "2"]
    assert find(desk, query="deep") == ["4"]


def test_associations_filter_too(serve: Serve) -> None:
    desk = serve(hubspot_world(*PEOPLE, calls=[{"id": 50, "associations": {"contacts": [2]}}]))
    assert find(desk, where("associations.call", "EQ", "50")) == ["2"]


def test_there_is_one_sort(serve: Serve) -> None:
    desk = serve(hubspot_world(*PEOPLE))
    down = [{"propertyName": "createdate", "direction": "DESCENDING"}]
    assert find(desk) == ["1", "2", "3"]
    assert find(desk, sorts=down) == ["3", "2", "1"]
    two = desk.hubspot("POST", SEARCH, json={"sorts": [*down, {"propertyName": "email"}]})
    assert two.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [where("email", "HAS_PROPERTY")] * 7}]},
        {"filterGroups": [{"filters": [where("email", "HAS_PROPERTY")] * 5}] * 4},
        {"query": "x" * 3000},
        {"filterGroups": [{"filters": [where("nonsense", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [where("email", "LIKE", "1")]}]},
        {"after": "9990"},
        {"after": 9801, "limit": 200},
    ],
)
def test_what_goes_past_a_limit_is_refused(serve: Serve, body: dict[str, Any]) -> None:
    body = {"limit": 20, **body} if "after" in body and "limit" not in body else body
    answer = serve(hubspot_world()).hubspot("POST", SEARCH, json=body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_ten_thousand_results_can_be_read_and_no_more(serve: Serve) -> None:
    desk = serve(hubspot_world(*(contact(number) for number in range(1, 10_102))))
    last = desk.hubspot("POST", SEARCH, json={"limit": 200, "after": "9800"}).json()
    assert (last["total"], len(last["results"])) == (10_101, 200)
    assert last["paging"]["next"]["after"] == "10000"
    assert desk.hubspot("POST", SEARCH, json={"limit": 200, "after": "10000"}).status_code == 400


def test_search_bears_no_limit_headers_and_allows_five_a_second(serve: Serve) -> None:
    desk = serve(hubspot_world(*PEOPLE))
    desk.faults(hubspot__search_per_second=TAKEN)
    answers = [desk.hubspot("POST", SEARCH, json={}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert not [name for name in answers[0].headers if name.startswith("X-HubSpot")]
    assert answers[5].json()["policyName"] == "SECONDLY"
    assert answers[5].json()["message"] == "You have reached your secondly limit."


def test_a_clock_that_is_set_ahead_opens_the_windows_of_limits(serve: Serve) -> None:
    desk = serve(hubspot_world(*PEOPLE))
    desk.faults(hubspot__search_per_second=1, hubspot__burst_limit=1)
    for second in (0, 30):
        desk.sandbox.set_clock(f"2026-11-20T13:00:{second:02}Z")
        assert [desk.hubspot("POST", SEARCH, json={}).status_code for _ in range(2)] == [200, 429]
        assert [desk.hubspot("GET", "/crm/v3/owners").status_code for _ in range(2)] == [200, 429]
    desk.sandbox.set_clock("2026-11-20T13:00:00Z")
    assert desk.hubspot("GET", "/crm/v3/owners").status_code == 429


def test_what_was_written_a_moment_ago_is_not_found_yet(serve: Serve) -> None:
    desk = serve(hubspot_world(*PEOPLE))
    made = desk.hubspot("POST", "/crm/v3/objects/contacts", json={"properties": {"email": "n@x.example"}}).json()["id"]
    desk.hubspot("PATCH", "/crm/v3/objects/contacts/1", json={"properties": {"firstname": "Zoe"}})
    desk.hubspot("DELETE", "/crm/v3/objects/contacts/2")
    assert find(desk) == ["1", "2", "3"]
    assert find(desk, where("firstname", "EQ", "ann")) == ["1"]
    desk.sandbox.set_clock("2026-11-20T12:00:09Z")
    assert find(desk, where("firstname", "EQ", "zoe")) == []
    desk.sandbox.set_clock("2026-11-20T12:00:10Z")
    assert find(desk) == ["1", "3", made]
    assert find(desk, where("firstname", "EQ", "zoe")) == ["1"]


def test_between_two_writes_the_index_shows_the_first_once_its_time_has_come(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1, firstname="A")))

    def rename(name: str) -> None:
        desk.hubspot("PATCH", "/crm/v3/objects/contacts/1", json={"properties": {"firstname": name}})

    rename("B")
    desk.sandbox.set_clock("2026-11-20T12:00:06Z")
    rename("C")
    assert find(desk, where("firstname", "EQ", "a")) == ["1"]
    desk.sandbox.set_clock("2026-11-20T12:00:11Z")
    assert find(desk, where("firstname", "EQ", "b")) == ["1"]
    desk.sandbox.set_clock("2026-11-20T12:00:16Z")
    assert find(desk, where("firstname", "EQ", "c")) == ["1"]


def test_the_lag_can_be_set_and_archived_records_are_never_found(serve: Serve) -> None:
    desk = serve(hubspot_world(*PEOPLE, {**contact(9, "z@x.example"), "archived": True}))
    desk.faults(hubspot__search_lag_seconds=0)
    made = desk.hubspot("POST", "/crm/v3/objects/contacts", json={"properties": {"email": "n@x.example"}}).json()["id"]
    assert find(desk) == ["1", "2", "3", made]


def test_the_total_may_run_ahead_of_the_results(serve: Serve) -> None:
    desk = serve(hubspot_world())
    desk.faults(hubspot__search_total_runs_ahead=True)
    desk.hubspot("POST", "/crm/v3/objects/contacts", json={"properties": {"email": "n@x.example"}})
    body = desk.hubspot("POST", SEARCH, json={}).json()
    assert (body["total"], body["results"]) == (1, [])
