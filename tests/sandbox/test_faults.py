"""What goes wrong on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.sandbox.desk import Desk, contact, hubspot_world, upcoming, webinar, zoom_world

Serve = Callable[..., Desk]
CONTACTS = "/crm/v3/objects/contacts"


def both(serve: Serve, count: int = 5) -> Desk:
    people = [{"id": f"r{at}", "email": f"p{at}@x.example"} for at in range(count)]
    world = zoom_world(webinar(registrants=people), upcoming())
    return serve({**world, **hubspot_world(*(contact(at + 1, f"p{at}@x.example") for at in range(count)))})


def names(answer: requests.Response) -> list[str]:
    return [row["id"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"rules": [{"kind": "explode"}]}, "explode"),
        ({"rules": [{"kind": "status", "vender": "zoom"}]}, "vender"),
        ({"rules": [{"kind": "status", "vendor": "acme"}]}, "acme"),
        ({"rules": [{"kind": "status", "times": "two"}]}, r"rules\[0\].times"),
        ({"rules": [{"kind": "status", "path": "("}]}, r"rules\[0\].path"),
        ({"rules": [{"kind": "rate_limit", "policy": "weekly"}]}, "weekly"),
        ({"switches": {"hubspot.lag": 1}}, "hubspot.lag"),
        ({"switches": {"hubspot.search_lag_seconds": "long"}}, "search_lag_seconds"),
        ({"switches": {"zoom.plan": "gold"}}, "gold"),
        ({"switches": {"zoom.me": 1}}, "zoom.me"),
        ({"faults": []}, "faults"),
        ([], "object"),
    ],
)
def test_a_set_that_cannot_be_read_is_400_and_named_and_changes_nothing(serve: Serve, faults: Any, words: str) -> None:
    desk = serve()
    desk.control("PUT", "faults", json={"switches": {"zoom.me": False}})
    answer = desk.control("PUT", "faults", json=faults)
    assert answer.status_code == 400
    assert words.replace("\\", "") in answer.json()["error"]
    assert desk.control("GET", "faults").json()["switches"] == {"zoom.me": False}


def test_a_set_replaces_the_one_before_and_nothing_clears_it(serve: Serve) -> None:
    desk = both(serve)
    desk.control("PUT", "faults", json={"rules": [{"kind": "status"}]})
    assert desk.hubspot("GET", CONTACTS).status_code == 500
    shown = desk.control("GET", "faults").json()
    assert (shown["rules"], shown["struck"]) == ([{"kind": "status"}], [1])
    assert desk.control("PUT", "faults", json=shown).status_code == 200  # what GET gave can be put back
    desk.control("PUT", "faults", json={})
    assert desk.hubspot("GET", CONTACTS).status_code == 200


def test_a_rule_strikes_where_it_matches_so_often_and_after_so_many(serve: Serve) -> None:
    desk = both(serve)
    desk.faults(
        {
            "vendor": "hubspot",
            "method": "get",
            "path": r"objects/contacts\?limit",
            "kind": "status",
            "after": 1,
            "times": 2,
        }
    )
    hits = [desk.hubspot("GET", f"{CONTACTS}?limit=1").status_code for _ in range(5)]
    assert hits == [200, 500, 500, 200, 200]
    assert desk.hubspot("GET", CONTACTS).status_code == 200
    assert desk.zoom("GET", "/users").status_code == 200


def test_a_later_rule_waits_for_the_earlier_one(serve: Serve) -> None:
    desk = both(serve)
    desk.faults({"kind": "status", "status": 502, "times": 1}, {"kind": "status", "status": 503, "times": 1})
    assert [desk.hubspot("GET", CONTACTS).status_code for _ in range(3)] == [502, 503, 200]


def test_chance_is_the_same_for_the_same_seed(serve: Serve) -> None:
    def drawn() -> list[int]:
        desk = both(serve)
        desk.faults({"kind": "status", "probability": 0.5})
        return [desk.hubspot("GET", "/crm/v3/owners").status_code for _ in range(20)]

    first = drawn()
    assert first == drawn()
    assert set(first) == {200, 500}


def test_a_status_comes_with_the_body_and_headers_given(serve: Serve) -> None:
    desk = both(serve)
    assert desk.token
    desk.faults({"kind": "status", "status": 503, "body": {"down": True}, "headers": {"Retry-After": "7"}})
    answer = desk.hubspot("GET", CONTACTS)
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (503, {"down": True}, "7")
    desk.faults({"kind": "status", "status": 503, "body": "busy"})
    assert desk.hubspot("GET", CONTACTS).text == "busy"
    desk.faults({"kind": "status", "status": 503})
    assert desk.zoom("GET", "/users").json()["code"] == 503


def test_zoom_s_limits_on_demand_are_zoom_s(serve: Serve) -> None:
    desk = both(serve)
    token = desk.token
    desk.faults({"kind": "rate_limit", "policy": "daily"})
    daily = desk.zoom("GET", "/users", headers={"Authorization": f"Bearer {token}"})
    assert (daily.status_code, daily.headers["Retry-After"]) == (429, "2026-11-21T00:00:00Z")
    desk.faults({"kind": "rate_limit"})
    burst = desk.zoom("GET", "/users")
    assert (burst.status_code, burst.headers["X-RateLimit-Type"]) == (429, "QPS")
    assert "Retry-After" not in burst.headers


@pytest.mark.parametrize(
    ("policy", "name"), [("daily", "DAILY"), ("burst", "TEN_SECONDLY_ROLLING"), ("secondly", "SECONDLY")]
)
def test_hubspot_s_limits_on_demand_are_hubspot_s(serve: Serve, policy: str, name: str) -> None:
    desk = both(serve)
    desk.faults({"kind": "rate_limit", "policy": policy})
    answer = desk.hubspot("GET", CONTACTS)
    assert (answer.status_code, answer.json()["policyName"]) == (429, name)
    assert "Retry-After" not in answer.headers
    desk.faults({"kind": "rate_limit", "policy": policy, "retry_after": 3})
    assert desk.hubspot("GET", CONTACTS).headers["Retry-After"] == "3"


def test_an_expired_zoom_token_stays_dead(serve: Serve) -> None:
    desk = both(serve)
    assert desk.token
    desk.faults({"kind": "expire_token", "path": "/v2/", "times": 1})
    assert [desk.zoom("GET", "/users").status_code for _ in range(2)] == [401, 401]
    desk._token = ""
    assert desk.zoom("GET", "/users").status_code == 200


def test_an_expired_hubspot_token_is_401_as_often_as_told(serve: Serve) -> None:
    desk = both(serve)
    desk.faults({"kind": "expire_token", "times": 1})
    answers = [desk.hubspot("GET", CONTACTS) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 200]
    assert answers[0].json()["category"] == "EXPIRED_AUTHENTICATION"


def test_a_proxy_s_page_is_html_with_any_status(serve: Serve) -> None:
    desk = both(serve)
    for status in (502, 200):
        desk.faults({"kind": "html", "status": status})
        answer = desk.hubspot("GET", CONTACTS)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html")
        assert answer.text.startswith("<html>")


def test_locked_and_migrating_have_their_own_statuses(serve: Serve) -> None:
    desk = both(serve)
    desk.faults({"kind": "locked"})
    assert desk.hubspot("GET", CONTACTS).status_code == 423
    desk.faults({"kind": "migrating", "retry_after": 120})
    answer = desk.hubspot("GET", CONTACTS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (477, "120")


def test_a_truncated_body_is_half_of_the_answer(serve: Serve) -> None:
    desk = both(serve)
    whole = desk.hubspot("GET", CONTACTS).content
    desk.faults({"kind": "truncate"})
    answer = desk.hubspot("GET", CONTACTS)
    assert (answer.status_code, answer.content) == (200, whole[: len(whole) // 2])
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(("kind", "made"), [("drop_before", 0), ("drop_after", 1), ("accept_500", 1), ("status", 0)])
def test_a_write_is_done_or_not_whatever_came_back(serve: Serve, kind: str, made: int) -> None:
    desk = both(serve, 0)
    desk.faults({"kind": kind, "times": 1})
    body = {"properties": {"email": "n@x.example"}}
    if kind.startswith("drop"):
        with pytest.raises(requests.ConnectionError):
            desk.hubspot("POST", CONTACTS, json=body)
    else:
        assert desk.hubspot("POST", CONTACTS, json=body).status_code == 500
    assert len(desk.sandbox.world()["hubspot"][0]["contacts"]) == made
    logged = desk.sandbox.requests()[-1]
    assert logged["status"] == (0 if kind.startswith("drop") else 500 if kind == "status" else logged["status"])
    assert desk.hubspot("GET", CONTACTS).status_code == 200  # the next connection is sound


def test_an_empty_page_leads_on_to_the_same_place(serve: Serve) -> None:
    desk = both(serve)
    desk.faults({"vendor": "hubspot", "kind": "empty_page", "after": 1, "times": 1})
    found, after, empty = [], "", 0
    while True:
        body = desk.hubspot("GET", f"{CONTACTS}?limit=2&after={after}").json()
        found += [row["id"] for row in body["results"]]
        empty += not body["results"]
        if "paging" not in body:
            break
        after = body["paging"]["next"]["after"]
    assert (found, empty) == (["1", "2", "3", "4", "5"], 1)
    desk.faults({"vendor": "zoom", "kind": "empty_page", "path": "registrants", "times": 1})
    rows = desk.all_zoom("/webinars/111/registrants", "registrants", page_size="2")
    assert [row["id"] for row in rows] == ["r0", "r1", "r2", "r3", "r4"]


def test_a_first_page_may_be_empty_in_every_list(serve: Serve) -> None:
    events = [{"id": f"e{at}", "created": at} for at in range(3)]
    rows = [{"conversionId": f"c{at}", "submittedAt": at} for at in range(3)]
    world = hubspot_world(contact(1), email_events=events, forms=[{"id": "f", "submissions": rows}])
    desk = serve(world)
    desk.faults(
        {"kind": "empty_page", "times": 1, "path": "email/public"},
        {"kind": "empty_page", "times": 1, "path": "form"},
        {"kind": "empty_page", "times": 1, "path": "contacts/search"},
    )
    first = desk.hubspot("GET", "/email/public/v1/events").json()
    assert (first["events"], first["hasMore"]) == ([], True)
    assert len(desk.hubspot("GET", f"/email/public/v1/events?offset={first['offset']}").json()["events"]) == 3
    path = "/form-integrations/v1/submissions/forms/f"
    first = desk.hubspot("GET", path).json()
    assert first["results"] == []
    assert len(desk.hubspot("GET", f"{path}?after={first['paging']['next']['after']}").json()["results"]) == 3
    first = desk.hubspot("POST", f"{CONTACTS}/search", json={}).json()
    assert (first["total"], first["results"], first["paging"]["next"]["after"]) == (1, [], "0")


def test_pages_may_repeat_records_or_turn_them_round(serve: Serve) -> None:
    desk = both(serve)
    desk.faults({"kind": "duplicate_records"})
    assert names(desk.hubspot("GET", f"{CONTACTS}?limit=2")) == ["1", "2", "2"]
    desk.faults({"kind": "shuffle"})
    turned = names(desk.hubspot("GET", CONTACTS))
    assert sorted(turned) == ["1", "2", "3", "4", "5"]
    assert turned != sorted(turned)


def test_a_stale_page_is_what_the_same_request_got_before(serve: Serve) -> None:
    desk = both(serve, 1)
    assert names(desk.hubspot("GET", CONTACTS)) == ["1"]
    desk.hubspot("POST", CONTACTS, json={"properties": {"email": "n@x.example"}})
    desk.faults({"kind": "stale_page", "times": 1})
    assert names(desk.hubspot("GET", CONTACTS)) == ["1"]
    assert len(names(desk.hubspot("GET", CONTACTS))) == 2


def test_accepted_but_500_registers_somebody_in_zoom(serve: Serve) -> None:
    desk = both(serve)
    desk.faults(
        {"vendor": "zoom", "method": "POST", "path": "/registrants", "kind": "accept_500", "status": 504, "times": 1}
    )
    answer = desk.zoom("POST", "/webinars/222/registrants", json={"first_name": "A", "email": "a@x.example"})
    assert answer.status_code == 504
    assert desk.zoom("GET", "/webinars/222/registrants").json()["total_records"] == 1
