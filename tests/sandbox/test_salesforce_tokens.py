"""Logging in, versions, sessions and their end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sandbox.org import OrgDesk, refusal

Enter = Callable[..., OrgDesk]
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CERTIFICATE = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)


def assertion(key: Any = KEY, **changed: Any) -> str:
    claims = {
        "iss": "sandbox-consumer",
        "sub": "integration@turnout.example",
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    return jwt.encode(claims, key, algorithm="RS256")


def test_a_token_names_the_host_of_the_org_and_no_end(org: Enter) -> None:
    desk = org()
    answer = desk.token(
        grant_type="client_credentials", client_id="sandbox-consumer", client_secret="sandbox-salesforce-secret"
    )
    body = answer.json()
    assert answer.status_code == 200
    assert "expires_in" not in body
    assert body["instance_url"] != desk.login
    assert body["token_type"] == "Bearer"
    assert body["id"].split("/")[-2] == desk.world()["org_id"]
    assert len(desk.world()["org_id"]) == 18


def test_key_and_secret_may_come_in_the_header(org: Enter) -> None:
    desk = org()
    answer = requests.post(
        f"{desk.login}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("sandbox-consumer", "sandbox-salesforce-secret"),
        timeout=10,
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "client_id": "nobody"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": "sandbox-consumer", "client_secret": "x"}, "invalid_client"),
        ({"grant_type": GRANT, "assertion": "no.such.thing"}, "invalid_grant"),
    ],
)
def test_a_refused_token_says_why_in_its_own_shape(org: Enter, form: dict[str, str], error: str) -> None:
    answer = org().token(**form)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == error


def test_a_signed_assertion_is_worth_a_token(org: Enter) -> None:
    desk = org(certificate=CERTIFICATE)
    answer = desk.token(grant_type=GRANT, assertion=assertion())
    assert answer.status_code == 200
    desk.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    assert desk.query("SELECT Id FROM Contact").status_code == 200


@pytest.mark.parametrize(
    "bent",
    [
        {"key": STRANGE},
        {"iss": "nobody"},
        {"sub": "nobody@x.example"},
        {"aud": "https://acme.example"},
        {"exp": int(time.time()) - 5},
        {"exp": int(time.time() * 1000) + 180_000},
        {"exp": None},
    ],
    ids=["key", "iss", "sub", "aud", "exp before now", "exp in milliseconds", "no exp"],
)
def test_an_assertion_that_is_not_right_is_refused(org: Enter, bent: dict[str, Any]) -> None:
    answer = org(certificate=CERTIFICATE).token(grant_type=GRANT, assertion=assertion(**bent))
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_grant", "invalid_client_id")


def test_an_assertion_without_a_certificate_in_the_org_is_refused(org: Enter) -> None:
    assert org().token(grant_type=GRANT, assertion=assertion()).status_code == 400


def test_a_session_ends_when_it_is_idle_or_told_to(org: Enter) -> None:
    desk = org()
    desk.faults(salesforce__session_minutes=30)
    desk.desk.sandbox.set_clock("2026-11-20T12:29:00Z")
    assert desk.query("SELECT Id FROM Contact").status_code == 200
    desk.desk.sandbox.set_clock("2026-11-20T12:58:00Z")
    assert desk.query("SELECT Id FROM Contact").status_code == 200
    desk.desk.sandbox.set_clock("2026-11-20T13:28:00Z")
    assert refusal(desk.query("SELECT Id FROM Contact")) == (401, "INVALID_SESSION_ID")
    desk.enter()
    desk.faults({"kind": "expire_token", "vendor": "salesforce", "times": 1})
    assert refusal(desk.query("SELECT Id FROM Contact")) == (401, "INVALID_SESSION_ID")
    assert refusal(desk.query("SELECT Id FROM Contact")) == (401, "INVALID_SESSION_ID")
    desk.enter()
    assert desk.query("SELECT Id FROM Contact").status_code == 200


def test_data_is_served_at_the_host_of_the_org_alone(org: Enter) -> None:
    desk = org()
    wrong = desk.session.get(f"{desk.login}/services/data/v60.0/limits", timeout=10)
    assert refusal(wrong) == (404, "URL_NOT_RESET")
    assert desk.ask("GET", "/limits").status_code == 200


def test_versions_are_listed_and_old_ones_are_gone(org: Enter) -> None:
    desk = org()
    listed = requests.get(f"{desk.login}/services/data", timeout=10).json()
    assert {"version": "60.0", "label": "Spring '24", "url": "/services/data/v60.0"} in listed
    get = desk.session.get
    assert refusal(get(f"{desk.instance}/services/data/v30.0/limits", timeout=10)) == (410, "UNSUPPORTED_API_VERSION")
    assert refusal(get(f"{desk.instance}/services/data/v99.0/limits", timeout=10)) == (404, "NOT_FOUND")
    assert refusal(desk.ask("GET", "/nonsense")) == (404, "NOT_FOUND")
    assert refusal(desk.ask("DELETE", "/limits")) == (405, "METHOD_NOT_ALLOWED")


def test_a_user_who_left_gets_no_token(org: Enter) -> None:
    gone = {"Username": "gone@x.example", "LastName": "Gone", "IsActive": False}
    desk = org(User=[{"Username": "here@x.example", "LastName": "Here"}, gone], certificate=CERTIFICATE)
    here, left = (
        desk.token(grant_type=GRANT, assertion=assertion(sub=name)) for name in ("here@x.example", "gone@x.example")
    )
    assert here.status_code == 200
    assert (left.status_code, left.json()["error"]) == (400, "invalid_grant")
