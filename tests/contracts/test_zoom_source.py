"""Zoom as a source: what a reading leaves in the log, and what it asks for to do so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from readings import Desk, desk

from pipelines.ingest import has_webinars, ingest
from pipelines.vendors.zoom import ZoomSource

HOST, OLD_HOST = "host@acme.example", "left@acme.example"
PAST, SERIES, ODD = 81111111111, 82222222222, 83333333333
RAN, RAN_LONG_AGO = "/ab//cd+e==", "KLMNOPQRSTUVWXYZabcdef=="


def registrant(name: str, status: str = "approved", **more: Any) -> dict[str, Any]:
    return {
        "id": f"r-{name}",
        "email": f"{name}@x.example",
        "first_name": name.title(),
        "create_time": "2026-11-01T08:00:00Z",
        "status": status,
        **more,
    }


def row(user: str, join: str, leave: str | None, seconds: int, **more: Any) -> dict[str, Any]:
    return {
        "user_id": user,
        "name": user,
        "user_email": f"{user}@x.example",
        "join_time": join,
        "leave_time": leave,
        "duration": seconds,
        "status": "in_meeting",
        **more,
    }


def world() -> dict[str, Any]:
    return {
        "now": "2026-11-20T12:00:00Z",
        "zoom": [
            {
                "users": [
                    {"email": HOST},
                    {"email": OLD_HOST, "status": "inactive"},
                    {"email": "soon@acme.example", "status": "pending"},
                    {"email": "basic@acme.example", "type": 1},
                ],
                "webinars": [
                    {
                        "id": PAST,
                        "host_email": HOST,
                        "start_time": "2026-11-18T10:00:00Z",
                        "created_at": "2026-10-01T00:00:00Z",
                        "registrants": [
                            registrant("ada"),
                            registrant("bob", "denied"),
                            registrant("cy", "pending"),
                        ],
                        "panelists": [{"id": "p1", "email": "pan@x.example", "name": "Pan"}],
                        "instances": [
                            {
                                "uuid": RAN,
                                "start_time": "2026-11-18T10:00:00Z",
                                "end_time": "2026-11-18T11:00:00Z",
                                "participants": [
                                    row(
                                        "ada",
                                        "2026-11-18T10:00:00Z",
                                        "2026-11-18T10:30:00Z",
                                        1800,
                                        registrant_id="r-ada",
                                    ),
                                    row("eve", "2026-11-18T10:10:00Z", "2026-11-18T11:00:00Z", 3000, user_email=""),
                                ],
                                "recordings": {
                                    "recording_files": [
                                        {
                                            "file_type": "MP4",
                                            "recording_start": "2026-11-18T10:00:00Z",
                                            "recording_end": "2026-11-18T11:00:00Z",
                                        }
                                    ]
                                },
                            }
                        ],
                    },
                    {
                        "id": SERIES,
                        "host_email": HOST,
                        "settings": {"approval_type": 0, "registration_type": 2},
                        "occurrences": [
                            {"occurrence_id": "1794477600000", "start_time": "2026-11-12T10:00:00Z"},
                            {"occurrence_id": "1795687200000", "start_time": "2026-11-26T10:00:00Z"},
                        ],
                        "registrants": [
                            registrant("dan", occurrences=[{"occurrence_id": "1795687200000"}]),
                        ],
                    },
                    {
                        "id": ODD,
                        "host_email": OLD_HOST,
                        "start_time": "2026-02-03T10:00:00Z",
                        "instances": [
                            {
                                "uuid": RAN_LONG_AGO,
                                "start_time": "2026-02-03T10:00:00Z",
                                "end_time": "2026-02-03T11:00:00Z",
                                "participants": [row("fay", "2026-02-03T10:00:00Z", "2026-02-03T11:00:00Z", 3600)],
                            }
                        ],
                    },
                ],
            }
        ],
    }


@pytest.fixture
def zoom(tmp_path: Path) -> Iterator[Desk]:
    with desk(world(), "zoom", tmp_path) as opened:
        yield opened


def test_a_reading_leaves_every_stream_in_the_log(zoom: Desk) -> None:
    receipt = zoom.read()
    assert receipt.failed == {}
    assert {stream: len(held) for stream, held in zoom.holds().items()} == {
        "users": 3,
        "instances": 2,
        "webinars": 3,
        "session_reports": 0,
        "registrants": 4,
        "registrations_by_occurrence": 1,
        "panelists": 1,
        "questions": 2,
        "participants": 3,
        "report_reads": 2,
        "recordings": 1,
    }
    assert f"{RAN}|ada|2026-11-18T10:00:00Z" in zoom.latest("participants")
    assert zoom.latest("participants")[f"{RAN}|ada|2026-11-18T10:00:00Z"]["registrant_id"] == "r-ada"
    assert zoom.latest("registrations_by_occurrence").keys() == {f"{SERIES}|1795687200000|r-dan"}


@pytest.mark.rule("EV-01")
def test_the_log_keeps_each_record_byte_for_byte(zoom: Desk) -> None:
    zoom.read()
    answer = requests.get(
        f"{zoom.sandbox.urls['zoom']}/v2/webinars/{PAST}/registrants",
        params={"status": "approved"},
        headers={"Authorization": zoom.source().client.credentials.header()},
        timeout=10,
    )
    assert zoom.payload("registrants", f"{PAST}|r-ada") in answer.text


def test_reading_twice_appends_nothing(zoom: Desk) -> None:
    zoom.read()
    before = zoom.log.positions()
    assert zoom.read().appended == 0
    assert zoom.log.positions() == before


def test_a_second_reading_asks_only_for_what_may_have_changed(zoom: Desk) -> None:
    zoom.read()
    zoom.read()
    assert len(zoom.asked("/report/history_meetings")) == 2, "the last month, over its border"
    assert zoom.asked(f"/webinars/{ODD}") == []
    assert zoom.asked("/report/webinars/") == []


def test_a_host_that_left_still_owns_history_and_one_without_a_plan_is_noted(zoom: Desk) -> None:
    receipt = zoom.read()
    assert {user["email"] for user in zoom.latest("users").values()} == {HOST, OLD_HOST, "basic@acme.example"}
    assert str(ODD) in zoom.latest("webinars")
    assert [note for note in receipt.notes if "no webinar plan" in note]


@pytest.mark.rule("HZ-22")
def test_a_registrant_who_vanished_becomes_absent_and_one_who_was_denied_changes(zoom: Desk) -> None:
    zoom.read()
    client = zoom.source().client
    client.delete(f"/webinars/{PAST}/registrants/r-ada", doing="a cancellation")
    client.put(
        f"/webinars/{PAST}/registrants/status",
        doing="a refusal",
        json={"action": "deny", "registrants": [{"id": "r-cy"}]},
    )
    zoom.sandbox.set_clock("2026-11-20T13:00:00Z")
    receipt = zoom.read(["registrants"]).streams["registrants"]
    assert (receipt.appended, receipt.absent) == (2, 1)
    assert f"{PAST}|r-ada" not in zoom.latest("registrants")
    assert zoom.latest("registrants")[f"{PAST}|r-cy"]["status"] == "denied"


def test_nobody_is_taken_for_gone_when_one_of_the_three_lists_could_not_be_read(zoom: Desk) -> None:
    zoom.read()
    zoom.source().client.delete(f"/webinars/{PAST}/registrants/r-ada", doing="a cancellation")
    zoom.fault({"kind": "status", "status": 500, "body": {}, "path": f"{PAST}/registrants.*status=denied"})
    receipt = zoom.read(["registrants"])
    assert receipt.streams["registrants"].appended == 0
    assert f"{PAST}|r-ada" in zoom.latest("registrants")
    assert "not answered" in receipt.notes[0]


def test_a_history_broken_off_goes_on_where_it_was(zoom: Desk) -> None:
    zoom.fault({"kind": "status", "status": 500, "body": {}, "path": "from=2026-05"})
    assert "instances" in zoom.read(["instances"], at_once=1).failed
    zoom.fault()
    receipt = zoom.read(["instances"])
    assert receipt.failed == {}
    starts = [path.partition("from=")[2][:10] for path in zoom.asked("/report/history_meetings")]
    assert sorted(starts) == [f"2026-{month:02d}-01" for month in range(5, 12)]
    assert zoom.latest("instances").keys() == {RAN, RAN_LONG_AGO}


def test_more_years_are_read_when_the_settings_ask_for_them(zoom: Desk) -> None:
    zoom.read(["instances"])
    zoom.read(["instances"], years=2)
    assert len(zoom.asked("from=2024")) == 2
    zoom.read(["instances"], years=2)
    assert zoom.asked("from=2024") == []


def test_months_that_are_no_longer_given_out_are_noted_and_not_asked_again(zoom: Desk) -> None:
    refusal = {"code": 300, "message": "Invalid parameter: from."}
    zoom.fault({"kind": "status", "status": 400, "body": refusal, "path": "from=2025"})
    receipt = zoom.read(["instances"])
    assert receipt.failed == {}
    assert "the history of 2 months" in receipt.notes[0]
    zoom.read(["instances"])
    assert zoom.asked("from=2025") == []


def test_a_session_that_only_its_webinar_names_is_read_too(zoom: Desk) -> None:
    zoom.fault(history_months=0)
    zoom.sandbox.set_clock("2026-11-18T09:00:00Z")
    zoom.read()
    zoom.sandbox.set_clock("2026-11-20T12:00:00Z")
    zoom.read()
    assert zoom.latest("instances") == {}
    assert zoom.latest("session_reports").keys() == {RAN}
    assert len(zoom.latest("participants")) == 2


def test_a_deleted_webinar_becomes_absent_and_is_not_asked_for_again(zoom: Desk) -> None:
    zoom.read()
    zoom.source().client.delete(f"/webinars/{PAST}", doing="a deletion")
    assert zoom.read(["webinars"]).streams["webinars"].absent == 1
    assert str(PAST) not in zoom.latest("webinars")
    zoom.read(["webinars"])
    assert zoom.asked(f"/webinars/{PAST}") == []


def test_a_fresh_report_is_read_until_two_readings_agree(zoom: Desk) -> None:
    zoom.sandbox.set_clock("2026-11-18T11:10:00Z")
    zoom.fault(duration_zero_minutes=55)
    zoom.read()
    assert zoom.latest("report_reads")[RAN]["is_settled"] is False
    assert zoom.latest("participants")[f"{RAN}|ada|2026-11-18T10:00:00Z"]["duration"] == 0
    for clock, is_settled in (("11:35", False), ("11:45", False), ("12:00", False), ("13:00", True)):
        zoom.sandbox.set_clock(f"2026-11-18T{clock}:00Z")
        zoom.read(["participants", "report_reads"])
        assert zoom.latest("report_reads")[RAN]["is_settled"] is is_settled
    assert zoom.latest("participants")[f"{RAN}|ada|2026-11-18T10:00:00Z"]["duration"] == 1800
    zoom.read(["participants", "report_reads"])
    assert zoom.asked("/report/") == []


def test_an_empty_report_is_not_settled_by_being_empty_twice(zoom: Desk) -> None:
    zoom.sandbox.set_clock("2026-11-18T11:05:00Z")
    zoom.fault(report_delay_minutes=90)
    zoom.read()
    assert RAN not in zoom.latest("report_reads")
    zoom.sandbox.set_clock("2026-11-18T13:00:00Z")
    zoom.read(["participants", "report_reads"])
    assert len([key for key in zoom.latest("participants") if key.startswith(RAN)]) == 2


def test_a_kill_between_participants_and_the_note_of_having_read_them_costs_one_reading(zoom: Desk) -> None:
    zoom.read(["users", "instances", "webinars", "participants"])
    assert zoom.read(["participants", "report_reads"]).streams["participants"].appended == 0
    assert len(zoom.asked("/report/webinars/")) == 2
    zoom.read(["participants", "report_reads"])
    assert zoom.asked("/report/webinars/") == []


def test_a_report_that_is_too_old_is_noted_and_never_asked_for_again(zoom: Desk) -> None:
    zoom.fault(report_months=6)
    receipt = zoom.read()
    assert any(note.startswith("zoom: 1 reports are older") for note in receipt.notes)
    assert zoom.latest("report_reads")[RAN_LONG_AGO]["refused"] == "too old"
    zoom.read()
    assert zoom.asked(r"/(report|past_webinars)/.*/participants") == []


def test_where_the_report_is_too_old_the_second_source_is_asked(zoom: Desk) -> None:
    refusal = {"code": 12702, "message": "Can not access a webinar a year ago."}
    zoom.fault({"kind": "status", "status": 400, "body": refusal, "path": "/report/webinars/KLM.*/participants"})
    receipt = zoom.read()
    assert receipt.notes == [note for note in receipt.notes if "older" not in note]
    assert f"{RAN_LONG_AGO}|fay|2026-02-03T10:00:00Z" in zoom.latest("participants")


def test_two_rows_of_one_join_are_two_and_one_row_told_twice_is_one(tmp_path: Path) -> None:
    given = world()
    join, leave = "2026-11-18T10:00:00Z", "2026-11-18T10:05:00Z"
    rows = given["zoom"][0]["webinars"][0]["instances"][0]["participants"]
    rows[:] = [row("x", join, leave, 300), row("x", join, "2026-11-18T10:09:00Z", 540), row("x", join, leave, 300)]
    with desk(given, "zoom", tmp_path) as zoom:
        zoom.read()
        held = {key: row["duration"] for key, row in zoom.latest("participants").items() if key.startswith(RAN)}
        assert held == {f"{RAN}|x|{join}": 300, f"{RAN}|x|{join}|2": 540}


def test_a_recording_that_was_trashed_becomes_absent(zoom: Desk) -> None:
    zoom.read()
    assert zoom.latest("recordings").keys() == {RAN}
    zoom.fault({"kind": "status", "status": 404, "body": {"code": 3301, "message": "none"}, "path": "/recordings"})
    zoom.read(["recordings"])
    assert zoom.latest("recordings") == {}


def test_questions_that_are_asked_no_more_become_absent(zoom: Desk) -> None:
    zoom.read()
    refusal = {"code": 3000, "message": "Registration has not been enabled for this webinar."}
    zoom.fault({"kind": "status", "status": 400, "body": refusal, "path": f"{PAST}/registrants/questions"})
    zoom.read(["questions"])
    assert zoom.latest("questions").keys() == {str(SERIES)}


@pytest.mark.rule("HZ-31")
def test_one_webinar_is_read_again_past_every_cursor_and_nothing_else_is_asked_for(zoom: Desk) -> None:
    zoom.read()
    told = zoom.sandbox.world()
    (ran,) = told["zoom"][0]["webinars"][2]["instances"]
    ran["participants"].append(row("gus", "2026-02-03T10:00:00Z", "2026-02-03T10:30:00Z", 1800))
    ran["end_time"] = "2026-02-03T11:05:00Z"
    zoom.sandbox.put_world(told)
    zoom.fault()
    zoom.read()
    gus = f"{RAN_LONG_AGO}|gus|2026-02-03T10:00:00Z"
    assert gus not in zoom.latest("participants"), "no run looks at it any more"
    cursors = {stream.name: zoom.log.cursors("zoom", stream.name) for stream in ZoomSource.streams}
    source = zoom.source()
    assert has_webinars(source)
    zoom.sandbox.clear_requests()
    receipt = ingest(source.of_webinar(str(ODD)), zoom.log, run="again")
    assert receipt.failed == {}
    assert gus in zoom.latest("participants")
    assert zoom.latest("instances")[RAN_LONG_AGO]["end_time"] == "2026-02-03T11:05:00Z"
    assert {stream.name: zoom.log.cursors("zoom", stream.name) for stream in ZoomSource.streams} == cursors
    others = [path for path in zoom.asked("/v2/") if str(ODD) not in path and RAN_LONG_AGO[:5] not in path]
    assert [path.partition("?")[0] for path in others] == ["/v2/users", "/v2/report/history_meetings"], "and the clock"
    zoom.sandbox.clear_requests()
    ingest(source.of_webinar(str(PAST)), zoom.log, run="again")
    kinds = ("registrants", "panelists", "questions", "participants", "recordings", "instances")
    assert all(zoom.asked(f"/{kind}") for kind in kinds)
    assert source.knows(str(ODD), zoom.log)
    assert not source.knows("89999999999", zoom.log)
