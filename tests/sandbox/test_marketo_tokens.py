"""Tokens with what is left of them, limits, and the three ways of saying no."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.sandbox.instance import InstanceDesk, instance_world

Enter = Callable[..., InstanceDesk]
USAGE = "/rest/v1/stats/usage.json"


def test_who_asks_again_gets_the_same_token_with_what_is_left_of_it(instance: Enter) -> None:
    desk = instance()
    first = desk.identity().json()
    assert (first["token_type"], first["scope"]) == ("bearer", "api@100-trn-001.example")
    assert first["access_token"].endswith(":int")
    assert 3_590 <= first["expires_in"] <= 3_600
    desk.desk.sandbox.set_clock("2026-11-20T12:59:57Z")
    again = desk.identity("POST").json()
    assert (again["access_token"], again["expires_in"] <= 3) == (first["access_token"], True)
    assert desk.told("GET", USAGE)["result"][0]["total"] == 0
    desk.desk.sandbox.set_clock("2026-11-20T13:00:00Z")
    assert desk.code("GET", USAGE) == "602"
    assert desk.enter() != first["access_token"]
    assert desk.told("GET", USAGE)["result"][0]["total"] == 1


def test_a_token_ends_by_the_real_clock_too(instance: Enter) -> None:
    desk = instance()
    desk.faults(marketo__token_seconds=1)
    token = desk.enter()
    time.sleep(1.05)
    assert desk.code("GET", USAGE) == "602"
    assert desk.enter() != token


def test_a_token_is_taken_from_the_header_alone(instance: Enter) -> None:
    desk = instance()
    in_address = {"access_token": desk.enter()}
    bare = requests.get(f"{desk.url}{USAGE}", params=in_address, timeout=10)
    assert (bare.status_code, bare.json()["errors"][0]["code"]) == (200, "601")
    assert desk.code("GET", USAGE, headers={"Authorization": "Bearer nobody"}) == "601"
    desk.faults(marketo__token_in_query=True)
    assert requests.get(f"{desk.url}{USAGE}", params=in_address, timeout=10).json()["success"] is True


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "unauthorized"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_bad_credentials_are_refused_by_status(instance: Enter, given: dict[str, str], status: int, error: str) -> None:
    for method in ("GET", "POST"):
        answer = instance().identity(method, **given)
        assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_two_instances_are_told_apart_by_their_tokens(serve: Callable[..., object]) -> None:
    first = instance_world()["marketo"][0]
    desk = InstanceDesk(serve({"marketo": [first, {"leads": [{"id": 5, "email": "else@x.example"}]}]}))  # type: ignore[arg-type]
    other = desk.identity(client_id="sandbox-service-2", client_secret="sandbox-marketo-secret-2").json()
    headers = {"Authorization": f"Bearer {other['access_token']}"}
    assert desk.rows("GET", "/rest/v1/lead/5.json", headers=headers)[0]["email"] == "else@x.example"
    assert desk.code("GET", "/rest/v1/lead/5.json") == "1004"


def test_refusals_of_a_call_come_at_http_200(instance: Enter) -> None:
    desk = instance()
    assert desk.code("GET", "/rest/v1/nonsense.json") == "610"
    assert desk.code("GET", "/rest/v1/stats/usage") == "610"
    assert desk.code("GET", "/rest//v1/stats/usage.json") == "610"
    assert desk.code("DELETE", USAGE) == "605"
    assert desk.code("POST", "/rest/v1/leads.json", data="{", headers={"Content-Type": "application/json"}) == "609"
    assert desk.code("POST", "/rest/v1/leads.json", data="{}", headers={"Content-Type": "text/plain"}) == "612"
    assert desk.code("POST", "/rest/v1/leads.json", {}) == "1002"
    assert desk.code("GET", "/rest/v1/lead/abc.json") == "1001"
    desk.faults(marketo__missing_permissions=["Read-Write Lead"], marketo__doubled_slashes=True)
    assert desk.code("POST", "/rest/v1/leads.json", {"input": [{"email": "a@x.example"}]}) == "603"
    assert desk.told("GET", "/rest//v1/leads/partitions.json")["result"][0]["name"] == "Default"


def test_what_is_too_long_is_refused_by_status_and_a_get_may_come_as_a_post(instance: Enter) -> None:
    desk = instance()
    wanted = {"filterType": "email", "filterValues": ",".join(["ann@x.example", *("n" * 90 for _ in range(99))])}
    assert desk.ask("GET", "/rest/v1/leads.json", params=wanted).status_code == 414
    told = desk.rows("POST", "/rest/v1/leads.json", params={"_method": "GET"}, data=wanted)
    assert [lead["id"] for lead in told] == [11]
    assert len(desk.rows("POST", "/rest/v1/leads.json", data={"_method": "GET", **wanted})) == 1
    assert desk.ask("POST", "/rest/v1/leads.json", {"input": [{"email": "x" * 1_048_576}]}).status_code == 413


def test_a_hundred_calls_in_twenty_seconds_and_a_day_s_quota_until_midnight_central(instance: Enter) -> None:
    desk = instance()
    desk.faults(marketo__rate_limit=3)
    assert [desk.ask("GET", USAGE).json()["success"] for _ in range(4)] == [True, True, True, False]
    answer = desk.ask("GET", USAGE)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (200, "606")
    assert not [name for name in answer.headers if "limit" in name.lower() or name.lower() == "retry-after"]
    desk.faults(marketo__daily_limit=20, marketo__neighbour_calls=9, marketo__token_seconds=10**6)
    assert desk.told("GET", USAGE)["result"][0]["total"] == 5
    assert desk.told("GET", USAGE)["result"][0]["total"] == 15
    assert desk.code("GET", USAGE) == "607"
    desk.desk.sandbox.set_clock("2026-11-21T05:59:59Z")
    assert desk.code("GET", USAGE) == "607"
    desk.desk.sandbox.set_clock("2026-11-21T06:00:00Z")
    assert desk.told("GET", USAGE)["result"] == [
        {"date": "2026-11-21", "total": 0, "users": [{"userId": "api@100-trn-001.example", "count": 0}]}
    ]
    lately = desk.rows("GET", "/rest/v1/stats/errors/last7days.json")
    assert lately[1]["errors"] == [{"errorCode": "606", "count": 2}, {"errorCode": "607", "count": 2}]
    desk.faults()
    desk.enter()
    assert len(desk.rows("GET", "/rest/v1/stats/usage/last7days.json")) == 7
    assert desk.rows("GET", "/rest/v1/stats/errors.json")[0]["total"] == 0


def test_calls_that_end_in_some_codes_are_not_counted(instance: Enter) -> None:
    desk = instance()
    desk.code("DELETE", USAGE)
    assert desk.told("GET", USAGE)["result"][0]["total"] == 0
    desk.code("GET", "/rest/v1/nonsense.json")
    assert desk.told("GET", USAGE)["result"][0]["total"] == 2


def test_ten_run_at_once_and_no_more(instance: Enter) -> None:
    desk = instance()
    desk.faults(marketo__long_requests=10)
    assert desk.code("GET", USAGE) == "615"
    desk.faults(marketo__answer_seconds=0.4)
    with ThreadPoolExecutor(12) as pool:
        told = list(
            pool.map(lambda _: requests.get(f"{desk.url}{USAGE}", headers=desk.session.headers, timeout=10), range(12))
        )
    codes = [error["code"] for answer in told for error in answer.json().get("errors", [])]
    assert codes == ["615", "615"]
    desk.faults()
    time.sleep(0.1)
    assert desk.told("GET", USAGE)["success"] is True


def test_the_faults_of_every_vendor_strike_this_one_too(instance: Enter) -> None:
    desk = instance()
    new = ("POST", "/rest/v1/leads.json", {"input": [{"email": "new@x.example"}]})

    def leads() -> int:
        return len(desk.world()["leads"])

    def strike(kind: str, **given: object) -> None:
        desk.faults({"vendor": "marketo", "kind": kind, "path": "/rest/", "times": 1, **given})

    for policy, code in (("daily", "607"), ("burst", "606"), ("secondly", "615")):
        strike("rate_limit", policy=policy)
        assert desk.code(*new) == code
    strike("status", status=604)
    assert desk.code(*new) == "604"
    strike("status", status=502)
    assert desk.ask(*new).status_code == 502
    strike("expire_token")
    assert desk.code(*new) == "602"
    assert desk.code(*new) == "602"
    desk.enter()
    strike("drop_before")
    with pytest.raises(requests.ConnectionError):
        desk.ask(*new)
    assert leads() == 3
    strike("drop_after")
    with pytest.raises(requests.ConnectionError):
        desk.ask(*new)
    assert leads() == 4
    strike("accept_500", status=713)
    assert desk.code("POST", "/rest/v1/leads.json", {"input": [{"email": "other@x.example"}]}) == "713"
    assert leads() == 5
    strike("truncate")
    with pytest.raises(requests.JSONDecodeError):
        desk.ask("GET", USAGE).json()
