"""Up to 200 rows at once, and several requests in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.org import CONTACT, OrgDesk, refusal

Enter = Callable[..., OrgDesk]
TASKS = "/composite/sobjects/Task/Turnout_Id__c"


def task(key: str | None, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Task"}, "Turnout_Id__c": key, **values}


def codes(results: list[dict[str, Any]]) -> list[str]:
    return ["ok" if one["success"] else one["errors"][0]["statusCode"] for one in results]


def test_results_stand_in_the_order_of_the_request_and_failures_have_no_id(org: Enter) -> None:
    desk = org()
    desk.add("Task", Turnout_Id__c="b")
    results = desk.upsert({"Turnout_Id__c": "a"}, {"Turnout_Id__c": "x", "Subject": "x" * 256}, {"Turnout_Id__c": "b"})
    assert [one.get("created") for one in results] == [True, None, False]
    assert "id" not in results[1]
    (error,) = results[1]["errors"]
    assert (error["statusCode"], error["fields"]) == ("STRING_TOO_LONG", ["Subject"])
    assert results[2] == {"id": results[2]["id"], "success": True, "errors": [], "created": False}
    assert desk.desk.sandbox.requests()[-1]["records"] == 2


def test_the_same_key_twice_fails_on_each_of_its_rows(org: Enter) -> None:
    desk = org()
    results = desk.upsert(
        {"Turnout_Id__c": "a"}, {"Turnout_Id__c": "b"}, {"Turnout_Id__c": "a"}, {"Turnout_Id__c": None}
    )
    assert codes(results) == ["DUPLICATE_VALUE", "ok", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    assert [row["Turnout_Id__c"] for row in desk.world()["Task"]] == ["b"]


def test_all_or_none_rolls_the_innocent_back(org: Enter) -> None:
    desk = org()
    desk.upsert({"Turnout_Id__c": "old", "Subject": "before"})
    before = desk.world()
    closed = {"Status": "Completed", "WhoId": desk.id("Contact"), "ActivityDate": "2026-11-19"}
    results = desk.upsert(
        {"Turnout_Id__c": "new", **closed},
        {"Turnout_Id__c": "old", "Subject": "after"},
        {"Turnout_Id__c": "bad", "Type": "?"},
        whole=True,
    )
    rolled = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert codes(results) == [rolled, rolled, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    assert desk.world() == before
    assert codes(desk.upsert({"Turnout_Id__c": "new"}, {"Turnout_Id__c": "old"}, whole=True)) == ["ok", "ok"]


@pytest.mark.parametrize(
    ("method", "path", "body", "refused"),
    [
        ("PATCH", TASKS, {"records": [task(str(at)) for at in range(201)]}, (400, "LIMIT_EXCEEDED")),
        ("POST", "/composite/sobjects", {"records": [task(str(at)) for at in range(201)]}, (400, "LIMIT_EXCEEDED")),
        ("PATCH", TASKS, {"records": []}, (400, "MISSING_ARGUMENT")),
        ("PATCH", TASKS, {"records": [{"Turnout_Id__c": "a"}]}, (400, "INVALID_TYPE")),
        ("PATCH", TASKS, {"records": [task("a"), {"attributes": {"type": "Event"}}]}, (400, "INVALID_TYPE")),
        ("PATCH", TASKS, {"records": "all"}, (400, "JSON_PARSER_ERROR")),
        ("PATCH", TASKS, [], (400, "JSON_PARSER_ERROR")),
        ("PATCH", "/composite/sobjects/Task/Subject", {"records": [task("a")]}, (404, "NOT_FOUND")),
        ("PATCH", "/composite/sobjects/Tusk/Turnout_Id__c", {"records": [task("a")]}, (404, "NOT_FOUND")),
    ],
)
def test_a_request_that_cannot_be_is_refused_whole(
    org: Enter, method: str, path: str, body: Any, refused: tuple[int, str]
) -> None:
    desk = org()
    assert refusal(desk.ask(method, path, body)) == refused
    assert desk.world()["Task"] == []


def test_rows_are_created_changed_and_deleted_by_id(org: Enter) -> None:
    desk = org()
    mixed = [task("a"), {"attributes": {"type": "Contact"}, "LastName": "x"}, {"attributes": {"type": "Contact"}}]
    made = desk.ask("POST", "/composite/sobjects", {"records": mixed}).json()
    assert codes(made) == ["ok", "ok", "REQUIRED_FIELD_MISSING"]
    assert "created" not in made[0]
    turns = [part for _ in range(6) for part in (task(None), {"attributes": {"type": "Contact"}, "LastName": "x"})]
    assert refusal(desk.ask("POST", "/composite/sobjects", {"records": turns})) == (400, "LIMIT_EXCEEDED")
    first, second = made[0]["id"], made[1]["id"]
    changes = [
        {"attributes": {"type": "Task"}, "id": first, "Subject": "new"},
        {"attributes": {"type": "Contact"}, "Id": second, "Email": "badone"},
        {"attributes": {"type": "Task"}, "id": "00T5g0009999999AAA", "Subject": "x"},
        {"attributes": {"type": "Task"}, "Subject": "x"},
    ]
    results = desk.ask("PATCH", "/composite/sobjects", {"records": changes}).json()
    assert codes(results)[:2] == ["ok", "INVALID_EMAIL_ADDRESS"]
    assert codes(results)[3] == "MISSING_ARGUMENT"
    gone = desk.ask("DELETE", f"/composite/sobjects?ids={first},{second},nothing").json()
    assert codes(gone) == ["ok", "ok", "MALFORMED_ID"]
    again = desk.ask("DELETE", f"/composite/sobjects?ids={first}").json()
    assert codes(again) == ["ENTITY_IS_DELETED"]
    assert refusal(desk.ask("DELETE", f"/composite/sobjects?ids={','.join([first] * 201)}")) == (400, "LIMIT_EXCEEDED")


def test_rows_are_read_by_their_ids(org: Enter) -> None:
    desk = org()
    contact = desk.id("Contact")
    body = {"ids": [contact[:15], "0035g0009999999AAA"], "fields": ["LastName", "email"]}
    for told in (
        desk.ask("POST", "/composite/sobjects/Contact", body).json(),
        desk.ask(
            "GET", "/composite/sobjects/Contact", params={key: ",".join(value) for key, value in body.items()}
        ).json(),
    ):
        assert {key: told[0][key] for key in ("Id", "LastName", "Email")} == {
            "Id": contact,
            "LastName": "Able",
            "Email": "ann@x.example",
        }
        assert told[1] is None
    wrong = {"ids": [contact], "fields": ["Nope"]}
    assert refusal(desk.ask("POST", "/composite/sobjects/Contact", wrong)) == (400, "INVALID_FIELD")


def part(name: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    return {"referenceId": name, "method": method, "url": f"/services/data/v60.0{path}", "body": body}


def test_requests_in_one_refer_to_each_other_and_cost_one_call(org: Enter) -> None:
    desk = org()
    used = desk.ask("GET", "/limits").headers["Sforce-Limit-Info"]
    parts = [
        part("contact", "POST", "/sobjects/Contact", {"LastName": "New"}),
        part("task", "POST", "/sobjects/Task", {"WhoId": "@{contact.id}", "Subject": "for @{contact.id}"}),
        part("found", "GET", "/query?q=SELECT+Who.Name+FROM+Task+WHERE+Id='@{task.id}'"),
        part("bad", "GET", "/sobjects/Contact/@{found.records[7].Id}"),
    ]
    answer = desk.ask("POST", "/composite", {"compositeRequest": parts})
    told = answer.json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in told] == [201, 201, 200, 400]
    assert told[2]["body"]["records"][0]["Who"]["Name"] == "New"
    assert told[3]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert (used, answer.headers["Sforce-Limit-Info"]) == ("api-usage=1/100000", "api-usage=2/100000")


def test_all_or_none_of_a_composite_and_its_limits(org: Enter) -> None:
    desk = org()
    before = desk.world()
    parts = [part("a", "POST", "/sobjects/Task", {"Subject": "x"}), part("b", "POST", "/sobjects/Task", {"Foo": 1})]
    told = desk.ask("POST", "/composite", {"allOrNone": True, "compositeRequest": parts}).json()["compositeResponse"]
    assert [one["body"][0]["errorCode"] for one in told] == ["PROCESSING_HALTED", "INVALID_FIELD"]
    assert desk.world() == before
    for parts in (
        [part(f"r{at}", "GET", "/limits") for at in range(26)],
        [part(f"q{at}", "GET", "/query?q=x") for at in range(6)],
    ):
        assert refusal(desk.ask("POST", "/composite", {"compositeRequest": parts})) == (400, "LIMIT_EXCEEDED")


def test_a_field_that_only_one_row_has_wrong_spoils_no_other(org: Enter) -> None:
    desk = org(Contact=[{"Id": CONTACT, "LastName": "x"}])
    results = desk.upsert(
        *({"Turnout_Id__c": f"k{at}", "WhoId": desk.id("Contact") if at != 57 else "003"} for at in range(200))
    )
    assert codes(results).count("ok") == 199
    assert codes(results)[57] == "MALFORMED_ID"
