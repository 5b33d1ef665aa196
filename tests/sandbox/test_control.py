"""The sandbox's own routes, its clock, its log, and the vendors that it does not speak yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from pipelines.sandbox import Sandbox
from tests.sandbox.desk import Desk, contact, hubspot_world, upcoming, webinar, zoom_world

Serve = Callable[..., Desk]


def test_a_world_that_went_out_comes_back_unchanged(serve: Serve) -> None:
    desk = serve({**zoom_world(webinar(), upcoming()), **hubspot_world(contact(1, "a@b.example"), calls=[{}])})
    desk.hubspot("POST", "/crm/v3/objects/contacts", json={"properties": {"email": "n@b.example", "firstname": "N"}})
    desk.zoom("POST", "/webinars/222/registrants", json={"first_name": "N", "email": "n@b.example"})
    world = desk.control("GET", "world").json()
    assert desk.control("PUT", "world", json=world).status_code == 204
    assert desk.control("GET", "world").json() == world == desk.sandbox.world()


def test_putting_back_what_came_out_does_not_even_hasten_the_index(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1)))
    desk.hubspot("POST", "/crm/v3/objects/contacts", json={"properties": {"email": "n@b.example"}})
    desk.sandbox.put_world(desk.sandbox.world())
    assert desk.hubspot("POST", "/crm/v3/objects/contacts/search", json={}).json()["total"] == 1


def test_what_was_counted_today_outlives_a_new_world(serve: Serve) -> None:
    desk = serve(zoom_world(upcoming()))
    body = {"first_name": "N", "email": "n@b.example"}
    for _ in range(3):
        assert desk.zoom("POST", "/webinars/222/registrants", json=body).status_code == 201
    desk.sandbox.put_world(zoom_world(upcoming(topic="New")))
    assert desk.zoom("POST", "/webinars/222/registrants", json=body).status_code == 429


def test_a_world_with_an_error_changes_nothing(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1)))
    answer = desk.control("PUT", "world", json={"hubspot": [{"contcts": []}]})
    assert answer.status_code == 400
    assert "hubspot[0].contcts: unknown key" in answer.json()["error"]
    assert desk.control("GET", "world").json()["hubspot"][0]["contacts"][0]["id"] == "1"


def test_every_answer_bears_the_simulated_time(serve: Serve) -> None:
    desk = serve(hubspot_world())
    assert desk.hubspot("GET", "/crm/v3/owners").headers["Date"] == "Fri, 20 Nov 2026 12:00:00 GMT"
    desk.control("PUT", "clock", json={"now": "2026-11-21T08:30:00Z"})
    answers = [desk.hubspot("GET", "/nowhere"), desk.control("GET", "faults")]
    assert {answer.headers["Date"] for answer in answers} == {"Sat, 21 Nov 2026 08:30:00 GMT"}
    assert desk.control("GET", "world").json()["now"] == "2026-11-21T08:30:00Z"
    assert desk.control("PUT", "clock", json={"now": "soon"}).status_code == 400


def test_the_log_tells_every_request_and_how_many_records_it_moved(serve: Serve) -> None:
    desk = serve(hubspot_world(contact(1), contact(2)))
    desk.hubspot("GET", "/crm/v3/objects/contacts?limit=1")
    desk.hubspot("GET", "/crm/v3/objects/contacts/99")
    rows = desk.control("GET", "requests").json()
    assert rows == desk.sandbox.requests()
    assert 0 <= rows[1]["seconds"] - rows[0].pop("seconds") < 5
    assert rows[0] == {
        "vendor": "hubspot",
        "method": "GET",
        "path": "/crm/v3/objects/contacts?limit=1",
        "status": 200,
        "records": 1,
        "at": "2026-11-20T12:00:00Z",
    }
    assert (rows[1]["status"], rows[1]["records"]) == (404, 0)
    desk.control("DELETE", "requests")
    assert desk.control("GET", "requests").json() == []


def test_the_control_routes_are_on_every_port(serve: Serve) -> None:
    desk = serve()
    for url in desk.sandbox.urls.values():
        assert desk.session.get(f"{url}/_sandbox/requests", timeout=5).json() == []


def test_ports_follow_each_other_and_a_taken_one_is_an_error() -> None:
    with Sandbox({}) as first:
        port = int(first.control_url.rpartition(":")[2])
        with pytest.raises(OSError, match=f"port {port}"):
            Sandbox({}, port=port).start()
    with Sandbox({}, port=28700) as fixed:
        assert fixed.urls["salesforce"] == "http://127.0.0.1:28704"


def test_a_sandbox_that_was_stopped_answers_no_more() -> None:
    with Sandbox({}) as sandbox:
        url = sandbox.control_url
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/_sandbox/world", timeout=2)


def test_the_environment_points_at_the_first_accounts() -> None:
    world = {
        "zoom": [{"account_id": "A", "client_id": "C", "client_secret": "S", "webhook_secret": "W"}],
        "hubspot": [{"access_token": "T", "client_secret": "H"}],
    }
    with Sandbox(world) as sandbox:
        found = sandbox.environment
    assert {found[name] for name in found if not name.endswith("URL")} == {"A", "C", "S", "W", "T", "H"}
    assert found["ZOOM_BASE_URL"] == sandbox.urls["zoom"]
