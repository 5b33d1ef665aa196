"""Rows one by one: what is refused, what follows from what, keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.sandbox.salesforce.ids import padded
from tests.sandbox.org import ACCOUNT, OrgDesk, refusal

Enter = Callable[..., OrgDesk]
LEAVERS = [{"Id": "005A", "Username": "gone@x.example", "LastName": "Gone", "IsActive": False}]
PEOPLE = [
    {"Id": "003A", "LastName": "Able", "Email": "ann@x.example", "AccountId": "001A"},
    {"Id": "003D", "LastName": "Deleted", "IsDeleted": True},
    {"Id": "003E", "LastName": "Expired", "IsDeleted": True, "SystemModstamp": "2026-11-05T12:00:00Z"},
]
LEADS = [
    {"Id": "00QA", "LastName": "Cole", "Company": "Coal"},
    {"Id": "00QC", "LastName": "Was", "Company": "Was", "IsConverted": True, "ConvertedContactId": "003A"},
]


@pytest.fixture
def desk(org: Enter) -> OrgDesk:
    return org(User=[*LEAVERS], Contact=PEOPLE, Lead=LEADS)


def full(short: str) -> str:
    return padded(short)


@pytest.mark.parametrize(
    ("name", "values", "code", "fields"),
    [
        ("Contact", {"FirstName": "x"}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ("Lead", {"LastName": "x"}, "REQUIRED_FIELD_MISSING", ["Company"]),
        ("Contact", {"LastName": "x" * 81}, "STRING_TOO_LONG", ["LastName"]),
        ("Contact", {"LastName": "x", "Email": "badone"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ("Task", {"Subject": "x" * 256}, "STRING_TOO_LONG", ["Subject"]),
        ("Task", {"Description": "x" * 32_001}, "STRING_TOO_LONG", ["Description"]),
        ("Task", {"Turnout_Id__c": "x" * 256}, "STRING_TOO_LONG", ["Turnout_Id__c"]),
        ("Task", {"Type": "Webnar"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Type"]),
        ("Task", {"TaskSubtype": "Mail"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["TaskSubtype"]),
        ("Task", {"Foo__c": 1}, "INVALID_FIELD", None),
        ("Task", {"IsClosed": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["IsClosed"]),
        (
            "Task",
            {"CompletedDateTime": "2026-01-01T00:00:00Z"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            ["CompletedDateTime"],
        ),
        ("Task", {"CreatedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["CreatedDate"]),
        ("Task", {"Id": "00T5g0000000001AAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Id"]),
        ("Task", {"ActivityDate": "2026-02-30"}, "JSON_PARSER_ERROR", None),
        ("Task", {"Turnout_Occurred_At__c": "yesterday"}, "JSON_PARSER_ERROR", None),
        ("Task", {"CallDurationInSeconds": "many"}, "JSON_PARSER_ERROR", None),
        ("Task", {"IsReminderSet": "perhaps"}, "JSON_PARSER_ERROR", None),
        ("Task", {"WhoId": "003"}, "MALFORMED_ID", ["WhoId"]),
        ("Task", {"WhoId": full("001A")}, "FIELD_INTEGRITY_EXCEPTION", ["WhoId"]),
        ("Task", {"WhoId": full("003Z")}, "INVALID_CROSS_REFERENCE_KEY", ["WhoId"]),
        ("Task", {"WhoId": full("003D")}, "ENTITY_IS_DELETED", ["WhoId"]),
        ("Task", {"WhoId": full("003E")}, "INVALID_CROSS_REFERENCE_KEY", ["WhoId"]),
        ("Task", {"WhoId": full("00QC")}, "CANNOT_UPDATE_CONVERTED_LEAD", ["WhoId"]),
        ("Task", {"WhoId": full("00QA"), "WhatId": full("001A")}, "FIELD_INTEGRITY_EXCEPTION", ["WhatId"]),
        ("Task", {"OwnerId": full("005A")}, "INACTIVE_OWNER_OR_USER", ["OwnerId"]),
        ("Event", {"Subject": "x"}, "REQUIRED_FIELD_MISSING", ["ActivityDateTime"]),
        ("Event", {"StartDateTime": "2026-11-20T10:00:00Z"}, "REQUIRED_FIELD_MISSING", ["DurationInMinutes"]),
        (
            "Event",
            {"StartDateTime": "2026-11-20T10:00:00Z", "DurationInMinutes": 30, "EndDateTime": "2026-11-20T11:00:00Z"},
            "FIELD_INTEGRITY_EXCEPTION",
            ["EndDateTime"],
        ),
        ("CampaignMember", {"CampaignId": full("701Z")}, "INVALID_CROSS_REFERENCE_KEY", ["CampaignId"]),
        ("TaskStatus", {"MasterLabel": "x"}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", None),
    ],
)
def test_a_row_that_cannot_be_is_refused_and_nothing_is_kept(
    desk: OrgDesk, name: str, values: dict[str, Any], code: str, fields: list[str] | None
) -> None:
    before = desk.world()
    answer = desk.ask("POST", f"/sobjects/{name}", values)
    assert refusal(answer) == (400, code)
    assert answer.json()[0].get("fields") == fields
    assert desk.world() == before


def test_a_task_that_is_created_is_filled_in(desk: OrgDesk) -> None:
    answer = desk.ask(
        "POST",
        "/sobjects/Task",
        {
            "Subject": "Hi",
            "WhoId": full("003A")[:15],
            "Status": "Completed",
            "ActivityDate": "2026-11-19",
            "Turnout_Id__c": "t:1",
        },
    )
    assert answer.status_code == 201
    task = answer.json()["id"]
    assert answer.json() == {"id": task, "success": True, "errors": []}
    assert answer.headers["Location"] == f"/services/data/v60.0/sobjects/Task/{task}"
    row = desk.ask("GET", f"/sobjects/Task/{task[:15]}").json()
    me = desk.rows("SELECT Id FROM User WHERE Username = 'integration@turnout.example'")[0]["Id"]
    expected = {
        "Id": task,
        "WhoId": full("003A"),
        "AccountId": full(ACCOUNT),
        "IsClosed": True,
        "Priority": "Normal",
        "TaskSubtype": "Task",
        "OwnerId": me,
        "CreatedById": me,
        "CompletedDateTime": "2026-11-20T12:00:00.000+0000",
        "CreatedDate": "2026-11-20T12:00:00.000+0000",
        "SystemModstamp": "2026-11-20T12:00:00.000+0000",
        "IsArchived": False,
        "Type": None,
        "Turnout_Activity__c": None,
    }
    assert {key: row[key] for key in expected} == expected
    only = desk.ask("GET", f"/sobjects/Task/{task}", params={"fields": "Subject,Status"}).json()
    assert set(only) == {"attributes", "Id", "Subject", "Status"}


def test_a_status_opens_and_closes_and_the_same_one_keeps_the_moment(desk: OrgDesk) -> None:
    task = desk.add("Task", Subject="x")
    assert desk.row("Task", task)["Status"] == "Not Started"
    for hour, status, completed in (
        ("13", "Completed", "2026-11-20T13:00:00.000+0000"),
        ("14", "Completed", "2026-11-20T13:00:00.000+0000"),
        ("15", "In Progress", None),
    ):
        desk.desk.sandbox.set_clock(f"2026-11-20T{hour}:00:00Z")
        assert desk.ask("PATCH", f"/sobjects/Task/{task}", {"Status": status}).status_code == 204
        row = desk.row("Task", task)
        assert row["CompletedDateTime"] == completed
        assert row["IsClosed"] is (completed is not None)
        assert row["LastModifiedDate"] == row["SystemModstamp"] == f"2026-11-20T{hour}:00:00.000+0000"
        assert row["CreatedDate"] == "2026-11-20T12:00:00.000+0000"


def test_a_closed_task_moves_its_parents_and_an_open_one_does_not(desk: OrgDesk) -> None:
    desk.desk.sandbox.set_clock("2026-11-20T13:00:00Z")
    desk.add("Task", WhoId=full("003A"), ActivityDate="2026-11-20")
    before = desk.row("Contact", full("003A"))
    assert (before.get("LastActivityDate"), before["SystemModstamp"]) == (None, "2026-11-20T12:00:00.000+0000")
    closed = desk.add("Task", WhoId=full("003A"), ActivityDate="2026-11-19", Status="Completed")
    for name, short in (("Contact", "003A"), ("Account", ACCOUNT)):
        after = desk.row(name, full(short))
        assert after["LastActivityDate"] == "2026-11-19"
        assert after["SystemModstamp"] == "2026-11-20T13:00:00.000+0000"
        assert after["LastModifiedDate"] == "2026-11-20T12:00:00.000+0000"
    older = desk.add("Task", WhoId=full("003A"), ActivityDate="2026-11-01", Status="Completed")
    assert desk.row("Contact", full("003A"))["LastActivityDate"] == "2026-11-19"
    desk.ask("DELETE", f"/sobjects/Task/{closed}")
    assert desk.row("Contact", full("003A"))["LastActivityDate"] == "2026-11-01"
    desk.ask("DELETE", f"/sobjects/Task/{older}")
    assert desk.row("Contact", full("003A"))["LastActivityDate"] is None


@pytest.mark.parametrize(
    ("name", "values", "code"),
    [
        ("Task", {"TaskSubtype": "Call"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Task", {"Id": "00T5g0000000001AAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Task", {"Status": None}, "REQUIRED_FIELD_MISSING"),
        ("Contact", {"LastName": None}, "REQUIRED_FIELD_MISSING"),
    ],
)
def test_a_change_that_cannot_be_is_refused(desk: OrgDesk, name: str, values: dict[str, Any], code: str) -> None:
    row = desk.add(name, **({"LastName": "x"} if name == "Contact" else {"Subject": "x"}))
    assert refusal(desk.ask("PATCH", f"/sobjects/{name}/{row}", values)) == (400, code)


def test_rows_that_are_gone_converted_or_unknown(desk: OrgDesk) -> None:
    task = desk.add("Task", Subject="x")
    assert desk.ask("DELETE", f"/sobjects/Task/{task}").status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert refusal(desk.ask(method, f"/sobjects/Task/{task}", {"Subject": "y"})) == (404, "ENTITY_IS_DELETED")
    assert desk.rows("SELECT Id FROM Task") == []
    assert desk.rows("SELECT Id, IsDeleted FROM Task", "queryAll") == [{"Id": task, "IsDeleted": True}]
    desk.desk.sandbox.set_clock("2026-12-05T12:00:00Z")
    desk.enter()
    assert desk.rows("SELECT Id FROM Task", "queryAll") == []
    assert refusal(desk.ask("GET", f"/sobjects/Task/{task}")) == (404, "NOT_FOUND")
    assert refusal(desk.ask("PATCH", f"/sobjects/Lead/{full('00QC')}", {"LastName": "x"})) == (
        400,
        "CANNOT_UPDATE_CONVERTED_LEAD",
    )
    assert refusal(desk.ask("POST", "/sobjects/Nothing", {})) == (404, "NOT_FOUND")
    assert refusal(desk.ask("DELETE", f"/sobjects/User/{full('005A')}")) == (400, "INSUFFICIENT_ACCESS_OR_READONLY")


def test_an_external_id_creates_changes_and_is_one_for_tasks_and_events(desk: OrgDesk) -> None:
    path = "/sobjects/Task/Turnout_Id__c/t:1"
    assert refusal(desk.ask("GET", path)) == (404, "NOT_FOUND")
    assert refusal(desk.ask("PATCH", f"{path}?updateOnly=true", {"Subject": "a"})) == (404, "NOT_FOUND")
    made = desk.ask("PATCH", path, {"Subject": "a"})
    assert (made.status_code, made.json()["created"]) == (201, True)
    again = desk.ask("PATCH", path, {"Subject": "b"})
    assert (again.status_code, again.json()["created"], again.json()["id"]) == (200, False, made.json()["id"])
    assert desk.ask("GET", path).json()["Subject"] == "b"
    assert desk.ask("PATCH", "/sobjects/Task/Turnout_Id__c/T:1", {"Subject": "case"}).status_code == 201
    event = {"Subject": "e", "StartDateTime": "2026-11-20T10:00:00Z", "DurationInMinutes": 5, "Turnout_Id__c": "t:1"}
    assert refusal(desk.ask("POST", "/sobjects/Event", event)) == (400, "DUPLICATE_VALUE")
    assert refusal(desk.ask("POST", "/sobjects/Task", {"Turnout_Id__c": "t:1"})) == (400, "DUPLICATE_VALUE")
    assert refusal(desk.ask("PATCH", path, {"Turnout_Id__c": "t:1"})) == (400, "INVALID_FIELD")
    assert refusal(desk.ask("PATCH", "/sobjects/Task/Subject/x", {})) == (404, "NOT_FOUND")
    assert desk.ask("DELETE", path).status_code == 204
    assert desk.ask("PATCH", path, {"Subject": "c"}).status_code == 201


def test_several_rows_with_one_key_are_300_and_nothing_is_written(desk: OrgDesk) -> None:
    twin = desk.add("Contact", LastName="Twin", Email="ann@x.example")
    answer = desk.ask("PATCH", "/sobjects/Contact/Email/ANN@x.example", {"LastName": "x"})
    assert answer.status_code == 300
    assert answer.json()[1] == f"/services/data/v60.0/sobjects/Contact/{twin}"
    assert desk.row("Contact", twin)["LastName"] == "Twin"


def test_rules_of_the_org_and_room(desk: OrgDesk) -> None:
    rules = ["Task | Priority = 'High' AND WhoId = null | High needs a person | Priority"]
    desk.faults(salesforce__validation_rules=rules)
    answer = desk.ask("POST", "/sobjects/Task", {"Priority": "High"})
    assert refusal(answer) == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert (answer.json()[0]["message"], answer.json()[0]["fields"]) == ("High needs a person", ["Priority"])
    assert desk.ask("POST", "/sobjects/Task", {"Priority": "Low"}).status_code == 201
    desk.faults(salesforce__storage_rows=5)
    assert refusal(desk.ask("POST", "/sobjects/Task", {})) == (400, "STORAGE_LIMIT_EXCEEDED")


def test_a_duplicate_rule_asks_or_forbids(desk: OrgDesk) -> None:
    twin = {"LastName": "x", "Company": "y", "Email": "ANN@x.example"}
    allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=true"}
    for rule, plain, allowed in (("block", 400, 400), ("alert", 400, 201), ("off", 201, 201)):
        desk.faults(salesforce__duplicate_rule=rule)
        assert desk.ask("POST", "/sobjects/Lead", twin).status_code == plain, rule
        assert desk.ask("POST", "/sobjects/Lead", twin, headers=allow).status_code == allowed, rule
    desk.faults(salesforce__duplicate_rule="block")
    assert refusal(desk.ask("POST", "/sobjects/Lead", twin)) == (400, "DUPLICATES_DETECTED")


def test_an_unrestricted_picklist_takes_anything(desk: OrgDesk) -> None:
    desk.faults(salesforce__restricted_task_types=False)
    assert desk.ask("POST", "/sobjects/Task", {"Type": "Webnar"}).status_code == 201


def test_only_open_tasks_with_a_date_lock_their_parents(desk: OrgDesk) -> None:
    desk.faults(salesforce__locked_parents=[full("003A")], salesforce__lock_times=1)
    task = desk.add("Task", WhoId=full("003A"), Status="Completed", ActivityDate="2026-11-19")
    desk.add("Task", WhoId=full("003A"))
    open_ = {"WhoId": full("003A"), "ActivityDate": "2026-11-19"}
    assert refusal(desk.ask("POST", "/sobjects/Task", open_)) == (400, "UNABLE_TO_LOCK_ROW")
    assert desk.ask("POST", "/sobjects/Task", open_).status_code == 201
    desk.faults(salesforce__locked_parents=[full("003A")], salesforce__wrapped_locks=True)
    answer = desk.ask("PATCH", f"/sobjects/Task/{task}", {"Subject": "y"})
    assert refusal(answer) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    assert "UNABLE_TO_LOCK_ROW" in answer.json()[0]["message"]
    assert desk.ask("DELETE", f"/sobjects/Task/{task}").status_code == 400
