"""Programs, channels whose steps go one way, members, static lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sandbox.instance import ANN, BOB, COLE, OTHER, PROGRAM, InstanceDesk, reasons

Enter = Callable[..., InstanceDesk]
ASSETS = "/rest/asset/v1"
NOTHING = ["No assets found for the given search criteria."]


def test_programs_are_listed_without_tags_costs_and_dates(instance: Enter) -> None:
    dated = {"startDate": "2026-12-01T10:00:00Z", "endDate": "2026-12-01T11:00:00Z+0000"}
    tags = [{"tagType": "Region", "tagValue": "North"}]
    programs = [{"id": at, "name": f"P{at}", "updatedAt": f"2026-01-{at:02}T00:00:00Z"} for at in range(1, 26)]
    desk = instance(programs=[*programs, {"id": PROGRAM, "name": "Pricing", "tags": tags, **dated}])
    first = desk.told("GET", f"{ASSETS}/programs.json")
    assert [row["id"] for row in first["result"]] == list(range(1, 21))
    assert first["result"][0]["createdAt"] == "2026-11-20T12:00:00Z+0000"
    assert (first["errors"], first["warnings"]) == ([], [])
    second = desk.rows("GET", f"{ASSETS}/programs.json", params={"maxReturn": 200, "offset": 20})
    assert len(second) == 6
    assert not {"tags", "costs", "startDate", "endDate"} & set(second[-1])
    past = desk.told("GET", f"{ASSETS}/programs.json", params={"offset": 26})
    assert ("result" in past, past["warnings"]) == (False, NOTHING)
    assert desk.code("GET", f"{ASSETS}/programs.json", params={"maxReturn": 201}) == "1003"
    dates = {"earliestUpdatedAt": "2026-01-05T00:00:00Z", "latestUpdatedAt": "2026-01-06T00:00:00Z"}
    assert [row["id"] for row in desk.rows("GET", f"{ASSETS}/programs.json", params=dates)] == [5, 6]
    assert desk.code("GET", f"{ASSETS}/programs.json", params={"earliestUpdatedAt": "soon"}) == "704"
    some = {"filterType": "programId", "filterValues": f"3,{PROGRAM}"}
    assert [row["id"] for row in desk.rows("GET", f"{ASSETS}/programs.json", params=some)] == [3, PROGRAM]
    (alone,) = desk.rows("GET", f"{ASSETS}/program/{PROGRAM}.json")
    assert (alone["tags"], alone["type"], alone["channel"]) == (tags, "Event", "Webinar")
    assert (alone["startDate"], alone["endDate"]) == ("2026-12-01T10:00:00Z+0000", "2026-12-01T11:00:00Z+0000")
    assert desk.told("GET", f"{ASSETS}/program/99.json")["warnings"] == NOTHING
    (named,) = desk.rows("GET", f"{ASSETS}/program/byName.json", params={"name": "Pricing", "includeTags": "true"})
    assert ("tags" in named, "costs" in named) == (True, False)
    by_tag = {"tagType": "Region", "tagValue": "North"}
    assert [row["id"] for row in desk.rows("GET", f"{ASSETS}/program/byTag.json", params=by_tag)] == [PROGRAM]
    assert (
        desk.rows("GET", f"{ASSETS}/tagType/byName.json", params={"name": "Region"})[0]["allowableValues"] == "[North]"
    )


def test_programs_are_made_and_changed_by_forms(instance: Enter) -> None:
    desk = instance()
    form = {"name": "Launch", "type": "Event", "channel": "Webinar", "folder": '{"id": 5, "type": "Folder"}'}
    (made,) = desk.rows("POST", f"{ASSETS}/programs.json", data=form)
    assert (made["id"], made["folder"]["value"], made["url"][-9:]) == (OTHER + 1, 5, "#PG1003A1")
    assert desk.code("POST", f"{ASSETS}/programs.json", data=form) == "709"
    assert desk.code("POST", f"{ASSETS}/programs.json", data={"name": "x"}) == "701"
    dates = {"startDate": "2026-12-01T10:00:00Z", "description": "New"}
    (changed,) = desk.rows("POST", f"{ASSETS}/program/{made['id']}.json", data=dates)
    assert (changed["startDate"], changed["description"]) == ("2026-12-01T10:00:00Z+0000", "New")
    assert desk.code("POST", f"{ASSETS}/program/{OTHER}.json", data=dates) == "709"
    assert desk.code("POST", f"{ASSETS}/program/{made['id']}.json", data={"endDate": "late"}) == "704"
    assert desk.code("POST", f"{ASSETS}/program/99.json", data=dates) == "702"


def test_channels_tell_their_steps(instance: Enter) -> None:
    desk = instance()
    channels = desk.rows("GET", f"{ASSETS}/channels.json")
    assert [row["name"] for row in channels] == ["Content", "Webinar"]
    (webinar,) = desk.rows("GET", f"{ASSETS}/channel/byName.json", params={"name": "Webinar"})
    steps = {status["name"]: (status["step"], status["success"]) for status in webinar["progressionStatuses"]}
    assert steps["Registered"][0] < steps["No Show"][0] < steps["Attended"][0]
    assert (steps["Attended"][1], steps["No Show"][1]) == (True, False)
    assert desk.told("GET", f"{ASSETS}/channel/byName.json", params={"name": "No"})["warnings"] == NOTHING


def test_nobody_goes_back_a_step_and_a_status_makes_members(instance: Enter) -> None:
    steps = [("In", 10), ("Absent", 20), ("Present", 20), ("Late", 30)]
    statuses = [{"name": name, "step": step, "success": name == "Present"} for name, step in steps]
    desk = instance(
        channels=[{"name": "Own", "progressionStatuses": statuses}],
        programs=[{"id": PROGRAM, "name": "Pricing", "channel": "Own"}],
        members=[],
    )
    assert reasons(desk.status("In", ANN, BOB, 99)) == ["updated", "updated", "1004"]
    assert reasons(desk.status("Absent", ANN, COLE)) == ["updated", "updated"]
    assert reasons(desk.status("Absent", ANN)) == ["1037"]
    assert reasons(desk.status("Present", ANN)) == ["updated"]
    assert reasons(desk.status("In", ANN, BOB)) == ["1037", "1037"]
    desk.desk.sandbox.set_clock("2026-11-20T12:30:00Z")
    assert reasons(desk.status("Late", ANN)) == ["updated"]
    assert reasons(desk.status("Gone", ANN, BOB)) == ["1025", "1025"]
    (ann,) = desk.members(ANN, fields="statusName,reachedSuccessDate,updatedAt")
    assert (ann["statusName"], ann["reachedSuccess"], ann["reachedSuccessDate"]) == (
        "Late",
        True,
        "2026-11-20T12:00:00Z",
    )
    assert (ann["membershipDate"], ann["updatedAt"]) == ("2026-11-20T12:00:00Z", "2026-11-20T12:30:00Z")
    changes = [row for row in desk.log(104) if row["leadId"] == ANN]
    new = [one["value"] for row in changes for one in row["attributes"] if one["name"] == "New Status"]
    assert new == ["In", "Absent", "Present", "Late"]
    assert (changes[0]["primaryAttributeValueId"], changes[0]["primaryAttributeValue"]) == (PROGRAM, "Pricing")
    assert (
        desk.code("POST", "/rest/v1/programs/99/members/status.json", {"statusName": "In", "input": [{"leadId": 1}]})
        == "1013"
    )
    assert desk.code("POST", f"/rest/v1/programs/{PROGRAM}/members/status.json", {"input": [{"leadId": 1}]}) == "1002"


def test_data_is_set_of_members_alone(instance: Enter) -> None:
    desk = instance(members=[{"programId": PROGRAM, "leadId": ANN, "status": "Registered", "seat": "A1"}])

    def put(**values: Any) -> list[str]:
        lead = values.pop("lead", ANN)
        rows = [{"leadId": lead, **values}]
        return reasons(desk.rows("POST", f"/rest/v1/programs/{PROGRAM}/members.json", {"input": rows}))

    assert put(webinarUrl="https://zoom.example/w/1?tk=2", seat="B2") == ["updated"]
    assert put(webinarUrl="x" * 2001) == ["1001"]
    assert put(registrationCode="x" * 101) == ["1001"]
    assert put(statusReason="because") == ["1003"]
    assert put(shirt="L") == ["1006"]
    assert put(lead=BOB, seat="C") == ["1013"]
    assert put(lead=99, seat="C") == ["1004"]
    (plain,) = desk.rows(
        "GET", f"/rest/v1/programs/{PROGRAM}/members.json", params={"filterType": "seat", "filterValues": "B2"}
    )
    assert set(plain) == {"seq", "acquiredBy", "leadId", "membershipDate", "programId", "reachedSuccess"}
    (named,) = desk.members("registered", kind="statusName", fields="webinarUrl,statusName,program")
    assert (named["webinarUrl"], named["program"]) == ("https://zoom.example/w/1?tk=2", "Pricing")
    assert [one["value"] for row in desk.log(123) for one in row["attributes"] if one["name"] == "Old Value"] == ["A1"]
    (described,) = desk.rows("GET", "/rest/v1/programs/members/describe.json")
    assert ["seat"] in described["searchableFields"]
    updateable = {field["name"] for field in described["fields"] if field["updateable"]}
    assert updateable == {"webinarUrl", "registrationCode", "seat"}


def test_members_are_asked_for_by_fields_or_seven_days(instance: Enter) -> None:
    leads = [{"id": at} for at in range(1, 306)]
    members = [
        {"programId": PROGRAM, "leadId": at, "createdAt": f"2026-11-{1 + at % 2:02}T00:00:00Z"} for at in range(1, 306)
    ]
    desk = instance(leads=leads, members=members)
    path = f"/rest/v1/programs/{PROGRAM}/members.json"
    dates = {"startAt": "2026-11-02T00:00:00Z", "endAt": "2026-11-09T00:00:00Z"}
    told = desk.told("GET", path, params={"filterType": "updatedAt", **dates})
    assert ([row["leadId"] for row in told["result"]][:2], told["moreResult"]) == ([1, 3], False)
    assert (
        desk.code("GET", path, params={"filterType": "updatedAt", **dates, "endAt": "2026-11-09T00:00:01Z"}) == "1003"
    )
    assert (
        desk.code("GET", path, params={"filterType": "updatedAt", **dates, "endAt": "2026-11-03T00:00:00.000Z"})
        == "1003"
    )
    first = desk.told("GET", path, params={"filterType": "statusName", "filterValues": "Not in Program"})
    assert (len(first["result"]), first["moreResult"]) == (300, True)
    wanted = {"filterType": "statusName", "filterValues": "Not in Program", "nextPageToken": first["nextPageToken"]}
    assert len(desk.rows("GET", path, params=wanted)) == 5
    assert desk.code("GET", path, params={"filterType": "membershipDate", "filterValues": "x"}) == "1011"
    desk.faults(marketo__member_query_limit=300)
    assert desk.code("GET", path, params={"filterType": "reachedSuccess", "filterValues": "false"}) == "1003"
    assert len(desk.members(5, 6)) == 2


def test_who_is_taken_out_and_comes_again_is_new(instance: Enter) -> None:
    desk = instance()
    body = {"input": [{"leadId": ANN}, {"leadId": BOB}]}
    told = desk.rows("POST", f"/rest/v1/programs/{PROGRAM}/members/delete.json", body)
    assert [(row["seq"], row["leadId"]) for row in told] == [(0, ANN), (1, BOB)]
    assert reasons(told) == ["deleted", "1013"]
    desk.desk.sandbox.set_clock("2026-11-20T12:40:00Z")
    assert reasons(desk.status("Invited", ANN)) == ["updated"]
    assert desk.members(ANN)[0]["membershipDate"] == "2026-11-20T12:40:00Z"


def test_memberships_are_told_from_the_lead_s_side_and_by_the_older_paths(instance: Enter) -> None:
    desk = instance(static_lists=[{"id": 7, "name": "VIP", "members": [ANN]}])
    (of_program,) = desk.rows("GET", f"/rest/v1/leads/programs/{PROGRAM}.json", params={"fields": "email"})
    assert (of_program["email"], of_program["membership"]["progressionStatus"]) == ("ann@x.example", "Registered")
    (program,) = desk.rows("GET", f"/rest/v1/leads/{ANN}/programMembership.json")
    assert (program["id"], program["progressionStatus"]) == (PROGRAM, "Registered")
    assert desk.rows("GET", f"/rest/v1/leads/{BOB}/programMembership.json") == []
    assert [row["listId"] for row in desk.rows("GET", f"/rest/v1/leads/{ANN}/listMembership.json")] == [7]
    path = f"/rest/v1/leads/programs/{PROGRAM}/status.json"
    told = desk.rows("POST", path, {"status": "Attended", "input": [{"id": ANN}, {"id": BOB}]})
    assert [(row["id"], row["status"]) for row in told] == [(ANN, "Attended"), (BOB, "skipped")]
    assert told[1]["reasons"] == [{"code": "1037", "message": "Lead not in program"}]
    desk.rows("POST", path, {"status": "Not in Program", "input": [{"id": ANN}]})
    assert desk.members(ANN) == []


def test_static_lists_are_made_filled_and_emptied(instance: Enter) -> None:
    desk = instance()
    form = {"name": "Turnout: keen", "folder": '{"id": 5, "type": "Folder"}'}
    (made,) = desk.rows("POST", f"{ASSETS}/staticLists.json", data=form)
    assert desk.code("POST", f"{ASSETS}/staticLists.json", data=form) == "709"
    path = f"/rest/v1/lists/{made['id']}/leads.json"
    ids = {"input": [{"id": ANN}, {"id": BOB}, {"id": 99}]}
    assert reasons(desk.rows("POST", path, ids)) == ["added", "added", "1004"]
    assert reasons(desk.rows("POST", path, params={"id": f"{BOB},{COLE}"})) == ["added", "added"]
    assert [lead["id"] for lead in desk.rows("GET", path)] == [ANN, BOB, COLE]
    assert reasons(desk.rows("DELETE", path, {"input": [{"id": BOB}, {"id": BOB}]})) == ["removed", "1015"]
    member = f"/rest/v1/lists/{made['id']}/leads/ismember.json"
    assert reasons(desk.rows("GET", member, params={"id": f"{ANN},{BOB}"})) == ["memberof", "notmemberof"]
    assert [row["activityTypeId"] for row in desk.log(24, 25)] == [24, 24, 24, 25]
    (told,) = desk.rows("GET", "/rest/v1/lists.json", params={"name": "Turnout: keen"})
    assert (told["id"], told["createdAt"]) == (made["id"], "2026-11-20T12:00:00Z")
    assert desk.rows("GET", "/rest/v1/lists.json", params={"name": "none"}) == []
    (asset,) = desk.rows("GET", f"{ASSETS}/staticList/byName.json", params={"name": "Turnout: keen"})
    assert (asset["createdAt"], "members" in asset) == ("2026-11-20T12:00:00Z+0000", False)
    (renamed,) = desk.rows("POST", f"{ASSETS}/staticList/{made['id']}.json", data={"name": "Turnout: eager"})
    assert renamed["name"] == "Turnout: eager"
    assert desk.rows("POST", f"{ASSETS}/staticList/{made['id']}/delete.json") == [{"id": made["id"]}]
    assert desk.told("GET", f"{ASSETS}/staticList/{made['id']}.json")["warnings"] == NOTHING
    assert desk.code("GET", path) == "1013"
