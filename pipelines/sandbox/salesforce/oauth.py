"""Tokens: client credentials and signed assertions. Sessions end by idleness, in simulated time.

- https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm
- https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm : iss is the consumer key, sub the
  user's name, aud the login server, exp within five minutes. Whoever signs goes by a real clock, so an `exp` counts by
  that or by the simulated one.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt

from pipelines.sandbox.clock import to_ms
from pipelines.sandbox.salesforce.gate import Denied
from pipelines.sandbox.salesforce.org import Org
from pipelines.sandbox.web import Answer, Call, Query

ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
LONGEST_SECONDS = 300
EXPIRED = "Session expired or invalid"


class Ungranted(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.answer = Answer(status, {"error": error, "error_description": description})


@dataclass
class Session:
    """Who a token speaks for, at which host, and when it was last used."""

    org_id: str
    user_id: str
    host: str
    used: datetime


class Sessions:
    """Every token that was given out."""

    def __init__(self) -> None:
        self.live: dict[str, Session] = {}

    def issue(self, call: Call) -> Answer:
        """Answer `POST /services/oauth2/token`."""
        try:
            if call.method != "POST":
                raise Ungranted("invalid_request", "must use HTTP POST")
            form = Query(call.content.decode("utf-8", "replace"))
            kind = form.get("grant_type") or call.query.get("grant_type")
            if kind == "client_credentials":
                org = _by_secret(call, form)
                name = str(org.record["integration_user"])
            elif kind == ASSERTION:
                org, name = _by_assertion(call, form.get("assertion"))
            else:
                raise Ungranted("unsupported_grant_type", "grant type not supported")
            user = next((row for row in org.tables["User"].values() if row.get("Username") == name), None)
            if user is None or not user.get("IsActive"):
                raise Ungranted(
                    "invalid_grant", "user hasn't approved this consumer" if user is None else "inactive user"
                )
        except Ungranted as refusal:
            return refusal.answer
        host = instance_of(call)
        token = f"{org.id[:15]}!AQ{call.state.name(320)}"
        self.live[token] = Session(org.id, user["Id"], host, call.state.clock.now)
        scheme = urlsplit(call.origin).scheme
        return Answer(
            200,
            {
                "access_token": token,
                "signature": base64.b64encode(bytes.fromhex(call.state.name(256))).decode(),
                "scope": "api",
                "instance_url": f"{scheme}://{host}",
                "id": f"{call.origin}/id/{org.id}/{user['Id']}",
                "token_type": "Bearer",
                "issued_at": str(to_ms(call.state.clock.now)),
            },
        )

    def session(self, call: Call) -> Session:
        """The session of the token that came. Denied: 401, or 404 at a host that is not the session's (unverified)."""
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        found = self.live.get(token.strip()) if kind.lower() in ("bearer", "oauth") else None
        if found is None or found.org_id not in call.state.salesforce:
            raise Denied("INVALID_SESSION_ID", EXPIRED, status=401)
        now = call.state.clock.now
        minutes = call.state.faults.switch("salesforce.session_minutes")
        if minutes is not None and not now - found.used < timedelta(minutes=float(minutes)):
            self.kill(call)
            raise Denied("INVALID_SESSION_ID", EXPIRED, status=401)
        if call.headers.get("host", "") not in ("", found.host):
            message = "Destination URL not reset. The URL returned from login must be set"
            raise Denied("URL_NOT_RESET", message, status=404)
        found.used = now
        return found

    def kill(self, call: Call) -> None:
        """The token that came is dead from now on."""
        self.live.pop(call.headers.get("authorization", "").partition(" ")[2].strip(), None)


def instance_of(call: Call) -> str:
    """The host of the org: another name of this machine than the one that the login came to."""
    name, _, port = call.headers.get("host", "127.0.0.1").partition(":")
    other = "127.0.0.1" if name == "localhost" else "localhost"
    return f"{other}:{port}" if port else other


def _by_secret(call: Call, form: Query) -> Org:
    key, secret = form.get("client_id"), form.get("client_secret")
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Ungranted("invalid_client", "invalid client credentials") from error
    org = _by_key(call, key)
    if not secrets.compare_digest(secret.encode(), str(org.record["client_secret"]).encode()):
        raise Ungranted("invalid_client", "invalid client credentials")
    return org


def _by_key(call: Call, key: object) -> Org:
    for org in call.state.salesforce.values():
        if key and str(org.record["client_id"]) == key:
            return org
    raise Ungranted("invalid_client_id", "client identifier invalid")


def _by_assertion(call: Call, assertion: str) -> tuple[Org, str]:
    """The org and the user's name that a good assertion names."""
    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise Ungranted("invalid_grant", "invalid assertion") from error
    org = _by_key(call, claims.get("iss"))
    certificate = org.record.get("certificate")
    options: Any = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_sub": False}
    try:
        jwt.decode(assertion, _public(str(certificate or "")), algorithms=["RS256"], options=options)
    except (jwt.InvalidTokenError, jwt.InvalidKeyError, ValueError) as error:
        raise Ungranted("invalid_grant", "invalid assertion") from error
    audience = claims.get("aud")
    if audience not in (*AUDIENCES, call.origin):
        raise Ungranted("invalid_grant", "audience is invalid")
    try:
        ends = float(claims["exp"])
    except (KeyError, TypeError, ValueError) as error:
        raise Ungranted("invalid_grant", "invalid assertion: exp is missing") from error
    clocks = (time.time(), to_ms(call.state.clock.now) / 1000)
    if not any(0 < ends - now <= LONGEST_SECONDS for now in clocks):
        past = all(ends <= now for now in clocks)
        raise Ungranted("invalid_grant", "expired authorization code" if past else "assertion is valid for too long")
    return org, str(claims.get("sub") or "")


def _public(pem: str) -> Any:
    """The key of a certificate, or the public key that stands in the world as it is."""
    if "BEGIN CERTIFICATE" not in pem:
        return pem
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(pem.encode()).public_key()
