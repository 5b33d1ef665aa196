"""What ran and who was in the room: reports, past sessions, UUIDs, recordings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.desk import Desk, once, twice, webinar, zoom_world

Serve = Callable[..., Desk]


def run(
    uuid: str = "run==", start: str = "2026-11-10T10:00:00Z", end: str = "2026-11-10T11:00:00Z", **given: Any
) -> Any:
    return {"uuid": uuid, "start_time": start, "end_time": end, **given}


def row(email: str = "a@x.example", **given: Any) -> dict[str, Any]:
    times = {"join_time": "2026-11-10T10:00:00Z", "leave_time": "2026-11-10T10:30:00Z"}
    return {"user_email": email, "name": "A", **times, **given}


def participants(desk: Desk, name: str, query: str = "") -> Any:
    return desk.zoom("GET", f"/report/webinars/{name}/participants{query}").json()


def test_rows_bear_a_registrant_only_when_it_is_asked_for(serve: Serve) -> None:
    desk = serve(zoom_world(webinar(instances=[run(participants=[row(registrant_id="r1"), row("")])])))
    plain = participants(desk, once("run=="))["participants"]
    assert all("registrant_id" not in one for one in plain)
    assert plain[0]["duration"] == 1800
    asked = participants(desk, once("run=="), "?include_fields=registrant_id")["participants"]
    assert [(one["user_email"], one["registrant_id"]) for one in asked] == [("a@x.example", "r1"), ("", "")]


def test_what_the_sandbox_knows_alone_is_in_no_answer(serve: Serve) -> None:
    held = run(practice_session=True, occurrence_id="987654", participants=[row()])
    desk = serve(zoom_world(webinar(instances=[held])))
    for path in (
        "/webinars/111",
        "/past_webinars/111/instances",
        "/report/webinars/111",
        "/report/history_meetings?from=2026-11-01&to=2026-11-20",
        "/report/webinars/111/participants",
    ):
        text = desk.zoom("GET", path).text
        assert "practice" not in text
        assert "987654" not in text, path


def test_an_id_means_the_latest_session(serve: Serve) -> None:
    early = run("one==", "2026-11-03T10:00:00Z", "2026-11-03T11:00:00Z", participants=[row("early@x.example")])
    desk = serve(zoom_world(webinar(instances=[early, run("two==", participants=[row("late@x.example")])])))
    assert participants(desk, "111")["participants"][0]["user_email"] == "late@x.example"
    assert participants(desk, once("one=="))["participants"][0]["user_email"] == "early@x.example"
    found = desk.zoom("GET", "/past_webinars/111/instances").json()["webinars"]
    assert [one["uuid"] for one in found] == ["one==", "two=="]


@pytest.mark.parametrize("uuid", ["/abc==", "a//b=="])
def test_a_uuid_with_a_leading_or_double_slash_must_be_encoded_twice(serve: Serve, uuid: str) -> None:
    desk = serve(zoom_world(webinar(instances=[run(uuid)])))
    assert desk.zoom("GET", f"/report/webinars/{twice(uuid)}/participants").status_code == 200
    answer = desk.zoom("GET", f"/report/webinars/{once(uuid)}/participants")
    assert (answer.status_code, answer.json()["code"]) == (404, 3001)


def test_any_other_uuid_is_encoded_once(serve: Serve) -> None:
    uuid = "a/b+c=="
    desk = serve(zoom_world(webinar(instances=[run(uuid)])))
    assert desk.zoom("GET", f"/report/webinars/{once(uuid)}").json()["uuid"] == uuid
    assert desk.zoom("GET", f"/report/webinars/{twice(uuid)}").status_code == 404
    assert desk.zoom("GET", f"/report/webinars/{uuid}").json()["code"] == 2300
    desk.faults(zoom__double_encoding_always=True)
    assert desk.zoom("GET", f"/report/webinars/{twice(uuid)}").status_code == 200


def test_a_deleted_webinar_is_gone_but_its_sessions_are_not(serve: Serve) -> None:
    desk = serve(zoom_world(webinar(deleted=True, instances=[run(participants=[row()])])))
    assert desk.zoom("GET", "/report/webinars/111/participants").status_code == 404
    assert participants(desk, once("run=="))["total_records"] == 1
    history = desk.zoom("GET", "/report/history_meetings?from=2026-11-01&to=2026-11-20").json()
    assert [one["meeting_uuid"] for one in history["history_meetings"]] == ["run=="]


def test_a_session_of_more_than_a_year_ago_cannot_be_read(serve: Serve) -> None:
    old = run("old==", "2025-11-19T10:00:00Z", "2025-11-19T11:00:00Z")
    young = run("young==", "2025-11-21T10:00:00Z", "2025-11-21T11:00:00Z")
    desk = serve(zoom_world(webinar(instances=[old, young])))
    answer = desk.zoom("GET", f"/report/webinars/{once('old==')}/participants")
    assert (answer.status_code, answer.json()["code"]) == (400, 12702)
    assert desk.zoom("GET", f"/report/webinars/{once('young==')}/participants").status_code == 200
    desk.faults(zoom__report_months=6)
    assert desk.zoom("GET", f"/report/webinars/{once('young==')}/participants").status_code == 400
    desk.faults(zoom__report_months=None)
    assert desk.zoom("GET", f"/report/webinars/{once('old==')}/participants").status_code == 200


def test_too_early_a_report_has_no_durations(serve: Serve) -> None:
    ended = run(
        start="2026-11-20T11:00:00Z",
        end="2026-11-20T11:50:00Z",
        participants=[row(join_time="2026-11-20T11:00:00Z", leave_time="2026-11-20T11:40:00Z")],
    )
    desk = serve(zoom_world(webinar(instances=[ended])))
    desk.faults(zoom__duration_zero_minutes=15)
    early = participants(desk, "111")["participants"][0]
    assert early["duration"] == 0
    assert "leave_time" not in early
    desk.sandbox.set_clock("2026-11-20T12:05:00Z")
    assert participants(desk, "111")["participants"][0]["duration"] == 2400
    desk.faults(zoom__report_delay_minutes=30)
    assert desk.zoom("GET", "/report/webinars/111/participants").status_code == 404


def test_history_is_asked_for_a_month_at_most(serve: Serve) -> None:
    desk = serve(zoom_world(webinar()))
    good = desk.zoom("GET", "/report/history_meetings?from=2026-10-20&to=2026-11-20&meeting_type=webinar")
    found = good.json()["history_meetings"][0]
    assert (found["meeting_id"], found["host_email"], found["duration"]) == (111, "host@acme.example", 60)
    for query in ("from=2026-09-01&to=2026-11-20", "from=2026-11-20&to=2026-11-01", "to=2026-11-01", "from=x&to=y"):
        assert desk.zoom("GET", f"/report/history_meetings?{query}").json()["code"] == 300, query
    none = desk.zoom("GET", "/report/history_meetings?from=2026-11-01&to=2026-11-20&meeting_type=meeting")
    assert none.json()["history_meetings"] == []


def test_history_counts_both_of_its_days(serve: Serve) -> None:
    desk = serve(zoom_world(webinar()))
    for query, count in (
        ("2026-11-10&to=2026-11-10", 1),
        ("2026-11-11&to=2026-11-12", 0),
        ("2026-11-08&to=2026-11-09", 0),
    ):
        body = desk.zoom("GET", f"/report/history_meetings?from={query}").json()
        assert len(body["history_meetings"]) == count, query


def test_absentees_are_the_approved_who_were_not_there(serve: Serve) -> None:
    people = [
        {"id": "r1", "email": "a@x.example"},
        {"id": "r2", "email": "b@x.example"},
        {"id": "r3", "email": "c@x.example"},
        {"id": "r4", "email": "d@x.example", "status": "denied"},
    ]
    held = run(participants=[row("A@X.example"), row("", registrant_id="r2")])
    desk = serve(zoom_world(webinar(registrants=people, instances=[held])))
    rows = desk.zoom("GET", f"/past_webinars/{once('run==')}/absentees").json()["registrants"]
    assert [one["id"] for one in rows] == ["r3"]


def test_the_cheaper_list_says_who_is_internal(serve: Serve) -> None:
    held = run(participants=[row("host@acme.example"), row()])
    desk = serve(zoom_world(webinar(instances=[held])))
    rows = desk.zoom("GET", f"/past_webinars/{once('run==')}/participants").json()["participants"]
    assert [one["internal_user"] for one in rows] == [True, False]


def test_a_meeting_of_one_has_no_report(serve: Serve) -> None:
    meetings = [{"id": 5, "instances": [run("m1==", participants=[row()])]}]
    meetings.append({"id": 6, "instances": [run("m2==", participants=[row(), row("b@x.example")])]})
    desk = serve(zoom_world(meetings=meetings))
    assert desk.zoom("GET", "/report/meetings/5/participants").status_code == 404
    assert desk.zoom("GET", "/report/meetings/6/participants").json()["total_records"] == 2
    assert desk.zoom("GET", "/past_meetings/5").json()["participants_count"] == 1


def test_recordings_show_when_they_are_completed(serve: Serve) -> None:
    files = [
        {"id": "f1", "file_type": "MP4", "status": "completed"},
        {"id": "f2", "file_type": "TRANSCRIPT", "status": "completed", "content": "WEBVTT\n\nhello"},
        {"id": "f3", "file_type": "CHAT", "status": "processing"},
    ]
    done = run("done==", recordings={"share_url": "https://zoom.example/s", "recording_files": files})
    busy = run("busy==", recordings={"recording_files": files[2:]})
    gone = run("gone==", recordings={"deleted_time": "2026-11-12T00:00:00Z", "recording_files": files[:1]})
    desk = serve(zoom_world(webinar(1, instances=[done]), webinar(2, instances=[busy]), webinar(3, instances=[gone])))
    body = desk.zoom("GET", "/meetings/1/recordings").json()
    assert [file["id"] for file in body["recording_files"]] == ["f1", "f2"]
    assert body["recording_files"][0]["meeting_id"] == "done=="
    for number in (2, 3):
        assert desk.zoom("GET", f"/meetings/{number}/recordings").json()["code"] == 3301
    link = desk.zoom("GET", "/meetings/1/transcript").json()["download_url"]
    answer = desk.session.get(link, headers={"Authorization": f"Bearer {desk.token}"}, timeout=5)
    assert answer.text == "WEBVTT\n\nhello"
    assert desk.session.get(link, timeout=5).status_code == 401
    month = "from=2026-11-01&to=2026-11-20"
    assert len(desk.zoom("GET", f"/users/host/recordings?{month}").json()["meetings"]) == 1
    assert [m["uuid"] for m in desk.zoom("GET", f"/users/host/recordings?{month}&trash=true").json()["meetings"]] == [
        "gone=="
    ]
    assert desk.zoom("GET", "/users/host/recordings").json()["meetings"] == []  # today alone
