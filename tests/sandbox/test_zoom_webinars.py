"""Users, webinars, registrants as Zoom lists them; paging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.desk import Desk, upcoming, webinar, zoom_world

Serve = Callable[..., Desk]


def series(**given: Any) -> dict[str, Any]:
    """A recurring webinar with a date past, one ahead, and one that was struck off."""
    dates = [
        {"occurrence_id": "1", "start_time": "2026-11-06T10:00:00Z", "duration": 60},
        {"occurrence_id": "2", "start_time": "2026-12-04T10:00:00Z", "duration": 60},
        {"occurrence_id": "3", "start_time": "2026-12-11T10:00:00Z", "duration": 60, "status": "deleted"},
    ]
    return {"id": 333, "type": 9, "occurrences": dates, "settings": {"approval_type": 0}, **given}


def test_users_are_active_ones_unless_asked_otherwise(serve: Serve) -> None:
    users = [{"id": "a", "email": "a@x.example"}, {"id": "b", "email": "b@x.example", "status": "inactive"}]
    desk = serve({"zoom": [{"users": [*users, {"email": "c@x.example", "status": "pending"}]}]})
    assert [user["id"] for user in desk.zoom("GET", "/users").json()["users"]] == ["a"]
    assert [user["id"] for user in desk.zoom("GET", "/users?status=inactive").json()["users"]] == ["b"]
    assert "id" not in desk.zoom("GET", "/users?status=pending").json()["users"][0]
    assert desk.zoom("GET", "/users?status=gone").json()["code"] == 300
    assert desk.zoom("GET", "/users?page_size=2001").json()["code"] == 300
    assert desk.zoom("GET", "/users/b@x.example").json()["id"] == "b"
    assert desk.zoom("GET", "/users/z").json()["code"] == 1001


def test_only_what_has_not_expired_is_listed(serve: Serve) -> None:
    old = webinar(6, start_time="2026-10-01T10:00:00Z", instances=[])
    desk = serve(zoom_world(webinar(1), upcoming(2), series(), {"id": 4, "type": 6}, upcoming(5, deleted=True), old))

    def listed(query: str = "") -> list[int]:
        return [row["id"] for row in desk.zoom("GET", f"/users/host/webinars{query}").json()["webinars"]]

    assert listed() == [1, 2, 333, 4]
    assert listed("?type=upcoming") == [2, 333, 4]


def test_a_webinar_that_still_runs_is_listed(serve: Serve) -> None:
    running = {"id": 9, "start_time": "2026-11-20T11:30:00Z", "instances": [{"start_time": "2026-11-20T11:30:00Z"}]}
    desk = serve(zoom_world(running))
    assert [row["id"] for row in desk.zoom("GET", "/users/host/webinars").json()["webinars"]] == [9]
    assert desk.zoom("GET", "/past_webinars/9/instances").json() == {"webinars": []}


def test_a_user_without_the_plan_is_refused_with_200_in_a_400(serve: Serve) -> None:
    desk = serve({"zoom": [{"users": [{"id": "basic", "email": "b@x.example", "type": 1}]}]})
    answer = desk.zoom("GET", "/users/basic/webinars")
    assert (answer.status_code, answer.json()["code"]) == (400, 200)
    assert "Webinar plan is missing" in answer.json()["message"]


def test_details_hide_what_the_sandbox_knows_alone(serve: Serve) -> None:
    desk = serve(zoom_world(webinar(zoom_events=True, registrants=[{"email": "a@b.example"}])))
    body = desk.zoom("GET", "/webinars/111").json()
    assert body["creation_source"] == "zoom_events"
    assert {"registrants", "instances", "zoom_events", "panelists"} & set(body) == set()


def test_occurrences_that_are_over_show_only_when_asked_for(serve: Serve) -> None:
    desk = serve(zoom_world(series()))
    shown = desk.zoom("GET", "/webinars/333").json()["occurrences"]
    assert [(one["occurrence_id"], one["status"]) for one in shown] == [("2", "available"), ("3", "deleted")]
    whole = desk.zoom("GET", "/webinars/333?show_previous_occurrences=true").json()["occurrences"]
    assert [one["occurrence_id"] for one in whole] == ["1", "2", "3"]
    assert desk.zoom("GET", "/webinars/333?occurrence_id=2").json()["start_time"] == "2026-12-04T10:00:00Z"


@pytest.mark.parametrize("number", ["999", "5"])
def test_a_webinar_that_is_unknown_or_deleted_is_404(serve: Serve, number: str) -> None:
    desk = serve(zoom_world(upcoming(5, deleted=True)))
    for path in ("", "/registrants", "/registrants/questions", "/panelists"):
        answer = desk.zoom("GET", f"/webinars/{number}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, 3001), path
    assert desk.zoom("GET", "/webinars/abc").json()["code"] == 300


def test_ids_expire_only_by_the_switch(serve: Serve) -> None:
    old = webinar(7, start_time="2026-10-01T10:00:00Z", instances=[])
    desk = serve(zoom_world(old))
    assert desk.zoom("GET", "/webinars/7").status_code == 200
    desk.faults(zoom__expire_ids=True)
    assert desk.zoom("GET", "/webinars/7").status_code == 404


def test_registrants_are_the_approved_ones_unless_asked_otherwise(serve: Serve) -> None:
    people = [{"email": f"{status}@x.example", "status": status} for status in ("approved", "pending", "denied")]
    desk = serve(zoom_world(webinar(registrants=people)))
    for status in ("approved", "pending", "denied"):
        rows = desk.zoom("GET", f"/webinars/111/registrants?status={status}").json()["registrants"]
        assert [row["email"] for row in rows] == [f"{status}@x.example"]
        assert ("join_url" in rows[0]) == (status == "approved")
    assert len(desk.zoom("GET", "/webinars/111/registrants").json()["registrants"]) == 1
    assert desk.zoom("GET", "/webinars/111/registrants?status=cancelled").status_code == 400


def test_an_occurrence_narrows_the_registrants_of_types_two_and_three(serve: Serve) -> None:
    people = [
        {"email": "one@x.example", "occurrences": [{"occurrence_id": "1"}]},
        {"email": "two@x.example", "occurrences": [{"occurrence_id": "2"}]},
    ]
    settings = {"approval_type": 0, "registration_type": 2}
    each, once = series(settings=settings, registrants=people), series(id=444, registrants=people)
    desk = serve(zoom_world(each, once))

    def emails(number: int) -> list[str]:
        rows = desk.zoom("GET", f"/webinars/{number}/registrants?occurrence_id=2").json()["registrants"]
        assert all("occurrences" not in row for row in rows)
        return [row["email"] for row in rows]

    assert emails(333) == ["two@x.example"]
    assert emails(444) == ["one@x.example", "two@x.example"]


def test_what_happens_later_appears_as_the_clock_moves(serve: Serve) -> None:
    late = {"email": "l@x.example", "create_time": "2026-11-21T00:00:00Z"}
    run = {"uuid": "later==", "start_time": "2026-12-01T10:00:00Z", "end_time": "2026-12-01T11:00:00Z"}
    desk = serve(zoom_world(upcoming(registrants=[late], instances=[run])))
    assert desk.zoom("GET", "/webinars/222/registrants").json()["registrants"] == []
    assert desk.zoom("GET", "/past_webinars/222/instances").json()["webinars"] == []
    desk.sandbox.set_clock("2026-12-01T11:00:00Z")
    desk._token = ""
    assert len(desk.zoom("GET", "/webinars/222/registrants").json()["registrants"]) == 1
    assert desk.zoom("GET", "/past_webinars/222/instances").json()["webinars"][0]["uuid"] == "later=="


def test_pages_are_of_thirty_and_end_with_a_blank_token(serve: Serve) -> None:
    people = [{"id": f"r{at}", "email": f"p{at}@x.example"} for at in range(65)]
    desk = serve(zoom_world(webinar(registrants=people)))
    first = desk.zoom("GET", "/webinars/111/registrants").json()
    assert (len(first["registrants"]), first["total_records"], first["page_count"]) == (30, 65, 3)
    rows = desk.all_zoom("/webinars/111/registrants", "registrants")
    assert [row["id"] for row in rows] == [person["id"] for person in people]
    assert desk.zoom("GET", "/webinars/111/registrants?page_size=300").json()["next_page_token"] == ""
    assert desk.zoom("GET", "/webinars/111/registrants?page_size=301").status_code == 400


def test_a_page_token_dies_after_fifteen_minutes(serve: Serve) -> None:
    people = [{"email": f"p{at}@x.example"} for at in range(5)]
    desk = serve(zoom_world(webinar(registrants=people)))
    token = desk.zoom("GET", "/webinars/111/registrants?page_size=2").json()["next_page_token"]
    path = f"/webinars/111/registrants?page_size=2&next_page_token={token}"
    desk.sandbox.set_clock("2026-11-20T12:15:00Z")
    assert len(desk.zoom("GET", path).json()["registrants"]) == 2
    desk.sandbox.set_clock("2026-11-20T12:15:01Z")
    answer = desk.zoom("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (400, 300)
    assert answer.json()["message"] == "The next page token is invalid or expired."


def test_a_page_token_of_another_list_is_refused(serve: Serve) -> None:
    people = [{"email": f"p{at}@x.example"} for at in range(5)]
    desk = serve(zoom_world(webinar(1, registrants=people), webinar(2, registrants=people)))
    token = desk.zoom("GET", "/webinars/1/registrants?page_size=2").json()["next_page_token"]
    assert desk.zoom("GET", f"/webinars/2/registrants?page_size=2&next_page_token={token}").status_code == 400
    assert desk.zoom("GET", f"/webinars/1/registrants?status=denied&next_page_token={token}").status_code == 400
    assert desk.zoom("GET", "/webinars/1/registrants?next_page_token=nonsense").status_code == 400


def test_the_questions_of_a_form_are_told_only_where_there_is_one(serve: Serve) -> None:
    asks = {"questions": [{"field_name": "org", "required": True}], "custom_questions": []}
    desk = serve(zoom_world(webinar(1, questions=asks), webinar(2, settings={"approval_type": 2})))
    assert desk.zoom("GET", "/webinars/1/registrants/questions").json() == asks
    answer = desk.zoom("GET", "/webinars/2/registrants/questions")
    assert (answer.status_code, answer.json()["code"]) == (400, 3000)


def test_panelists_and_tracking_sources_are_listed(serve: Serve) -> None:
    desk = serve(zoom_world(webinar(panelists=[{"email": "p@x.example"}], tracking_sources=[{"source_name": "ad"}])))
    assert desk.zoom("GET", "/webinars/111/panelists").json()["panelists"][0]["email"] == "p@x.example"
    assert desk.zoom("GET", "/webinars/111/tracking_sources").json()["total_records"] == 1
