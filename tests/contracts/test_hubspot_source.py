"""HubSpot as a source: what a reading leaves in the log, and what it asks for. Contacts have their own file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from readings import STORM, Desk, desk

PORTAL = 4711
DAY_MS = 86_400_000
NOW_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z


def event(name: str, created: int, **more: Any) -> dict[str, Any]:
    return {"id": name, "created": created, "type": "OPEN", "recipient": "c1@x.example", "emailCampaignId": 1, **more}


def submission(number: int, at: int) -> dict[str, Any]:
    return {"conversionId": f"s{number}", "submittedAt": at, "values": [{"name": "email", "value": "c1@x.example"}]}


def contact(number: int, updated: str = "2026-11-01T00:00:00Z", **properties: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": updated,
        "properties": {"email": f"c{number}@x.example", "firstname": "C", **properties},
    }


def world() -> dict[str, Any]:
    return {
        "now": "2026-11-20T12:00:00Z",
        "hubspot": [
            {
                "portal_id": PORTAL,
                "time_zone": "America/New_York",
                "users": [{"email": "u@p.example"}],
                "owners": [{"email": "o@p.example"}, {"email": "former@p.example", "archived": True}],
                "properties": [{"name": "turnout_source"}],
                "contacts": [
                    *(contact(1000 + number) for number in range(120)),
                    {**contact(5), "archived": True, "archivedAt": "2026-11-10T00:00:00Z"},
                ],
                "forms": [
                    {"id": "f1", "submissions": [submission(n, NOW_MS - n * DAY_MS // 2) for n in range(120)]},
                    {"id": "f2", "archived": True, "submissions": [submission(900, NOW_MS - 5 * DAY_MS)]},
                ],
                "email_events": [
                    *(event(f"e{number}", NOW_MS - number * DAY_MS // 10) for number in range(2500)),
                    event("bot", NOW_MS - DAY_MS, filteredEvent=True),
                    event("bot", NOW_MS - 2 * DAY_MS),
                ],
            }
        ],
    }


@pytest.fixture
def hubspot(tmp_path: Path) -> Iterator[Desk]:
    with desk(world(), "hubspot", tmp_path) as opened:
        yield opened


def test_a_reading_leaves_every_stream_in_the_log(hubspot: Desk) -> None:
    receipt = hubspot.read()
    assert (receipt.account, receipt.failed, receipt.notes) == (str(PORTAL), {}, [])
    held = {stream: len(records) for stream, records in hubspot.holds().items()}
    assert held.pop("properties") > 50
    assert {held.pop(kind) for kind in ("calls", "emails", "meetings", "notes", "tasks", "deals", "companies")} == {0}
    assert held == {
        "account": 1,
        "users": 1,
        "owners": 2,
        "contacts": 121,
        "email_events": 2502,
        "forms": 2,
        "form_submissions": 121,
    }
    assert hubspot.latest("email_events")[f"bot|{NOW_MS - DAY_MS}"]["filteredEvent"] is True


@pytest.mark.rule("EV-01")
def test_the_log_keeps_each_record_byte_for_byte(hubspot: Desk) -> None:
    hubspot.read(["forms", "form_submissions"])
    answer = requests.get(
        f"{hubspot.sandbox.urls['hubspot']}/form-integrations/v1/submissions/forms/f1?limit=50",
        headers={"Authorization": hubspot.source().client.api.credentials.header()},
        timeout=10,
    )
    assert hubspot.payload("form_submissions", "s7") in answer.text


def test_reading_twice_appends_nothing(hubspot: Desk) -> None:
    hubspot.read()
    before = hubspot.log.positions()
    assert hubspot.read().appended == 0
    assert hubspot.log.positions() == before


def test_both_versions_of_the_api_leave_the_same_events(hubspot: Desk, tmp_path: Path) -> None:
    hubspot.read(hubspot={"api_version": "2026-09"})
    assert hubspot.asked("/crm/v3/") == []
    older = Desk(hubspot.sandbox, "hubspot", tmp_path / "older")
    older.read(hubspot={"api_version": "v3"})
    assert older.asked("2026") == []
    assert older.holds() == hubspot.holds()


@pytest.mark.rule("HZ-28")
@pytest.mark.parametrize("seed", [2, 3])
def test_a_storm_changes_nothing_but_the_time_it_takes(hubspot: Desk, tmp_path: Path, seed: int) -> None:
    hubspot.read()
    stormy = Desk(hubspot.sandbox, "hubspot", tmp_path / "storm")
    stormy.sandbox.state.faults.seed = seed
    stormy.fault(*STORM, {"kind": "locked", "probability": 0.03})
    for _ in range(3):
        stormy.read()
    assert stormy.holds() == hubspot.holds()
    assert stormy.naps


def test_a_former_owner_is_read_and_a_user_who_left_becomes_absent(hubspot: Desk) -> None:
    hubspot.read()
    assert {owner["email"] for owner in hubspot.latest("owners").values()} == {"o@p.example", "former@p.example"}
    given = hubspot.sandbox.world()
    given["hubspot"][0]["users"] = []
    hubspot.sandbox.put_world(given)
    assert hubspot.read(["users"]).streams["users"].absent == 1
    assert hubspot.latest("users") == {}


def test_events_are_read_in_months_and_a_reading_broken_off_goes_on_where_it_was(hubspot: Desk) -> None:
    june = 1_780_272_000_000  # 2026-06-01
    hubspot.fault({"kind": "status", "status": 500, "body": {}, "path": f"startTimestamp={june}"})
    assert "email_events" in hubspot.read(["email_events"]).failed
    read = len(hubspot.latest("email_events"))
    assert 0 < read < 2502
    hubspot.fault()
    assert hubspot.read(["email_events"]).failed == {}
    assert len(hubspot.latest("email_events")) == 2502
    first = min(int(path.partition("startTimestamp=")[2][:13]) for path in hubspot.asked("/events"))
    assert june - first == 30 * 60_000, "the overlap, and nothing else, is read again"


def test_a_window_whose_offset_dies_is_read_from_its_start(hubspot: Desk) -> None:
    given = hubspot.sandbox.world()
    given["hubspot"][0]["email_events"] = [event(f"e{n}", NOW_MS - n * 60_000) for n in range(2500)]
    hubspot.sandbox.put_world(given)
    refusal = {"status": "error", "message": "The offset is invalid, has expired or belongs to another query"}
    hubspot.fault({"kind": "status", "status": 400, "body": refusal, "path": "offset=", "after": 1, "times": 2})
    assert hubspot.read(["email_events"]).failed == {}
    assert len(hubspot.latest("email_events")) == 2500
    assert hubspot.log.version("hubspot", "email_events") == 1, "months without events have no commit"
    assert hubspot.sandbox.state.faults.show()["struck"] == [2]


def test_an_event_that_comes_late_is_read_in_the_overlap(hubspot: Desk) -> None:
    hubspot.read(["email_events"])
    given = hubspot.sandbox.world()
    given["hubspot"][0]["email_events"].append(event("late", NOW_MS - 20 * 60_000))
    given["now"] = "2026-11-20T12:30:00Z"
    hubspot.sandbox.put_world(given)
    hubspot.read(["email_events"])
    assert f"late|{NOW_MS - 20 * 60_000}" in hubspot.latest("email_events")


def test_an_event_that_is_obsoleted_afterwards_is_told_again_within_a_day(hubspot: Desk) -> None:
    hubspot.read(["email_events"])
    given = hubspot.sandbox.world()
    created = NOW_MS - DAY_MS // 10
    changed = next(one for one in given["hubspot"][0]["email_events"] if one["id"] == "e1")
    changed["obsoletedBy"] = {"id": "e0", "created": NOW_MS}
    for now in ("2026-11-20T18:00:00Z", "2026-11-21T12:00:00Z"):
        hubspot.sandbox.put_world({**given, "now": now})
        hubspot.read(["email_events"])
        assert ("obsoletedBy" in hubspot.latest("email_events")[f"e1|{created}"]) == (now > "2026-11-21")


def test_a_form_broken_off_in_the_middle_leaves_no_gap(hubspot: Desk) -> None:
    hubspot.fault({"kind": "status", "status": 500, "body": {}, "path": "/f1.*after="})
    assert "form_submissions" in hubspot.read(["forms", "form_submissions"]).failed
    hubspot.fault()
    hubspot.read(["forms", "form_submissions"])
    assert len(hubspot.latest("form_submissions")) == 121


def test_known_submissions_are_not_read_to_the_end_again(hubspot: Desk) -> None:
    hubspot.read(["forms", "form_submissions"])
    assert len(hubspot.asked("/submissions/forms/f1")) == 3
    given = hubspot.sandbox.world()
    given["hubspot"][0]["forms"][0]["submissions"].insert(0, submission(777, NOW_MS + 60_000))
    hubspot.sandbox.put_world({**given, "now": "2026-11-20T12:30:00Z"})
    assert hubspot.read(["forms", "form_submissions"]).streams["form_submissions"].appended == 1
    assert len(hubspot.asked("/submissions/forms/f1")) == 1


def test_a_form_that_is_refused_does_not_hold_up_the_others(hubspot: Desk) -> None:
    hubspot.fault({"kind": "status", "status": 400, "body": {"message": "not this type"}, "path": "/forms/f1"})
    receipt = hubspot.read(["forms", "form_submissions"])
    assert receipt.failed == {}
    assert "1 forms were refused" in receipt.notes[0]
    assert hubspot.latest("form_submissions").keys() == {"s900"}


@pytest.mark.parametrize(
    ("rule", "nap"),
    [
        ({"kind": "rate_limit", "policy": "burst"}, 10),
        ({"kind": "rate_limit", "policy": "secondly"}, 1),
        ({"kind": "rate_limit", "retry_after": 4}, 4),
        ({"kind": "locked"}, 2),
        ({"kind": "migrating", "retry_after": 60}, 60),
    ],
)
def test_a_limit_is_waited_for_as_its_policy_says(hubspot: Desk, rule: dict[str, Any], nap: float) -> None:
    hubspot.fault({**rule, "times": 1, "path": "owners"})
    assert hubspot.read(["owners"]).failed == {}
    assert hubspot.naps == [pytest.approx(nap + 0.05, abs=0.01)]


def test_the_daily_limit_is_told_and_not_waited_for(hubspot: Desk) -> None:
    hubspot.fault({"kind": "rate_limit", "policy": "daily", "path": "owners"})
    assert list(hubspot.read().failed) == ["owners"]
    assert hubspot.naps == []


def test_a_refused_token_stops_the_reading_and_is_not_shown(hubspot: Desk) -> None:
    token = hubspot.sandbox.environment["HUBSPOT_ACCESS_TOKEN"]
    hubspot.fault(
        {"kind": "status", "status": 401, "body": {"message": f"bad token {token}"}, "path": "owners"},
    )
    receipt = hubspot.read()
    assert next(iter(receipt.failed)) == "owners"
    assert "contacts" in receipt.failed, "what was not tried is named too"
    assert "contacts" not in receipt.streams
    assert "HUBSPOT_ACCESS_TOKEN" in receipt.failed["owners"]
    assert token not in "".join(receipt.failed.values())


def test_a_missing_scope_fails_its_stream_alone_and_is_named(hubspot: Desk) -> None:
    hubspot.fault(missing_scopes=["content"])
    receipt = hubspot.read()
    assert list(receipt.failed) == ["email_events"]
    assert "content" in receipt.failed["email_events"]
    assert len(hubspot.latest("form_submissions")) == 121


def test_the_burst_limit_is_what_the_headers_say(hubspot: Desk) -> None:
    hubspot.sandbox.set_faults({})
    source = hubspot.source()
    source.client.api.observe = source.client._observe
    source.client.account()
    (rate,) = source.client.api.limits["burst"]
    assert (rate.limit, rate.window_ms) == (190, 10_020)
