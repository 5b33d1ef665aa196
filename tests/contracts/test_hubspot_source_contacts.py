"""Contacts: none is lost, whatever the search shows late, caps, or never shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from readings import Desk, desk
from test_hubspot_source import PORTAL, contact, world

from pipelines.sandbox.faults import SWITCHES
from pipelines.vendors.hubspot import contacts, searching


@pytest.fixture
def hubspot(tmp_path: Path) -> Iterator[Desk]:
    given = world()
    given["hubspot"][0] |= {"email_events": [], "forms": []}
    with desk(given, "hubspot", tmp_path) as opened:
        yield opened


def edit(hubspot: Desk, number: int, name: str) -> None:
    client = hubspot.source().client
    path = client.path("objects", "contacts", str(number))
    client.patch(path, doing="an edit", json={"properties": {"firstname": name}})


def names(hubspot: Desk) -> dict[str, Any]:
    return {key: held["properties"]["firstname"] for key, held in hubspot.latest("contacts").items()}


def test_a_first_reading_broken_off_goes_on_where_it_was(hubspot: Desk) -> None:
    hubspot.fault({"kind": "status", "status": 500, "body": {}, "path": "/contacts.*after=", "after": 1})
    assert "contacts" in hubspot.read(["contacts"]).failed
    assert len(hubspot.latest("contacts")) == 100
    hubspot.fault()
    assert hubspot.read(["contacts"]).failed == {}
    assert len(hubspot.latest("contacts")) == 121
    assert len(hubspot.asked("/contacts[?].*archived=false")) == 1


def test_a_first_reading_whose_place_is_lost_begins_anew(hubspot: Desk) -> None:
    hubspot.fault({"kind": "status", "status": 500, "body": {}, "path": "/contacts.*after=", "after": 1})
    hubspot.read(["contacts"])
    hubspot.fault({"kind": "status", "status": 400, "body": {"message": "bad after"}, "path": "after=", "times": 1})
    assert "contacts" in hubspot.read(["contacts"]).failed
    assert hubspot.read(["contacts"]).failed == {}
    assert len(hubspot.latest("contacts")) == 121


def test_an_edit_is_read_with_the_histories_that_tell_activities(hubspot: Desk) -> None:
    hubspot.read(["contacts"])
    hubspot.sandbox.set_clock("2026-11-20T12:10:00Z")
    edit(hubspot, 1007, "Ada")
    hubspot.sandbox.set_clock("2026-11-20T12:20:00Z")
    assert hubspot.read(["contacts"]).streams["contacts"].appended == 1
    assert hubspot.latest("contacts")["1007"]["properties"]["firstname"] == "Ada"
    assert hubspot.latest("contacts")["1007"]["propertiesWithHistory"].keys() == set(contacts.HISTORIES)
    assert "turnout_source" not in hubspot.latest("contacts")["1007"]["properties"]


def test_our_own_properties_are_read_once_they_are_defined(hubspot: Desk) -> None:
    hubspot.read(["properties", "contacts"])
    assert "turnout_source" in hubspot.latest("contacts")["1007"]["properties"]


@pytest.mark.parametrize("switches", [{}, {"search_total_runs_ahead": True}])
def test_what_the_search_does_not_show_yet_is_read_the_next_time(hubspot: Desk, switches: dict[str, Any]) -> None:
    hubspot.fault(search_lag_seconds=240, **switches)
    hubspot.read(["contacts"])
    hubspot.sandbox.set_clock("2026-11-20T12:10:00Z")
    edit(hubspot, 1007, "Ada")
    hubspot.sandbox.set_clock("2026-11-20T12:10:05Z")
    hubspot.read(["contacts"], overlap_minutes=0)
    assert names(hubspot)["1007"] == "C"
    hubspot.sandbox.set_clock("2026-11-20T12:15:00Z")
    hubspot.read(["contacts"], overlap_minutes=0)
    assert names(hubspot)["1007"] == "Ada"


def changed(count: int, spread_ms: int) -> dict[str, Any]:
    """A world where so many contacts changed within so many milliseconds before 11:59."""
    given = world()
    given["hubspot"][0] |= {"email_events": [], "forms": []}
    given["hubspot"][0]["contacts"] = [
        contact(100_000 + number, f"2026-11-20T11:58:{number * spread_ms / count / 1000:06.3f}Z")
        for number in range(count)
    ]
    return given


def read_changes(hubspot: Desk) -> list[str]:
    """Read what changed since 11:50, and return the ids as they came."""
    cursor = {"read_to": "2026-11-20T11:50:00.000Z", "reconciled_at": "2026-11-20T11:50:00.000Z"}
    batches = hubspot.source().read("contacts", hubspot.log, cursor)
    return [record.key for batch in batches for record in batch.records]


def test_more_contacts_changed_in_one_millisecond_than_a_search_gives_are_all_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert searching.SAFE < SWITCHES["hubspot.search_cap"] == 10_000, "what HubSpot gives, and what is asked of it"
    monkeypatch.setattr(searching, "SAFE", 380)
    with desk(changed(1_500, 0), "hubspot", tmp_path) as hubspot:
        hubspot.fault(search_cap=400)
        found = read_changes(hubspot)
        assert len(found) == len(set(found)) == 1_500
        assert {one["status"] for one in hubspot.sandbox.requests()} == {200}


def test_a_window_that_holds_more_than_a_search_gives_is_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SAFE", 380)
    with desk(changed(1_500, 40_000), "hubspot", tmp_path) as hubspot:
        hubspot.fault(search_cap=400)
        found = read_changes(hubspot)
        assert len(found) == len(set(found)) == 1_500
        assert {one["status"] for one in hubspot.sandbox.requests()} == {200}


def test_changes_broken_off_go_on_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SAFE", 380)
    with desk(changed(1_500, 40_000), "hubspot", tmp_path) as hubspot:
        hubspot.read(["contacts"], overlap_minutes=0)
        before = hubspot.sandbox.world()
        for one in before["hubspot"][0]["contacts"]:
            one["properties"]["firstname"] = "New"
            moved = one["updatedAt"].replace("T11:58", "T12:08")
            one["updatedAt"] = one["properties"]["lastmodifieddate"] = moved
        hubspot.sandbox.put_world({**before, "now": "2026-11-20T13:00:00Z"})
        hubspot.fault({"kind": "status", "status": 500, "body": {}, "path": "/search", "after": 22})
        assert "contacts" in hubspot.read(["contacts"], overlap_minutes=0).failed
        cursor = hubspot.log.cursor("hubspot", "contacts", str(PORTAL))
        assert cursor is not None
        assert "2026-11-20T12:08" in cursor["read_to"]
        hubspot.fault()
        hubspot.read(["contacts"], overlap_minutes=0)
        assert set(names(hubspot).values()) == {"New"}


@pytest.mark.rule("HZ-07")
def test_a_deleted_contact_is_known_as_archived_with_its_address(hubspot: Desk) -> None:
    hubspot.read(["contacts"])
    client = hubspot.source().client
    client.delete(client.path("objects", "contacts", "1003"), doing="a deletion")
    hubspot.sandbox.set_clock("2026-11-20T12:10:00Z")
    hubspot.read(["contacts"])
    held = hubspot.latest("contacts")
    assert (held["1003"]["archived"], held["1003"]["properties"]["email"]) == (True, "c1003@x.example")
    assert held["5"]["archived"] is True


@pytest.mark.parametrize("switches", [{}, {"merged_get_404": True}, {"merge_new_id": True}])
def test_a_contact_that_was_merged_away_becomes_absent_within_a_day(hubspot: Desk, switches: dict[str, Any]) -> None:
    hubspot.fault(**switches)
    hubspot.read(["contacts"])
    hubspot.sandbox.set_clock("2026-11-20T12:10:00Z")
    client = hubspot.source().client
    survivor = client.post(
        client.path("objects", "contacts", "merge"),
        doing="a merge",
        json={"primaryObjectId": "1001", "objectIdToMerge": "1002"},
    ).data["id"]
    hubspot.sandbox.set_clock("2026-11-20T13:00:00Z")
    hubspot.read(["contacts"])
    assert "1002" in hubspot.latest("contacts")
    assert "1002" in hubspot.latest("contacts")[survivor]["properties"]["hs_merged_object_ids"]
    hubspot.sandbox.set_clock("2026-11-21T13:00:00Z")
    receipt = hubspot.read(["contacts"]).streams["contacts"]
    assert "1002" not in hubspot.latest("contacts")
    assert receipt.appended == (2 if survivor != "1001" else 1)
    assert hubspot.read(["contacts"]).appended == 0


def test_a_contact_erased_for_good_becomes_absent_within_a_day(hubspot: Desk) -> None:
    hubspot.read(["contacts"])
    client = hubspot.source().client
    client.post(client.path("objects", "contacts", "gdpr-delete"), doing="an erasure", json={"objectId": "1004"})
    hubspot.sandbox.set_clock("2026-11-21T13:00:00Z")
    hubspot.read(["contacts"])
    assert "1004" not in hubspot.latest("contacts")
    assert len(hubspot.latest("contacts")) == 120


def test_the_full_list_finds_what_all_else_has_missed(hubspot: Desk) -> None:
    hubspot.read(["contacts"])
    given = hubspot.sandbox.world()
    given["hubspot"][0]["contacts"].append(contact(7777, "2026-11-02T00:00:00Z"))
    hubspot.sandbox.put_world({**given, "now": "2026-11-20T20:00:00Z"})
    hubspot.read(["contacts"])
    assert "7777" not in hubspot.latest("contacts")
    hubspot.sandbox.set_clock("2026-11-21T12:00:00Z")
    hubspot.read(["contacts"])
    assert "7777" in hubspot.latest("contacts")


@pytest.mark.rule("HZ-07")
@pytest.mark.parametrize("is_purged", [False, True])
def test_a_contact_that_comes_back_unchanged_is_live_again(hubspot: Desk, is_purged: bool) -> None:
    hubspot.read(["contacts"])
    given = hubspot.sandbox.world()
    kept = given["hubspot"][0]["contacts"]
    index = next(at for at, one in enumerate(kept) if one["id"] == "1003")
    gone = {**kept[index], "archived": True, "archivedAt": "2026-11-20T15:00:00.000Z"}
    without = [*kept[:index], *([] if is_purged else [gone]), *kept[index + 1 :]]
    for now, contacts_then in (("2026-11-21T13:00:00Z", without), ("2026-11-22T14:00:00Z", kept)):
        given["hubspot"][0]["contacts"] = contacts_then
        hubspot.sandbox.put_world({**given, "now": now})
        hubspot.read(["contacts"])
        held = hubspot.latest("contacts").get("1003")
        assert (held is not None and held["archived"] is False) is (contacts_then is kept)
    hubspot.sandbox.set_clock("2026-11-23T15:00:00Z")
    assert hubspot.read(["contacts"]).appended == 0


def test_a_full_list_that_breaks_off_takes_nobody_for_gone(hubspot: Desk) -> None:
    hubspot.read(["contacts"])
    hubspot.sandbox.set_clock("2026-11-21T13:00:00Z")
    hubspot.fault({"kind": "truncate", "path": "limit=100.*after="})
    assert "contacts" in hubspot.read(["contacts"]).failed
    assert len(hubspot.latest("contacts")) == 121


def test_many_properties_never_make_a_path_too_long(tmp_path: Path) -> None:
    given = world()
    given["hubspot"][0] |= {"email_events": [], "forms": []}
    given["hubspot"][0]["properties"] = [{"name": f"turnout_a_rather_long_name_{number}"} for number in range(200)]
    with desk(given, "hubspot", tmp_path) as hubspot:
        assert hubspot.read(["properties", "contacts"]).failed == {}
        assert len(hubspot.latest("contacts")) == 121
        assert len(hubspot.latest("contacts")["1001"]["properties"]) > 200
        assert max(map(len, hubspot.asked())) < 4_000


def test_a_contact_is_one_account_s_alone(hubspot: Desk) -> None:
    hubspot.read(["contacts"])
    assert hubspot.log.latest("hubspot", "contacts", str(PORTAL)).keys() == hubspot.latest("contacts").keys()
    assert hubspot.log.latest("hubspot", "contacts", "another") == {}
