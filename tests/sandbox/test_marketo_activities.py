"""The log: pages without rows, rows that come late, deletions that are forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sandbox.instance import ANN, BOB, PROGRAM, InstanceDesk, activity

Enter = Callable[..., InstanceDesk]
ACTIVITIES = "/rest/v1/activities.json"


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


def test_a_page_without_rows_in_the_middle_is_followed_by_more(instance: Enter) -> None:
    visits = [activity(at, f"2026-11-01T00:{at // 60:02}:{at % 60:02}Z", 1) for at in range(1, 701)]
    desk = instance(activities=[*visits, activity(701, "2026-11-02T00:00:00Z", 2)])
    token, told = desk.token("2026-11-01T00:00:00Z"), []
    for _ in range(3):
        told.append(desk.page(token, 2))
        token = told[-1]["nextPageToken"]
        assert token.endswith("=")
    assert [("result" in body, body["moreResult"]) for body in told] == [(False, True), (False, True), (True, False)]
    assert ids(told[-1]["result"]) == [701]
    end = desk.page(token, 2)
    assert ("result" in end, end["moreResult"]) == (False, False)
    assert ids(desk.log(1)) == list(range(1, 701))
    short = desk.page(desk.token("2026-11-01T00:00:00Z"), 1, batchSize=10)
    assert (len(short["result"]), short["moreResult"]) == (10, True)
    desk.faults(marketo__activity_scan_rows=1)
    assert ids(desk.page(desk.token("2026-11-01T00:05:00Z"), 1)["result"]) == [300]


def test_what_comes_later_is_found_behind_the_last_token(instance: Enter) -> None:
    desk = instance(activities=[activity(1, "2026-11-19T00:00:00Z")])
    token = desk.page(desk.token("2026-11-01T00:00:00Z"), 2, 12)["nextPageToken"]
    desk.sync({"email": "new@x.example"})
    body = desk.page(token, 2, 12)
    assert [row["activityTypeId"] for row in body["result"]] == [12]
    assert "result" not in desk.page(body["nextPageToken"], 2, 12)


def test_a_row_that_is_committed_late_lies_behind_the_token_that_went_past_it(instance: Enter) -> None:
    late = activity(1, "2026-11-20T10:00:00Z", committedAt="2026-11-20T12:10:00Z")
    desk = instance(activities=[late, activity(2, "2026-11-20T11:00:00Z"), activity(3, "2026-11-20T12:05:00Z")])
    body = desk.page(desk.token("2026-11-20T00:00:00Z"), 2)
    assert ids(body["result"]) == [2]
    desk.desk.sandbox.set_clock("2026-11-20T12:10:00Z")
    assert ids(desk.page(body["nextPageToken"], 2)["result"]) == [3]
    again = desk.log(2, since="2026-11-20T00:00:00Z")
    assert ids(again) == [1, 2, 3]
    assert "committedAt" not in again[0]
    desk.faults(marketo__commit_lag_seconds=600)
    desk.sync({"email": "new@x.example"})
    assert desk.log(12) == []
    desk.desk.sandbox.set_clock("2026-11-20T12:20:00Z")
    assert [row["activityDate"] for row in desk.log(12)] == ["2026-11-20T12:10:00Z"]


def test_deletions_stand_apart_and_are_forgotten_after_14_days(instance: Enter) -> None:
    rows = [activity(1, "2026-11-06T11:59:59Z", 37, 71), activity(2, "2026-11-06T12:00:00Z", 37, 72)]
    desk = instance(activities=[*rows, activity(3, "2026-11-07T00:00:00Z", 2)])
    token = desk.token("2026-01-01T00:00:00Z")
    assert [row["leadId"] for row in desk.page(token, path="activities/deletedleads")["result"]] == [72]
    assert ids(desk.log(2, 37)) == [3]
    desk.faults(marketo__deleted_leads_days=None)
    assert len(desk.page(token, path="activities/deletedleads")["result"]) == 2


def test_the_log_is_asked_for_by_types_leads_lists_and_assets(instance: Enter) -> None:
    rows = [
        activity(1, "2026-11-10T00:00:00Z", 104, ANN, primaryAttributeValueId=PROGRAM),
        activity(2, "2026-11-11T00:00:00Z", 104, BOB, primaryAttributeValueId=5),
        activity(3, "2026-11-12T00:00:00Z", 100_001, BOB, attributes=[{"name": "Minutes", "value": "5"}]),
    ]
    desk = instance(activities=rows, static_lists=[{"id": 7, "members": [BOB]}])
    assert ids(desk.log(104)) == [1, 2]
    assert ids(desk.log(104, 100_001, leadIds=f"{BOB},999")) == [2, 3]
    assert ids(desk.log(104, listId=7)) == [2]
    assert ids(desk.log(104, assetIds=PROGRAM)) == [1]
    assert desk.log(100_001)[0]["marketoGUID"] == "3"
    token = desk.token("2026-01-01T00:00:00Z")

    def code(**params: object) -> str:
        return desk.code("GET", ACTIVITIES, params={"nextPageToken": token, "activityTypeIds": "104", **params})

    assert code(activityTypeIds=",".join(map(str, range(11)))) == "1003"
    assert code(activityTypeIds="1,2", assetIds="5") == "1003"
    assert code(activityTypeIds="form") == "1001"
    assert code(activityTypeIds="") == "1002"
    assert code(leadIds=",".join(map(str, range(31)))) == "1003"
    assert code(listId="8") == "1013"
    assert code(nextPageToken="") == "1002"
    desk.faults(marketo__listed_leads_limit=1, marketo__activity_retention_days=10)
    assert code(listId="7") == "1003"
    assert ids(desk.log(104)) == [2]
    desk.faults(marketo__activity_ids=False, marketo__activity_offset=True)
    row = desk.log(100_001)[0]
    assert ("id" in row, row["marketoGUID"], row["activityDate"]) == (False, "3", "2026-11-12T00:00:00+0000")
    since = "/rest/v1/activities/pagingtoken.json"
    assert desk.code("GET", since, params={"sinceDatetime": "yesterday"}) == "704"
    assert desk.code("GET", since) == "1002"
    assert desk.code("GET", f"{since}?sinceDatetime=2026-01-01T00:00:00+00:00") == "704", (
        "a plus in an address is a blank"
    )


def test_the_types_are_told_with_their_attributes(instance: Enter) -> None:
    desk = instance(activities=[activity(1, "2026-11-10T00:00:00Z", 100_001)])
    types = {row["id"]: row for row in desk.rows("GET", "/rest/v1/activities/types.json")}
    assert types[104]["primaryAttribute"] == {"name": "Program ID", "dataType": "integer"}
    assert {"name": "New Status", "dataType": "string"} in types[104]["attributes"]
    assert 100_001 in types


def test_faults_of_pages_strike_the_log(instance: Enter) -> None:
    desk = instance(activities=[activity(at, f"2026-11-10T00:00:{at:02}Z") for at in range(1, 4)])
    token = desk.token("2026-01-01T00:00:00Z")
    rule = {"vendor": "marketo", "path": "activities.json", "times": 1}
    desk.faults({**rule, "kind": "empty_page"})
    empty = desk.page(token, 2)
    assert ("result" in empty, empty["moreResult"]) == (False, True)
    assert ids(desk.page(empty["nextPageToken"], 2)["result"]) == [1, 2, 3]
    desk.faults({**rule, "kind": "duplicate_records"})
    assert ids(desk.page(token, 2)["result"]) == [1, 2, 3, 3]
    desk.faults({**rule, "kind": "shuffle"})
    assert ids(desk.page(token, 2)["result"]) == [3, 2, 1]
