"""Zoom's tokens, scopes and rate limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.sandbox.desk import Desk, upcoming, webinar, zoom_world

Serve = Callable[..., Desk]


def test_a_token_comes_from_the_query_or_a_form(serve: Serve) -> None:
    desk = serve(zoom_world())
    first = desk.new_token().json()
    assert (first["token_type"], first["expires_in"]) == ("bearer", 3599)
    assert "report:read:list_webinar_participants:admin" in first["scope"].split()
    pair = (desk.environment["ZOOM_CLIENT_ID"], desk.environment["ZOOM_CLIENT_SECRET"])
    form = {"grant_type": "account_credentials", "account_id": desk.environment["ZOOM_ACCOUNT_ID"]}
    url = f"{desk.environment['ZOOM_BASE_URL']}/oauth/token"
    assert desk.session.post(url, data=form, auth=pair, timeout=5).json()["access_token"] != first["access_token"]


@pytest.mark.parametrize(
    ("params", "auth", "code"),
    [
        ({"grant_type": "password"}, ("sandbox-client", "sandbox-secret"), 4705),
        ({"grant_type": "account_credentials", "account_id": "x"}, ("sandbox-client", "sandbox-secret"), 4700),
        ({"grant_type": "account_credentials", "account_id": "sandbox-account"}, ("sandbox-client", "no"), 4702),
        ({"grant_type": "account_credentials"}, None, 4706),
    ],
)
def test_wrong_credentials_are_refused_with_their_own_code(
    serve: Serve, params: dict[str, str], auth: tuple[str, str] | None, code: int
) -> None:
    desk = serve(zoom_world())
    answer = desk.session.post(f"{desk.environment['ZOOM_BASE_URL']}/oauth/token", params=params, auth=auth, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_token_dies_after_an_hour_of_simulated_time(serve: Serve) -> None:
    desk = serve(zoom_world())
    assert desk.zoom("GET", "/users").status_code == 200
    desk.sandbox.set_clock("2026-11-20T12:59:58Z")
    assert desk.zoom("GET", "/users").status_code == 200
    desk.sandbox.set_clock("2026-11-20T12:59:59Z")
    answer = desk.zoom("GET", "/users")
    assert (answer.status_code, answer.json()["code"]) == (401, 124)
    desk.faults(zoom__token_error_status=400)
    assert desk.zoom("GET", "/users").status_code == 400


def test_an_unknown_token_is_refused_and_tokens_outlive_a_new_world(serve: Serve) -> None:
    desk = serve(zoom_world())
    assert desk.zoom("GET", "/users", headers={"Authorization": "Bearer nobody"}).json()["code"] == 124
    token = desk.token
    desk.sandbox.put_world(zoom_world())
    assert desk.zoom("GET", "/users", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_several_tokens_live_at_once_unless_the_switch_says_otherwise(serve: Serve) -> None:
    desk = serve(zoom_world())
    first = desk.token
    desk.new_token()
    assert desk.zoom("GET", "/users").status_code == 200
    desk.faults(zoom__new_token_kills_old=True)
    desk.new_token()
    assert desk.zoom("GET", "/users", headers={"Authorization": f"Bearer {first}"}).status_code == 401


@pytest.mark.parametrize("by", ["world", "switch"])
def test_a_missing_scope_is_400_and_named_in_brackets(serve: Serve, by: str) -> None:
    scope = "user:read:list_users:admin"
    desk = serve(zoom_world(missing_scopes=[scope] if by == "world" else []))
    if by == "switch":
        desk.faults(zoom__missing_scopes=[scope])
    answer = desk.zoom("GET", "/users")
    assert (answer.status_code, answer.json()["code"]) == (400, 4711)
    assert f"scopes:[{scope}]" in answer.json()["message"]
    assert scope not in desk.new_token().json()["scope"].split()
    assert desk.zoom("GET", "/users/host").status_code == 200


def test_what_is_no_endpoint_is_2300_and_the_wrong_method_405(serve: Serve) -> None:
    desk = serve(zoom_world())
    assert desk.zoom("GET", "/webinars").json()["code"] == 2300
    assert desk.zoom("PATCH", "/users").status_code == 405


def test_the_limit_a_second_is_that_of_the_plan_and_the_label(serve: Serve) -> None:
    desk = serve(zoom_world())
    calm = desk.zoom("GET", "/users")
    assert (calm.headers["X-RateLimit-Category"], calm.headers["X-RateLimit-Limit"]) == ("Medium", "60")
    desk.faults(zoom__plan="free")
    path = "/report/history_meetings?from=2026-11-01&to=2026-11-20"
    answers = [desk.zoom("GET", path) for _ in range(4)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].headers["X-RateLimit-Type"] == "QPS"
    assert "Retry-After" not in refused[0].headers
    assert refused[0].json()["code"] == 429


def test_a_daily_limit_names_the_instant_at_which_it_ends(serve: Serve) -> None:
    desk = serve(zoom_world())
    desk.faults(zoom__daily_limit=2)
    answers = [desk.zoom("GET", "/users/host") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    until = answers[2].headers["Retry-After"]
    assert datetime.fromisoformat(until) == datetime.fromisoformat("2026-11-21T00:00:00Z")
    assert answers[2].headers["X-RateLimit-Type"] == "Daily-limit"
    assert desk.zoom("GET", "/users").status_code == 200  # another label
    desk.sandbox.set_clock("2026-11-21T00:00:00Z")
    desk._token = ""
    assert desk.zoom("GET", "/users/host").status_code == 200


def test_limits_are_counted_for_the_account_and_not_for_the_token(serve: Serve) -> None:
    desk = serve(zoom_world(webinar(), upcoming()))
    desk.faults(zoom__daily_limit=2)
    for _ in range(2):
        desk._token = ""
        assert desk.zoom("GET", "/webinars/222").status_code == 200
    desk._token = ""
    assert desk.zoom("GET", "/webinars/222").status_code == 429
