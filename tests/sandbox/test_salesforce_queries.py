"""SOQL, its pages, what describe tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.org import CONTACT, LEAD, OrgDesk, refusal

Enter = Callable[..., OrgDesk]
PEOPLE: list[dict[str, Any]] = [
    {"LastName": "Able", "FirstName": "Ann", "Email": "ann@x.example", "CreatedDate": "2026-11-01T00:00:00Z"},
    {"LastName": "baker", "Email": None, "CreatedDate": "2026-11-18T10:00:00Z", "HasOptedOutOfEmail": True},
    {"LastName": "O'Neil", "FirstName": "Zed", "Email": "zed@y.example", "CreatedDate": "2026-11-20T11:59:59Z"},
]


def named(desk: OrgDesk, where: str, rest: str = "ORDER BY LastName") -> list[str]:
    return [row["LastName"] for row in desk.rows(f"SELECT LastName FROM Contact WHERE {where} {rest}")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("LastName = 'ABLE'", ["Able"]),
        ("LastName != 'able'", ["baker", "O'Neil"]),
        ("Email = null", ["baker"]),
        ("Email != null AND HasOptedOutOfEmail = FALSE", ["Able", "O'Neil"]),
        ("Email NOT IN ('ann@x.example')", ["baker", "O'Neil"]),
        ("LastName IN ('able', 'Baker')", ["Able", "baker"]),
        ("LastName LIKE 'o\\'n%'", ["O'Neil"]),
        ("LastName LIKE '_ble'", ["Able"]),
        ("LastName LIKE 'a\\_le'", []),
        ("NOT LastName = 'Able'", ["baker", "O'Neil"]),
        ("(LastName = 'Able' OR LastName = 'Baker') AND HasOptedOutOfEmail = true", ["baker"]),
        ("CreatedDate >= 2026-11-18T10:00:00Z", ["baker", "O'Neil"]),
        ("CreatedDate > 2026-11-18T10:00:00Z", ["O'Neil"]),
        ("CreatedDate >= 2026-11-18T11:00:00+01:00", ["baker", "O'Neil"]),
        ("CreatedDate = TODAY", ["O'Neil"]),
        ("CreatedDate = LAST_N_DAYS:2", ["baker", "O'Neil"]),
        ("CreatedDate < LAST_N_DAYS:2", ["Able"]),
        ("CreatedDate > LAST_N_DAYS:2", []),
        ("CreatedDate = THIS_MONTH", ["Able", "baker", "O'Neil"]),
        ("CreatedDate = LAST_MONTH", []),
        ("Owner.Email = 'integration@turnout.example'", ["Able", "baker", "O'Neil"]),
    ],
)
def test_a_condition_takes_these_rows(org: Enter, where: str, found: list[str]) -> None:
    assert named(org(Contact=PEOPLE), where) == found


def test_rows_are_sorted_cut_and_counted(org: Enter) -> None:
    desk = org(Contact=PEOPLE)
    every = "Id != null"
    assert named(desk, every, "ORDER BY Email") == ["baker", "Able", "O'Neil"]
    assert named(desk, every, "ORDER BY Email DESC NULLS LAST") == ["O'Neil", "Able", "baker"]
    assert named(desk, every, "ORDER BY HasOptedOutOfEmail DESC, LastName DESC") == ["baker", "O'Neil", "Able"]
    assert named(desk, every, "ORDER BY LastName LIMIT 1 OFFSET 1") == ["baker"]
    counted = desk.query("SELECT COUNT() FROM Contact WHERE Email = null").json()
    assert counted == {"totalSize": 1, "done": True, "records": []}
    several = desk.rows("SELECT COUNT(Email), MAX(CreatedDate) latest FROM Contact")
    assert several == [{"expr0": 2, "latest": "2026-11-20T11:59:59.000+0000"}]


def test_relationships_are_nested_and_polymorphic_ones_know_little(org: Enter) -> None:
    task = {"Subject": "Call", "WhoId": CONTACT}
    desk = org(Task=[task, {"Subject": "Lead", "WhoId": LEAD}, {"Subject": "Alone"}])
    text = "SELECT Who.Type, Who.Name, Who.Email, Account.Name FROM Task t WHERE t.Who.Type = 'Contact'"
    (row,) = desk.query(text).json()["records"]
    assert row["attributes"]["type"] == "Task"
    assert row["Who"]["attributes"]["type"] == "Name"
    assert row["Who"]["attributes"]["url"].startswith("/services/data/v60.0/sobjects/Contact/")
    assert (row["Who"]["Type"], row["Who"]["Name"], row["Who"]["Email"]) == ("Contact", "Ann Able", None)
    assert row["Account"]["Name"] == "Acme"
    typed = "SELECT TYPEOF Who WHEN Contact THEN Email WHEN Lead THEN Company END FROM Task ORDER BY Subject"
    told = [row["Who"] for row in desk.rows(typed)]
    assert told[0] is None
    assert (told[1]["Email"], told[2]["Company"]) == ("ann@x.example", "Coal")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("SELEC Id FROM Task", "MALFORMED_QUERY", "unexpected token: 'SELEC'"),
        ("SELECT Id FROM Task WHERE", "MALFORMED_QUERY", "<EOF>"),
        ("SELECT Id FROM Task WHERE IsClosed = true AND Id != null OR Subject = 'x'", "MALFORMED_QUERY", "'OR'"),
        ("SELECT Id, id FROM Task", "MALFORMED_QUERY", "duplicate field"),
        ("SELECT Id FROM Task GROUP BY Id", "MALFORMED_QUERY", "GROUP BY"),
        ("SELECT Id, (SELECT Id FROM Tasks) FROM Contact", "MALFORMED_QUERY", "sub-queries"),
        ("SELECT Id FROM Task WHERE Id IN (SELECT Id FROM Task)", "MALFORMED_QUERY", "sub-queries"),
        ("SELECT Id FROM Task WHERE Subject = 'x", "MALFORMED_QUERY", "unexpected"),
        ("SELECT Id FROM Task ALL ROWS", "MALFORMED_QUERY", "ALL ROWS"),
        ("SELECT Id FROM Task WHERE CreatedDate > 2026-13-01T00:00:00Z", "MALFORMED_QUERY", "dateTime"),
        ("SELECT Foo FROM Task", "INVALID_FIELD", "No such column 'Foo' on entity 'Task'"),
        ("SELECT Id FROM Task WHERE Foo.Name = 'x'", "INVALID_FIELD", "relationship 'Foo'"),
        ("SELECT Who.Company FROM Task", "INVALID_FIELD", "'Name'"),
        ("SELECT Id FROM Task WHERE IsClosed = 'true'", "INVALID_FIELD", "not be enclosed"),
        ("SELECT Id FROM Task WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD", "dateTime"),
        ("SELECT Id FROM Task WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "dateTime"),
        ("SELECT Id FROM Task WHERE ActivityDate = 2026-01-01T00:00:00Z", "INVALID_FIELD", "date"),
        ("SELECT Id FROM Task WHERE Subject = 5", "INVALID_FIELD", "should be enclosed"),
        ("SELECT Id FROM Task WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Task ORDER BY Description", "INVALID_FIELD", "can not be sorted"),
        ("SELECT Id FROM Task WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID"),
        ("SELECT Id FROM Task WHERE Id LIKE '00T%'", "INVALID_QUERY_FILTER_OPERATOR", "LIKE"),
        ("SELECT Id FROM Task WHERE IsClosed > true", "INVALID_QUERY_FILTER_OPERATOR", "boolean"),
        ("SELECT Id FROM Tasks", "INVALID_TYPE", "'Tasks'"),
        ("SELECT Id FROM Task LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("", "MALFORMED_QUERY", "empty"),
    ],
)
def test_a_query_that_is_none_is_refused(org: Enter, text: str, code: str, words: str) -> None:
    answer = org().query(text)
    assert refusal(answer) == (400, code)
    assert words in answer.json()[0]["message"]


def many(count: int = 450) -> list[dict[str, Any]]:
    return [{"LastName": f"P{at:04}"} for at in range(count)]


def test_pages_follow_a_path_and_are_as_long_as_they_like(org: Enter) -> None:
    desk = org(Contact=many())
    seen: list[str] = []
    lengths = []
    body = desk.query(
        "SELECT LastName FROM Contact ORDER BY LastName", headers={"Sforce-Query-Options": "batchSize=200"}
    ).json()
    while True:
        seen += [row["LastName"] for row in body["records"]]
        lengths.append(len(body["records"]))
        assert body["totalSize"] == 450
        if body["done"]:
            break
        assert body["nextRecordsUrl"].startswith("/services/data/v60.0/query/0r8")
        body = desk.session.get(desk.instance + body["nextRecordsUrl"], timeout=10).json()
    assert seen == [row["LastName"] for row in many()]
    assert lengths == [200, 200, 50]
    desk.faults(salesforce__page_rows=100)
    first = desk.query("SELECT Id FROM Contact").json()
    second = desk.session.get(desk.instance + first["nextRecordsUrl"], timeout=10).json()
    assert (len(first["records"]), len(second["records"])) == (100, 99)


def test_a_locator_ends_with_time_and_with_too_many_others(org: Enter) -> None:
    desk = org(Contact=many())
    desk.faults(salesforce__page_rows=300, salesforce__open_locators=2)
    urls = [desk.query("SELECT Id FROM Contact").json()["nextRecordsUrl"] for _ in range(3)]
    answers = [desk.session.get(desk.instance + url, timeout=10) for url in urls]
    assert [answer.status_code for answer in answers] == [400, 200, 200]
    assert refusal(answers[0]) == (400, "INVALID_QUERY_LOCATOR")
    desk.desk.sandbox.set_clock("2026-11-20T12:16:00Z")
    assert refusal(desk.session.get(desk.instance + urls[2], timeout=10)) == (400, "INVALID_QUERY_LOCATOR")
    assert refusal(desk.ask("GET", "/query/0r8xx-200")) == (400, "INVALID_QUERY_LOCATOR")


def test_an_address_that_is_too_long_is_refused(org: Enter) -> None:
    assert org().query("SELECT Id FROM Contact WHERE LastName = '" + "x" * 16_500 + "'").status_code == 414


def fields(desk: OrgDesk, name: str = "Task") -> dict[str, Any]:
    return {field["name"]: field for field in desk.ask("GET", f"/sobjects/{name}/describe").json()["fields"]}


def test_describe_tells_the_fields_and_picklists_of_the_org(org: Enter) -> None:
    desk = org(task_types=["Webinar", "Call"], task_statuses=[{"ApiName": "Done", "IsClosed": True, "IsDefault": True}])
    found = fields(desk)
    key = found["Turnout_Id__c"]
    traits = ("externalId", "unique", "caseSensitive", "idLookup", "createable", "updateable", "custom")
    assert all(key[trait] for trait in traits)
    assert (key["type"], key["length"]) == ("string", 255)
    assert [value["value"] for value in found["Type"]["picklistValues"]] == ["Webinar", "Call"]
    assert found["Type"]["restrictedPicklist"]
    assert [value["defaultValue"] for value in found["Status"]["picklistValues"]] == [True]
    assert found["WhoId"]["referenceTo"] == ["Contact", "Lead"]
    assert not found["IsClosed"]["createable"]
    assert (found["TaskSubtype"]["createable"], found["TaskSubtype"]["updateable"]) == (True, False)
    assert "Turnout_Id__c" in fields(desk, "Event")
    rows = desk.rows("SELECT ApiName, IsClosed, IsDefault FROM TaskStatus")
    assert rows == [{"ApiName": "Done", "IsClosed": True, "IsDefault": True}]
    listed = {one["name"] for one in desk.ask("GET", "/sobjects").json()["sobjects"]}
    assert {"User", "Account", "Contact", "Lead", "Opportunity", "Task", "Event", "CampaignMember"} <= listed
    assert refusal(desk.ask("GET", "/sobjects/Nothing/describe")) == (404, "NOT_FOUND")


def test_fields_can_be_missing_hidden_or_read_only(org: Enter) -> None:
    desk = org()
    desk.faults(salesforce__missing_fields=["Turnout_Id__c"], salesforce__hidden_fields=["Task.Type"])
    assert not {"Turnout_Id__c", "Type"} & set(fields(desk))
    assert "Type" in fields(desk, "Event")
    assert refusal(desk.query("SELECT Type FROM Task")) == (400, "INVALID_FIELD")
    assert refusal(desk.ask("POST", "/sobjects/Task", {"Type": "Call"})) == (400, "INVALID_FIELD")
    upsert = desk.ask(
        "PATCH", "/composite/sobjects/Task/Turnout_Id__c", {"records": [{"attributes": {"type": "Task"}}]}
    )
    assert refusal(upsert) == (404, "NOT_FOUND")
    desk.faults(salesforce__readonly_fields=["Subject"])
    assert not fields(desk)["Subject"]["createable"]
    assert refusal(desk.ask("POST", "/sobjects/Task", {"Subject": "x"})) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


def test_the_zone_of_the_org_is_told_and_counts_for_relative_dates(org: Enter) -> None:
    late = {"LastName": "Late", "CreatedDate": "2026-11-19T23:30:00Z"}
    desk = org(Contact=[late], time_zone="Europe/Berlin")
    assert desk.rows("SELECT TimeZoneSidKey FROM Organization") == [{"TimeZoneSidKey": "Europe/Berlin"}]
    assert named(desk, "CreatedDate = TODAY") == ["Late"]


def test_updated_and_deleted_are_told_by_window(org: Enter) -> None:
    desk = org()
    task = desk.add("Task", Subject="x")
    desk.ask("DELETE", f"/sobjects/Task/{task}")
    window = {"start": "2026-11-20T11:00:00+00:00", "end": "2026-11-20T12:05:00Z"}
    told = desk.ask("GET", "/sobjects/Task/deleted", params=window).json()
    assert told["deletedRecords"] == [{"id": task, "deletedDate": "2026-11-20T12:00:00.000+0000"}]
    assert told["latestDateCovered"] == "2026-11-20T12:00:00.000+0000"
    assert desk.ask("GET", "/sobjects/Task/updated", params=window).json()["ids"] == []
    assert desk.id("Contact") in desk.ask("GET", "/sobjects/Contact/updated", params=window).json()["ids"]
    old = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-20T12:00:00Z"}
    assert refusal(desk.ask("GET", "/sobjects/Task/deleted", params=old)) == (400, "INVALID_REPLICATION_DATE")
    assert desk.ask("GET", "/sobjects/Task/updated", params=old).status_code == 200
