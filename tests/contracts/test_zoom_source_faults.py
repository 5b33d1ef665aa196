"""Zoom as a source on bad days: nothing is lost, nothing is doubled, and a refusal says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from readings import STORM, Desk, desk
from test_zoom_source import PAST, RAN, RAN_LONG_AGO, SERIES, registrant, world

from pipelines.vendors.reading import batches
from pipelines.vendors.zoom import client as zoom_client


@pytest.fixture
def zoom(tmp_path: Path) -> Iterator[Desk]:
    with desk(world(), "zoom", tmp_path) as opened:
        yield opened


def crowd() -> dict[str, Any]:
    given = world()
    given["zoom"][0]["webinars"][0]["registrants"] = [registrant(f"p{number}") for number in range(700)]
    return given


@pytest.mark.rule("HZ-28")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_storm_changes_nothing_but_the_time_it_takes(tmp_path: Path, seed: int) -> None:
    with desk(crowd(), "zoom", tmp_path / "calm") as calm:
        calm.read()
        stormy = Desk(calm.sandbox, "zoom", tmp_path / "storm")
        stormy.sandbox.state.faults.seed = seed
        stormy.fault(*STORM, {"kind": "expire_token", "path": "/v2/", "probability": 0.02})
        for _ in range(3):
            stormy.read()
        assert stormy.holds() == calm.holds()
        assert stormy.naps


def test_a_list_whose_page_token_dies_is_read_from_its_start(tmp_path: Path) -> None:
    with desk(crowd(), "zoom", tmp_path) as zoom:
        dead = {"code": 300, "message": "The next page token is invalid or expired."}
        zoom.fault({"kind": "status", "status": 400, "body": dead, "path": "next_page_token", "times": 2})
        receipt = zoom.read()
        assert receipt.failed == {}
        assert len([key for key in zoom.latest("registrants") if key.startswith(str(PAST))]) == 700
        assert zoom.latest("registrants").keys() >= {f"{PAST}|r-p0", f"{PAST}|r-p699"}


def test_a_large_scope_is_handed_over_in_slices_and_still_tells_who_vanished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(batches.__kwdefaults__, "size", 300)
    with desk(crowd(), "zoom", tmp_path) as zoom:
        zoom.read()
        assert len(zoom.latest("registrants")) == 701
        zoom.source().client.delete(f"/webinars/{PAST}/registrants/r-p10", doing="a cancellation")
        receipt = zoom.read(["registrants"]).streams["registrants"]
        assert (receipt.appended, receipt.absent) == (1, 1)


@pytest.mark.parametrize("status", [400, 401])
def test_a_dead_token_is_replaced_whether_it_is_refused_with_400_or_with_401(zoom: Desk, status: int) -> None:
    zoom.fault({"kind": "expire_token", "path": "/v2/", "after": 4, "times": 1}, token_error_status=status)
    assert zoom.read().failed == {}
    assert len(zoom.asked("/oauth/token")) >= 1


def test_a_token_is_shared_and_is_renewed_before_it_dies(zoom: Desk) -> None:
    zoom.read(["users"])
    assert len(zoom.asked("/oauth/token")) == 1
    zoom.sandbox.set_clock("2026-11-20T12:40:00Z")
    zoom.read(["users"])
    assert zoom.asked("/oauth/token") == []
    zoom.sandbox.set_clock("2026-11-20T12:50:00Z")
    zoom.read(["users", "instances"])
    assert len(zoom.asked("/oauth/token")) == 1


def test_wrong_credentials_are_told_and_never_shown(zoom: Desk) -> None:
    zoom_client._tokens.clear()
    secret = zoom.sandbox.environment["ZOOM_CLIENT_SECRET"]
    answer = {"code": 4702, "message": f"Invalid client secret {secret}", "reason": secret}
    zoom.fault({"kind": "status", "status": 400, "body": answer, "path": "/oauth/token"})
    receipt = zoom.read()
    said = " ".join(receipt.failed.values())
    assert "ZOOM_CLIENT_SECRET" in said
    assert "[secret]" in said
    assert secret not in said


def test_a_missing_scope_fails_its_stream_alone_and_is_named(zoom: Desk) -> None:
    zoom.fault(missing_scopes=["webinar:read:list_panelists:admin"])
    receipt = zoom.read()
    assert list(receipt.failed) == ["panelists"]
    assert "webinar:read:list_panelists:admin" in receipt.failed["panelists"]
    assert len(zoom.latest("participants")) == 3


def test_one_refused_webinar_is_noted_and_all_refused_for_want_of_permission_is_a_failure(zoom: Desk) -> None:
    refusal = {"code": 200, "message": "No permission."}
    zoom.fault({"kind": "status", "status": 400, "body": refusal, "path": f"{SERIES}/registrants"})
    receipt = zoom.read(["users", "instances", "webinars", "registrants"])
    assert receipt.failed == {}
    assert any("1 lists of registrants were refused" in note for note in receipt.notes)
    assert len(zoom.latest("registrants")) == 3
    zoom.fault({"kind": "status", "status": 400, "body": refusal, "path": "/registrants[?]"})
    assert "No permission" in zoom.read(["registrants"]).failed["registrants"]


def test_a_history_without_permission_is_a_failure_and_no_empty_history(zoom: Desk) -> None:
    zoom.fault({"kind": "status", "status": 400, "body": {"code": 200, "message": "No permission."}, "path": "history"})
    receipt = zoom.read()
    assert list(receipt.failed) == ["instances"]
    assert zoom.log.cursor("zoom", "instances", zoom.source().account) is None


def test_one_session_that_stays_broken_does_not_hold_up_the_others(zoom: Desk) -> None:
    zoom.fault({"kind": "html", "path": "/report/webinars/KLM"})
    receipt = zoom.read()
    assert receipt.failed == {}
    assert {key.partition("|")[0] for key in zoom.latest("participants")} == {RAN}
    zoom.fault()
    zoom.read()
    assert {key.partition("|")[0] for key in zoom.latest("participants")} == {RAN, RAN_LONG_AGO}


def test_a_daily_limit_is_told_and_not_waited_for(zoom: Desk) -> None:
    zoom.fault({"kind": "rate_limit", "policy": "daily", "path": "/report/"})
    receipt = zoom.read()
    assert "instances" in receipt.failed
    assert len(zoom.latest("registrants")) == 4
    assert zoom.naps == []


def test_a_burst_limit_without_retry_after_is_waited_for_a_second(zoom: Desk) -> None:
    zoom.fault({"kind": "rate_limit", "times": 2, "path": "/v2/users"})
    assert zoom.read(["users"]).failed == {}
    assert zoom.naps == [pytest.approx(1.05, abs=0.01)] * 2
