"""Registering somebody in Zoom, and everything for which it refuses to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.sandbox.desk import Desk, upcoming, webinar, zoom_world

Serve = Callable[..., Desk]


def register(
    desk: Desk, email: str = "a@x.example", number: int = 222, path: str = "", **given: Any
) -> requests.Response:
    body = {"first_name": "Ada", "email": email, **given}
    return desk.zoom("POST", f"/webinars/{number}/registrants{path}", json=body)


def test_a_registration_is_told_back_and_listed(serve: Serve) -> None:
    desk = serve(zoom_world(upcoming()))
    answer = register(desk, last_name="Byron")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["id"], made["topic"], made["start_time"]) == (222, "Ahead", "2026-12-01T10:00:00Z")
    listed = desk.zoom("GET", "/webinars/222/registrants").json()["registrants"]
    assert [(row["id"], row["join_url"]) for row in listed] == [(made["registrant_id"], made["join_url"])]
    one = desk.zoom("GET", f"/webinars/222/registrants/{made['registrant_id']}").json()
    assert (one["last_name"], one["create_time"], one["status"]) == ("Byron", "2026-11-20T12:00:00Z", "approved")


def test_the_same_address_again_is_the_same_registrant(serve: Serve) -> None:
    desk = serve(zoom_world(upcoming()))
    first, second = register(desk).json(), register(desk, " A@X.example".strip()).json()
    assert first == second
    assert desk.zoom("GET", "/webinars/222/registrants").json()["total_records"] == 1


def test_an_address_may_be_registered_three_times_a_day(serve: Serve) -> None:
    desk = serve(zoom_world(upcoming(), upcoming(223)))
    answers = [register(desk, number=number) for number in (222, 223, 222, 223)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert answers[3].headers["Retry-After"] == "2026-11-21T00:00:00Z"
    assert "daily rate limit of (3)" in answers[3].json()["message"]
    assert register(desk, "other@x.example").status_code == 201
    desk.faults(zoom__registrant_cap_per_webinar=True)
    assert register(desk, number=223).status_code == 201
    desk.faults()
    desk.sandbox.set_clock("2026-11-21T00:00:00Z")
    desk._token = ""
    assert register(desk).status_code == 201


@pytest.mark.parametrize(
    ("given", "email", "code", "words"),
    [
        ({"settings": {"approval_type": 2}}, "a@x.example", 3000, "does not have registration"),
        ({}, "Host@acme.example", 3027, "Host cannot register"),
        ({"panelists": [{"email": "p@x.example"}]}, "P@x.example", 3000, "invited as a panelist"),
        ({"start_time": "2026-11-19T10:00:00Z"}, "a@x.example", 3038, "is over"),
        (
            {
                "settings": {"approval_type": 0, "registrants_restrict_number": 1},
                "registrants": [{"email": "b@x.example"}],
            },
            "a@x.example",
            3000,
            "reached the limit",
        ),
        ({}, "no address", 300, "email"),
        ({"registrants": [{"email": "a@x.example", "status": "denied"}]}, "a@x.example", 3000, "denied"),
        ({"paid": True}, "a@x.example", 3000, "paid registration"),
        ({"settings": {"approval_type": 0, "blocked_domains": "x.example"}}, "a@x.example", 3034, "work email"),
    ],
)
def test_each_refusal_has_its_code_and_words(
    serve: Serve, given: dict[str, Any], email: str, code: int, words: str
) -> None:
    desk = serve(zoom_world(upcoming(**given)))
    answer = register(desk, email)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert words in answer.json()["message"]


def test_a_webinar_that_was_held_early_is_over(serve: Serve) -> None:
    held = [{"start_time": "2026-11-20T10:00:00Z", "end_time": "2026-11-20T11:00:00Z"}]
    desk = serve(zoom_world(upcoming(start_time="2026-11-20T10:00:00Z", duration=180, instances=held)))
    assert register(desk).json()["code"] == 3038


def test_a_missing_answer_is_named(serve: Serve) -> None:
    asks = {
        "questions": [{"field_name": "org", "required": True}, {"field_name": "city", "required": False}],
        "custom_questions": [
            {"title": "Plan?", "type": "single_dropdown", "required": True, "answers": ["Free", "Team"]}
        ],
    }
    desk = serve(zoom_world(upcoming(questions=asks)))
    refused = register(desk).json()
    assert refused["code"] == 300
    assert {error["field"] for error in refused["errors"]} == {"org", "Plan?"}
    assert "Plan?" in refused["message"]
    wrong = register(desk, org="Acme", custom_questions=[{"title": "Plan?", "value": "Gold"}])
    assert wrong.json()["errors"] == [{"field": "Plan?", "message": "Invalid answer."}]
    assert register(desk, org="Acme", custom_questions=[{"title": "Plan?", "value": "Team"}]).status_code == 201


def test_a_first_name_is_required_and_lengths_are_limited(serve: Serve) -> None:
    desk = serve(zoom_world(upcoming()))
    assert register(desk, first_name="").json()["errors"] == [{"field": "first_name", "message": "Invalid field."}]
    assert register(desk, last_name="x" * 65).json()["errors"][0]["field"] == "last_name"


def test_with_manual_approval_there_is_no_link_until_it_is_given(serve: Serve) -> None:
    desk = serve(zoom_world(upcoming(settings={"approval_type": 1})))
    made = register(desk).json()
    assert "join_url" not in made
    pending = desk.zoom("GET", "/webinars/222/registrants?status=pending").json()["registrants"]
    assert [row["id"] for row in pending] == [made["registrant_id"]]
    change(desk, "approve", {"id": made["registrant_id"]})
    approved = desk.zoom("GET", "/webinars/222/registrants").json()["registrants"]
    assert approved[0]["join_url"].startswith("https://")


def change(desk: Desk, action: str, *registrants: dict[str, str]) -> requests.Response:
    body = {"action": action, "registrants": list(registrants)}
    return desk.zoom("PUT", "/webinars/222/registrants/status", json=body)


def test_a_cancelled_registrant_stands_among_the_denied_ones(serve: Serve) -> None:
    desk = serve(zoom_world(upcoming(registrants=[{"id": "r1", "email": "a@x.example"}])))
    assert change(desk, "cancel", {"email": "A@x.example"}).status_code == 204
    denied = desk.zoom("GET", "/webinars/222/registrants/r1").json()
    assert denied["status"] == "denied"
    assert "join_url" not in denied
    assert change(desk, "shoot", {"id": "r1"}).status_code == 400


def test_a_registrant_s_status_changes_ten_times_a_day(serve: Serve) -> None:
    desk = serve(zoom_world(upcoming(registrants=[{"id": "r1", "email": "a@x.example"}])))
    statuses = [change(desk, "approve", {"id": "r1"}).status_code for _ in range(11)]
    assert statuses == [204] * 10 + [429]


def test_a_registrant_who_was_deleted_is_gone(serve: Serve) -> None:
    desk = serve(zoom_world(upcoming(registrants=[{"id": "r1", "email": "a@x.example"}])))
    assert desk.zoom("DELETE", "/webinars/222/registrants/r1").status_code == 204
    assert desk.zoom("GET", "/webinars/222/registrants/r1").json()["code"] == 3079
    assert desk.zoom("DELETE", "/webinars/222/registrants/r1").status_code == 400


def test_a_batch_takes_thirty_of_a_single_webinar(serve: Serve) -> None:
    recurring = {
        "id": 9,
        "type": 9,
        "settings": {"approval_type": 0},
        "occurrences": [{"start_time": "2026-12-02T10:00:00Z"}],
    }
    desk = serve(zoom_world(upcoming(), recurring))
    people = [{"first_name": "P", "email": f"p{at}@x.example"} for at in range(31)]
    many = desk.zoom("POST", "/webinars/222/batch_registrants", json={"registrants": people})
    assert many.json()["code"] == 300
    some = desk.zoom("POST", "/webinars/222/batch_registrants", json={"registrants": people[:30]})
    assert some.status_code == 201
    assert set(some.json()["registrants"][0]) == {"email", "registrant_id", "join_url"}
    answer = desk.zoom("POST", "/webinars/9/batch_registrants", json={"registrants": people[:1]})
    assert "type 5" in answer.json()["message"]


def test_one_occurrence_is_chosen_with_type_two_and_several_with_type_three(serve: Serve) -> None:
    dates = [{"occurrence_id": str(at), "start_time": f"2026-12-0{at}T10:00:00Z"} for at in (1, 2, 3)]

    def series(number: int, kind: int) -> dict[str, Any]:
        return {
            "id": number,
            "type": 9,
            "occurrences": dates,
            "settings": {"approval_type": 0, "registration_type": kind},
        }

    desk = serve(zoom_world(series(1, 1), series(2, 2), series(3, 3)))

    def chosen(number: int, path: str = "") -> Any:
        answer = register(desk, f"{number}{path[-3:]}@x.example".replace("?", ""), number, path)
        if answer.status_code != 201:
            return answer.json()["code"]
        return [one["occurrence_id"] for one in answer.json()["occurrences"]]

    assert chosen(1) == ["1", "2", "3"]
    assert chosen(2) == ["1"]
    assert chosen(2, "?occurrence_ids=3") == ["3"]
    assert chosen(2, "?occurrence_ids=2,3") == 300
    assert chosen(3, "?occurrence_ids=2,3") == ["2", "3"]
    assert chosen(3, "?occurrence_ids=9") == 300


def test_registration_stays_open_while_it_runs(serve: Serve) -> None:
    running = webinar(222, start_time="2026-11-20T11:30:00Z", instances=[{"start_time": "2026-11-20T11:31:00Z"}])
    assert register(serve(zoom_world(running))).status_code == 201
