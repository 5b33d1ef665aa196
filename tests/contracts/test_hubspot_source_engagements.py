"""Calls, sales emails, meetings, notes and tasks: none is lost, and none of whom they are with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from readings import STORM, Desk, desk
from test_hubspot_source import PORTAL, contact

from pipelines.vendors.hubspot import engagements, searching

KINDS = ("calls", "emails", "meetings", "notes", "tasks")
BODIES = {
    "calls": {"hs_call_title": "Discovery"},
    "emails": {"hs_email_subject": "Hello", "hs_email_direction": "EMAIL", "hs_email_status": "SENT"},
    "meetings": {"hs_meeting_title": "Demo"},
    "notes": {"hs_note_body": 'Asked for pricing, and for what the "associations" are'},
    "tasks": {"hs_task_subject": "Send the proposal"},
}


def engagement(number: int, kind: str = "calls", updated: str = "2026-11-01T00:00:00.000Z", **more: Any) -> Any:
    return {
        "id": str(number),
        "createdAt": "2026-10-01T00:00:00.000Z",
        "updatedAt": updated,
        "archived": False,
        "properties": {"hs_timestamp": "2026-10-01T00:00:00.000Z", **BODIES[kind]},
        "associations": {"contacts": ["1000"]},
        **more,
    }


def world() -> dict[str, Any]:
    many = [str(1000 + number) for number in range(1_150)]
    return {
        "now": "2026-11-20T12:00:00Z",
        "hubspot": [
            {
                "portal_id": PORTAL,
                "contacts": [contact(1000 + number) for number in range(1_150)],
                "companies": [{"id": "51", "properties": {"name": "Acme"}}],
                "deals": [{"id": "61", "properties": {"dealname": "Big"}}],
                **{kind: [engagement(9000, kind)] for kind in KINDS if kind != "calls"},
                "calls": [
                    *(engagement(9100 + number) for number in range(120)),
                    engagement(9500, associations={"contacts": many, "companies": ["51"], "deals": ["61"]}),
                    engagement(9501, associations={}),
                    engagement(9502, archived=True, archivedAt="2026-11-10T00:00:00.000Z"),
                ],
            }
        ],
    }


@pytest.fixture
def hubspot(tmp_path: Path) -> Iterator[Desk]:
    with desk(world(), "hubspot", tmp_path) as opened:
        yield opened


def retitle(hubspot: Desk, number: int, title: str) -> None:
    client = hubspot.source().client
    path = client.path("objects", "calls", str(number))
    client.patch(path, doing="an edit", json={"properties": {"hs_call_title": title}})


def link(hubspot: Desk, call: str, contact: str, what: str = "create") -> None:
    """Associate a call with a contact as somebody in HubSpot does, or with `archive` take that away."""
    client = hubspot.source().client
    far: Any = {"id": contact} if what == "create" else [{"id": contact}]
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194}]
    client.post(
        client.path("associations", "calls", "contacts", "batch", what),
        doing="an association",
        json={"inputs": [{"from": {"id": call}, "to": far, "types": types}]},
    )


def title(hubspot: Desk, key: str) -> str:
    return str(hubspot.latest("calls")[key]["properties"]["hs_call_title"])


def test_each_kind_is_read_with_what_it_is_associated_with(hubspot: Desk) -> None:
    receipt = hubspot.read(KINDS)
    assert (receipt.failed, receipt.notes) == ({}, [])
    assert {kind: len(hubspot.latest(kind)) for kind in KINDS} == dict.fromkeys(KINDS, 1) | {"calls": 123}
    for kind in KINDS:
        key = "9100" if kind == "calls" else "9000"
        held = hubspot.latest(kind)[key]
        assert held["associations"] == {"companies": [], "contacts": ["1000"], "deals": []}
        assert BODIES[kind].items() <= held["properties"].items()
    assert hubspot.latest("calls")["9501"]["associations"] == {"companies": [], "contacts": [], "deals": []}
    assert hubspot.latest("calls")["9502"]["archived"] is True
    assert hubspot.read(KINDS).appended == 0


def test_associations_beyond_the_first_page_are_followed(hubspot: Desk) -> None:
    hubspot.read(["calls"])
    held = hubspot.latest("calls")["9500"]["associations"]
    assert held["contacts"] == [str(1000 + number) for number in range(1_150)]
    assert (held["companies"], held["deals"]) == (["51"], ["61"])
    assert len(hubspot.asked("/calls/contacts/batch/read")) == 3


def test_both_versions_of_the_api_leave_the_same_events(hubspot: Desk, tmp_path: Path) -> None:
    hubspot.read(KINDS, hubspot={"api_version": "2026-09"})
    assert hubspot.asked("/crm/v") == []
    older = Desk(hubspot.sandbox, "hubspot", tmp_path / "older")
    older.read(KINDS, hubspot={"api_version": "v3"})
    assert older.asked("2026") == []
    assert older.holds() == hubspot.holds()


@pytest.mark.parametrize("seed", [2, 3])
def test_a_storm_changes_nothing_but_the_time_it_takes(hubspot: Desk, tmp_path: Path, seed: int) -> None:
    hubspot.read(KINDS)
    stormy = Desk(hubspot.sandbox, "hubspot", tmp_path / "storm")
    stormy.sandbox.state.faults.seed = seed
    stormy.fault(*STORM, {"kind": "locked", "probability": 0.03})
    for _ in range(3):
        stormy.read(KINDS)
    assert stormy.holds() == hubspot.holds()
    assert stormy.naps


def test_a_first_reading_broken_off_goes_on_at_its_last_commit(hubspot: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engagements, "PAGES_PER_COMMIT", 1)
    hubspot.fault({"kind": "status", "status": 500, "body": {}, "path": "/calls.*after=", "after": 0})
    assert "calls" in hubspot.read(["calls"]).failed
    assert len(hubspot.latest("calls")) == 100
    hubspot.fault()
    assert hubspot.read(["calls"]).failed == {}
    assert len(hubspot.latest("calls")) == 123
    assert len(hubspot.asked("/calls[?].*archived=false")) == 1


def test_a_first_reading_whose_place_is_lost_begins_anew(hubspot: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engagements, "PAGES_PER_COMMIT", 1)
    hubspot.fault({"kind": "status", "status": 500, "body": {}, "path": "/calls.*after=", "after": 0})
    hubspot.read(["calls"])
    hubspot.fault({"kind": "status", "status": 400, "body": {"message": "bad after"}, "path": "after=", "times": 1})
    assert "calls" in hubspot.read(["calls"]).failed
    assert hubspot.read(["calls"]).failed == {}
    assert len(hubspot.asked("/calls[?].*archived=false")) == 2
    assert len(hubspot.latest("calls")) == 123


def test_an_edit_is_read_with_its_associations_and_nothing_else(hubspot: Desk) -> None:
    hubspot.read(["calls"])
    hubspot.sandbox.set_clock("2026-11-20T12:10:00Z")
    retitle(hubspot, 9100, "Renewal")
    link(hubspot, "9100", "1007")
    hubspot.sandbox.set_clock("2026-11-20T12:20:00Z")
    assert hubspot.read(["calls"]).appended == 1
    assert title(hubspot, "9100") == "Renewal"
    assert hubspot.latest("calls")["9100"]["associations"]["contacts"] == ["1000", "1007"]


def test_what_the_search_does_not_show_yet_is_read_the_next_time(hubspot: Desk) -> None:
    hubspot.fault(search_lag_seconds=240)
    hubspot.read(["calls"])
    hubspot.sandbox.set_clock("2026-11-20T12:10:00Z")
    retitle(hubspot, 9100, "Renewal")
    hubspot.sandbox.set_clock("2026-11-20T12:10:05Z")
    hubspot.read(["calls"], overlap_minutes=0)
    assert title(hubspot, "9100") == "Discovery"
    hubspot.sandbox.set_clock("2026-11-20T12:15:00Z")
    hubspot.read(["calls"], overlap_minutes=0)
    assert title(hubspot, "9100") == "Renewal"


@pytest.mark.parametrize("spread_ms", [0, 40_000])
def test_more_changes_than_a_search_gives_are_all_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spread_ms: int
) -> None:
    monkeypatch.setattr(searching, "SAFE", 380)
    given = world()
    given["hubspot"][0]["calls"] = [
        engagement(20_000 + n, updated=f"2026-11-20T11:58:{n * spread_ms / 1_500_000:06.3f}Z") for n in range(1_500)
    ]
    with desk(given, "hubspot", tmp_path) as hubspot:
        hubspot.fault(search_cap=400)
        cursor = {"read_to": "2026-11-20T11:50:00.000Z", "reconciled_at": "2026-11-20T11:50:00.000Z"}
        batches = hubspot.source(lag_minutes=0).read("calls", hubspot.log, cursor)
        given_back = list(batches)
        found = [record.key for batch in given_back for record in batch.records]
        assert len(found) == len(set(found)) == 1_500
        assert len({str(batch.cursor) for batch in given_back if batch.cursor}) > 3
        assert {one["status"] for one in hubspot.sandbox.requests()} <= {200, 207}


def test_a_deleted_call_is_known_as_archived(hubspot: Desk) -> None:
    hubspot.read(["calls"])
    client = hubspot.source().client
    client.delete(client.path("objects", "calls", "9100"), doing="a deletion")
    hubspot.sandbox.set_clock("2026-11-20T12:10:00Z")
    hubspot.read(["calls"])
    assert hubspot.latest("calls")["9100"]["archived"] is True


def test_a_call_erased_for_good_becomes_absent_within_a_day(hubspot: Desk) -> None:
    hubspot.read(["calls"])
    client = hubspot.source().client
    client.post(client.path("objects", "calls", "gdpr-delete"), doing="an erasure", json={"objectId": "9100"})
    hubspot.sandbox.set_clock("2026-11-21T11:00:00Z")
    hubspot.read(["calls"])
    assert "9100" in hubspot.latest("calls")
    hubspot.sandbox.set_clock("2026-11-21T13:00:00Z")
    hubspot.read(["calls"])
    assert "9100" not in hubspot.latest("calls")
    assert len(hubspot.latest("calls")) == 122


def test_an_association_alone_is_found_within_a_day_there_and_back(hubspot: Desk) -> None:
    hubspot.read(["calls"])
    for day, (what, expected) in enumerate([("create", ["1000", "1007"]), ("archive", ["1000"])], start=21):
        link(hubspot, "9100", "1007", what)
        hubspot.sandbox.set_clock(f"2026-11-{day}T14:00:00Z")
        assert hubspot.read(["calls"]).appended == 1
        assert hubspot.latest("calls")["9100"]["associations"]["contacts"] == expected
    hubspot.sandbox.set_clock("2026-11-23T15:00:00Z")
    assert hubspot.read(["calls"]).appended == 0
    assert events(hubspot) == (125, 125)


def events(hubspot: Desk) -> tuple[Any, ...]:
    """Return how many events of calls there are, and how many of different ids."""
    sql = "select count(*), count(distinct event_id) from events"
    return hubspot.log.query("hubspot", "calls", sql, {})[0]


@pytest.mark.parametrize("call", ["9100", "9501"])
def test_a_call_that_comes_back_unchanged_is_live_again(hubspot: Desk, call: str) -> None:
    hubspot.read(["calls"])
    given = hubspot.sandbox.world()
    kept = given["hubspot"][0]["calls"]
    gone = [
        one if one["id"] != call else {**one, "archived": True, "archivedAt": "2026-11-20T15:00:00.000Z"}
        for one in kept
    ]
    for now, calls in (("2026-11-21T13:00:00Z", gone), ("2026-11-22T14:00:00Z", kept)):
        given["hubspot"][0]["calls"] = calls
        hubspot.sandbox.put_world({**given, "now": now})
        hubspot.read(["calls"])
        assert hubspot.latest("calls")[call]["archived"] is (calls is gone)
    hubspot.sandbox.set_clock("2026-11-23T15:00:00Z")
    assert hubspot.read(["calls"]).appended == 0
    assert events(hubspot) == (125, 125)


def test_associations_that_are_refused_make_no_call_one_with_nobody(hubspot: Desk) -> None:
    body = {"results": [], "numErrors": 1, "errors": [{"category": "INTERNAL_ERROR", "message": "later"}]}
    hubspot.fault({"kind": "status", "status": 207, "body": body, "path": "/calls/contacts/batch/read"})
    assert "later" in hubspot.read(["calls"]).failed["calls"]
    assert hubspot.latest("calls") == {}
    hubspot.fault()
    assert hubspot.read(["calls"]).failed == {}
    assert len(hubspot.latest("calls")) == 123


def test_a_kind_that_may_not_be_read_holds_up_no_other(hubspot: Desk) -> None:
    hubspot.fault({"kind": "status", "status": 403, "body": {"category": "MISSING_SCOPES"}, "path": "/emails"})
    assert hubspot.read(KINDS).failed.keys() == {"emails"}
    assert len(hubspot.latest("tasks")) == 1
    assert any("emails" in problem for problem in hubspot.source().examine())
