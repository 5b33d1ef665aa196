"""The org in the world: filling in, archiving, conversion, merging, limits, faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from pipelines.sandbox.salesforce.ids import checked, normal, padded
from pipelines.sandbox.world import WorldError, filled
from tests.sandbox.desk import Desk
from tests.sandbox.org import ACCOUNT, CONTACT, LEAD, OTHER, OrgDesk, org_world, refusal

Enter = Callable[..., OrgDesk]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("0014S000007Nxml", "0014S000007NxmlQAC"),
        ("0034S000005YJVl", "0034S000005YJVlQAO"),
        ("00Q4S000002sSac", "00Q4S000002sSacUAE"),
        ("a00D0000008pQRA", "a00D0000008pQRAIA2"),
    ],
)
def test_the_three_last_letters_tell_the_capitals(short: str, long: str) -> None:
    assert checked(short) == normal(short) == normal(long) == long
    assert normal(long[:-1] + "B") == ""
    assert normal(short.lower()) != long
    assert padded(short[:3] + "x").startswith(short[:3] + "00000000000x")


def test_a_short_world_is_filled_in_and_comes_back_unchanged(org: Enter) -> None:
    desk = org(Task=[{"WhoId": CONTACT, "Status": "Completed", "ActivityDate": "2026-11-10", "Extra__c": 5}])
    world = desk.desk.sandbox.world()
    (task,) = world["salesforce"][0]["Task"]
    assert (task["WhoId"], task["AccountId"]) == (padded(CONTACT), padded(ACCOUNT))
    assert (task["IsClosed"], task["IsDeleted"], task["CreatedDate"]) == (True, False, "2026-11-20T12:00:00.000+0000")
    assert desk.row("Contact", padded(CONTACT))["LastActivityDate"] == "2026-11-10"
    assert desk.rows("SELECT Extra__c FROM Task WHERE Extra__c > 4") == [{"Extra__c": 5}]
    assert filled(world) == world
    desk.upsert({"Turnout_Id__c": "a", "Subject": "kept"})
    written = desk.desk.sandbox.world()
    assert filled(written) == written
    other = OrgDesk(desk.desk)
    desk.desk.sandbox.put_world(written)
    assert other.rows("SELECT Subject FROM Task WHERE Turnout_Id__c = 'a'") == [{"Subject": "kept"}]


@pytest.mark.parametrize(
    ("org_", "words"),
    [
        ({"Contact": [{"Id": "00QA"}]}, "salesforce[0].Contact[0].Id: "),
        ({"Contact": [{"Id": "a!"}]}, "salesforce[0].Contact[0].Id: "),
        ({"Contact": [{"Id": "003A"}, {"Id": "00300000000000A"}]}, "salesforce[0].Contact[1].Id: "),
        ({"Contact": [{"CreatedDate": "soon"}]}, "salesforce[0].Contact[0].CreatedDate: "),
        ({"Contact": [{"Email": ["a@b.example"]}]}, "salesforce[0].Contact[0].Email: "),
        ({"Task": [{"WhoId": True}]}, "salesforce[0].Task[0].WhoId: "),
        ({"Contact": [{"CreatedDate": "0001-01-01T00:00:00Z"}]}, "salesforce[0].Contact[0].CreatedDate: "),
        ({"Task": [{"IsDeleted": "no way"}]}, "salesforce[0].Task[0].IsDeleted: "),
        ({"task_types": "Call"}, "salesforce[0].task_types: "),
        ({"task_statuses": [{"IsClosed": True}]}, "salesforce[0].task_statuses[0].ApiName: "),
        ({"time_zone": "Mars"}, "salesforce[0].time_zone: "),
        ({"org_id": "003"}, "salesforce[0].org_id: "),
        ({"integration_user": "nobody"}, "salesforce[0].integration_user: "),
        ({"Contacts": []}, "salesforce[0].Contacts: unknown key"),
    ],
)
def test_an_org_that_cannot_be_is_named_by_its_path(org_: dict[str, Any], words: str) -> None:
    with pytest.raises(WorldError) as caught:
        filled({"salesforce": [org_]})
    assert str(caught.value).startswith(words)


def test_two_orgs_are_told_apart_by_their_keys(serve: Callable[..., Desk]) -> None:
    first = org_world()["salesforce"][0]
    desk = OrgDesk(serve({"salesforce": [first, {"Contact": [{"LastName": "Elsewhere"}]}]}))
    other = desk.token(
        grant_type="client_credentials", client_id="sandbox-consumer-2", client_secret="sandbox-salesforce-secret-2"
    )
    desk.session.headers["Authorization"] = f"Bearer {other.json()['access_token']}"
    assert desk.rows("SELECT LastName FROM Contact") == [{"LastName": "Elsewhere"}]
    with pytest.raises(WorldError, match="client_id"):
        filled({"salesforce": [{"client_id": "a"}, {"client_id": "a"}]})


OLD = {"CreatedDate": "2025-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("name", "task", "archived"),
    [
        ("Task", {"Status": "Completed", "ActivityDate": "2025-11-20"}, True),
        ("Task", {"Status": "Completed", "ActivityDate": "2025-11-21"}, False),
        ("Task", {"ActivityDate": "2020-01-01"}, False),
        ("Task", {"Status": "Completed"}, True),
        ("Task", {"Status": "Completed", "CreatedDate": "2025-11-21T00:00:00Z"}, False),
        ("Event", {"StartDateTime": "2025-11-20T09:00:00Z"}, True),
        ("Event", {"StartDateTime": "2025-11-21T09:00:00Z"}, False),
    ],
)
def test_activities_of_a_year_ago_are_archived(org: Enter, name: str, task: dict[str, Any], archived: bool) -> None:
    desk = org(**{name: [{**OLD, **task}]})
    assert [row["IsArchived"] for row in desk.rows(f"SELECT IsArchived FROM {name}", "queryAll")] == [archived]
    assert len(desk.rows(f"SELECT Id FROM {name}")) == (not archived)


def test_an_old_task_is_archived_by_the_next_midnight_run_and_can_still_be_changed(org: Enter) -> None:
    desk = org()
    desk.faults(salesforce__session_minutes=None)
    desk.upsert({"Turnout_Id__c": "a", "Status": "Completed", "ActivityDate": "2025-01-01"})
    assert len(desk.rows("SELECT Id FROM Task")) == 1
    desk.desk.sandbox.set_clock("2026-11-22T09:00:00Z")
    assert desk.rows("SELECT Id FROM Task") == []
    (row,) = desk.rows("SELECT IsArchived, SystemModstamp, LastModifiedDate FROM Task", "queryAll")
    assert row["SystemModstamp"] == "2026-11-21T00:00:00.000+0000"
    assert row["LastModifiedDate"] == "2026-11-20T12:00:00.000+0000"
    assert desk.upsert({"Turnout_Id__c": "a", "Subject": "y"})[0]["created"] is False


def test_a_lead_is_converted_and_its_tasks_go_with_it(org: Enter) -> None:
    desk = org(Task=[{"WhoId": LEAD, "Status": "Completed", "ActivityDate": "2026-11-10"}], time_zone="Asia/Tokyo")
    desk.desk.sandbox.set_clock("2026-11-20T18:00:00Z")
    desk.enter()
    told = desk.desk.control("POST", "salesforce/convert", json={"leadId": LEAD})
    assert told.status_code == 200
    contact, account = told.json()["contactId"], told.json()["accountId"]
    lead = desk.row("Lead", padded(LEAD))
    assert (lead["IsConverted"], lead["ConvertedContactId"], lead["ConvertedAccountId"]) == (True, contact, account)
    assert lead["ConvertedDate"] == "2026-11-21"
    (task,) = desk.rows("SELECT WhoId, AccountId, LastModifiedDate, Who.Type FROM Task")
    assert (task["WhoId"], task["AccountId"], task["Who"]["Type"]) == (contact, account, "Contact")
    assert task["LastModifiedDate"] == "2026-11-20T18:00:00.000+0000"
    row = desk.row("Contact", contact)
    assert (row["Email"], row["LastActivityDate"], row["AccountId"]) == ("cole@x.example", "2026-11-10", account)
    again = desk.desk.control("POST", "salesforce/convert", json={"leadId": LEAD})
    assert (again.status_code, "already" in again.json()["error"]) == (400, True)
    assert filled(desk.desk.sandbox.world()) == desk.desk.sandbox.world()


def test_a_merge_leaves_the_loser_in_the_bin_and_names_the_winner(org: Enter) -> None:
    desk = org(Task=[{"WhoId": OTHER}])
    desk.desk.sandbox.set_clock("2026-11-20T13:00:00Z")
    body = {"winner": CONTACT, "loser": padded(OTHER)}
    assert desk.desk.control("POST", "salesforce/merge", json=body).json() == {
        key: padded(value) for key, value in body.items()
    }
    told = desk.rows("SELECT Id, IsDeleted, MasterRecordId FROM Contact ORDER BY Id", "queryAll")
    assert told[1] == {"Id": padded(OTHER), "IsDeleted": True, "MasterRecordId": padded(CONTACT)}
    (task,) = desk.rows("SELECT WhoId, SystemModstamp FROM Task")
    assert task == {"WhoId": padded(CONTACT), "SystemModstamp": "2026-11-20T13:00:00.000+0000"}
    assert desk.row("Contact", padded(CONTACT))["LastModifiedDate"] == "2026-11-20T13:00:00.000+0000"


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("convert", {"leadId": CONTACT}),
        ("convert", {"leadId": LEAD, "contact": CONTACT}),
        ("convert", []),
        ("merge", {"winner": CONTACT, "loser": CONTACT}),
        ("merge", {"winner": CONTACT, "loser": LEAD}),
        ("merge", {"winner": CONTACT}),
    ],
)
def test_a_conversion_or_merge_that_cannot_be_is_400_and_changes_nothing(org: Enter, what: str, body: Any) -> None:
    desk = org()
    before = desk.world()
    answer = desk.desk.control("POST", f"salesforce/{what}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert desk.world() == before


def test_requests_are_counted_for_a_rolling_day_and_neighbours_spend_them_too(org: Enter) -> None:
    desk = org()
    desk.faults(salesforce__daily_limit=10, salesforce__neighbour_calls=3, salesforce__session_minutes=None)
    answer = desk.ask("GET", "/limits")
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=4/10"
    assert answer.json()["DailyApiRequests"] == {"Max": 10, "Remaining": 6}
    assert [desk.ask("GET", "/limits").status_code for _ in range(3)] == [200, 200, 403]
    answer = desk.ask("GET", "/limits")
    assert refusal(answer) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "Retry-After" not in answer.headers
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=10/10"
    desk.desk.sandbox.set_clock("2026-11-21T11:59:59Z")
    assert desk.ask("GET", "/limits").status_code == 403
    desk.desk.sandbox.set_clock("2026-11-21T12:00:00Z")
    assert desk.ask("GET", "/limits").status_code == 200


def test_too_many_long_requests_of_others_are_the_same_code_with_another_text(org: Enter) -> None:
    desk = org()
    desk.faults(salesforce__long_requests=25)
    answer = desk.ask("GET", "/limits")
    assert refusal(answer) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "Concurrent" in answer.json()[0]["message"]


def test_the_faults_of_every_vendor_strike_this_one_too(org: Enter) -> None:
    desk = org()

    def strike(kind: str, **given: Any) -> None:
        desk.faults({"vendor": "salesforce", "kind": kind, "path": "/sobjects|/query", "times": 1, **given})

    def rows() -> int:
        return len(desk.world()["Task"])

    new = ("POST", "/sobjects/Task", {"Subject": "x"})
    strike("status", status=503)
    assert refusal(desk.ask(*new)) == (503, "SERVER_UNAVAILABLE")
    strike("rate_limit", policy="daily")
    assert refusal(desk.ask(*new)) == (403, "REQUEST_LIMIT_EXCEEDED")
    strike("html")
    assert desk.ask(*new).headers["Content-Type"].startswith("text/html")
    strike("drop_before")
    with pytest.raises(requests.ConnectionError):
        desk.ask(*new)
    assert rows() == 0
    strike("drop_after")
    with pytest.raises(requests.ConnectionError):
        desk.ask(*new)
    assert rows() == 1
    strike("accept_500")
    assert desk.ask(*new).status_code == 500
    assert rows() == 2
    strike("truncate")
    with pytest.raises(requests.JSONDecodeError):
        desk.query("SELECT Id FROM Task").json()
    strike("duplicate_records")
    assert len(desk.rows("SELECT Id FROM Task")) == 3
    strike("empty_page")
    empty = desk.query("SELECT Id FROM Task").json()
    assert (empty["records"], empty["done"]) == ([], False)
    assert len(desk.session.get(desk.instance + empty["nextRecordsUrl"], timeout=10).json()["records"]) == 2
    desk.faults({"kind": "status", "vendor": "salesforce", "path": "oauth2"})
    assert desk.token(grant_type="client_credentials").json()["error"] == "unknown_error"
