"""What every Zoom call passes: the token, its scopes, and the account's rate limits.

- Server-to-Server tokens: https://developers.zoom.us/docs/internal-apps/s2s-oauth/
- Rate limits and headers: https://developers.zoom.us/docs/api/rate-limits/ (read 2026-11). They are per account,
  shared by all its apps. `Retry-After` comes with daily limits alone, as an ISO date-time.
- A missing scope is HTTP 400 with code 4711 (seen in JubaerHossain/zoom-laravel#15), neither 401 nor 403.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso, parse
from pipelines.sandbox.web import Answer, Call, Query, Refusal, Routes
from pipelines.sandbox.zoom.account import ZoomAccount

Record = dict[str, Any]
PER_SECOND = {
    "free": {"Light": 4, "Medium": 2, "Heavy": 1},
    "pro": {"Light": 30, "Medium": 20, "Heavy": 10},
    "business": {"Light": 80, "Medium": 60, "Heavy": 40},
}
PER_DAY: dict[str, dict[str, int]] = {
    "free": {"Light": 6000, "Medium": 2000, "Heavy": 1000},
    "pro": {"Heavy": 30000},
    "business": {"Heavy": 60000},
}
LIGHT, MEDIUM, HEAVY = "Light", "Medium", "Heavy"


@dataclass
class ZoomCall(Call):
    """A call whose token was good."""

    account: ZoomAccount = field(default_factory=lambda: ZoomAccount({"users": [], "webinars": [], "meetings": []}))
    now: datetime = field(default_factory=lambda: parse(0))


routes: Routes[ZoomCall] = Routes()


def refuse(status: int, code: int, message: str, errors: list[Record] | None = None) -> Refusal:
    """Zoom's error body. Codes are overloaded: only with status and message do they say something."""
    body: Record = {"code": code, "message": message}
    if errors:
        body["errors"] = errors
    return Refusal(Answer(status, body))


@dataclass
class Token:
    account_id: str
    client_id: str
    expires: datetime


class Tokens:
    """The tokens that were handed out. They outlive a new world."""

    def __init__(self) -> None:
        self.live: dict[str, Token] = {}

    def issue(self, call: Call) -> Answer:
        """`POST /oauth/token`, parameters in the query or in a form."""
        given = Query(call.content.decode("utf-8", "replace"))
        grant = call.query.get("grant_type") or given.get("grant_type")
        account_id = call.query.get("account_id") or given.get("account_id")
        pair = _basic(call.headers.get("authorization", ""))
        if pair is None:
            return _token_error(400, 4706, "invalid_request", "Missing client credentials")
        if grant != "account_credentials":
            return _token_error(400, 4705, "unsupported_grant_type", f"Grant type {grant!r} is not supported")
        client_id, secret = pair
        apps = [a for a in call.state.zoom.values() if str(a.record["client_id"]) == client_id]
        known = [a for a in apps if str(a.record["client_secret"]) == secret]
        if not known:
            return _token_error(400, 4702, "invalid_client", "Invalid client_id or client_secret")
        account = next((a for a in known if str(a.record["account_id"]) == account_id), None)
        if account is None:
            return _token_error(400, 4700, "invalid_request", "Bad Request: account_id is not that of the app")
        if call.state.faults.switch("zoom.new_token_kills_old"):
            self.live = {name: token for name, token in self.live.items() if token.account_id != account_id}
        seconds = int(call.state.faults.switch("zoom.token_seconds"))
        name = call.state.name()
        self.live[name] = Token(account_id, client_id, call.state.clock.now + timedelta(seconds=seconds))
        missing = missing_scopes(call, account)
        scopes = sorted(scope for scope in ALL_SCOPES if scope not in missing)
        body = {
            "access_token": name,
            "token_type": "bearer",
            "expires_in": seconds,
            "scope": " ".join(scopes),
            "api_url": call.origin,
        }
        return Answer(200, body, records=1)

    def account(self, call: Call) -> ZoomAccount:
        """The account of the token that came, or the refusal."""
        status = int(call.state.faults.switch("zoom.token_error_status"))
        kind, _, name = call.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not name:
            raise refuse(status, 124, "Invalid access token.")
        token = self.live.get(name.strip())
        if token is None:
            raise refuse(status, 124, "Invalid access token.")
        if token.expires <= call.state.clock.now:
            raise refuse(status, 124, "Access token is expired.")
        account = call.state.zoom.get(token.account_id)
        if account is None:
            raise refuse(status, 124, "Invalid access token.")
        return account

    def kill(self, call: Call) -> None:
        self.live.pop(call.headers.get("authorization", "").partition(" ")[2].strip(), None)


def _basic(header: str) -> tuple[str, str] | None:
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, secret) if colon else None


def _token_error(status: int, code: int, error: str, reason: str) -> Answer:
    return Answer(status, {"reason": reason, "error": error, "code": code, "message": reason})


ALL_SCOPES: set[str] = set()


def needs(granular: str, classic: str) -> tuple[str, ...]:
    """The scopes of a route: the granular one and the older classic one that also does."""
    ALL_SCOPES.add(granular)
    return (granular, classic)


def missing_scopes(call: Call, account: ZoomAccount) -> set[str]:
    return {*call.state.faults.switch("zoom.missing_scopes"), *(account.record.get("missing_scopes") or ())}


def check_scopes(call: Call, account: ZoomAccount, scopes: tuple[str, ...]) -> None:
    missing = missing_scopes(call, account)
    if any(scope in missing for scope in scopes):
        raise refuse(400, 4711, f"Invalid access token, does not contain scopes:[{scopes[0]}].")


class Meter:
    """Counts calls a second (`Clock.seconds`) and a day (simulated, from 00:00 UTC) for each account and label."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], tuple[int, int]] = {}
        self.days: dict[tuple[str, str, str], int] = {}

    def count(self, call: Call, account: ZoomAccount, label: str) -> dict[str, str]:
        """Count one call: the headers of its answer, or the 429."""
        plan = str(call.state.faults.switch("zoom.plan"))
        if not label or not call.state.faults.switch("zoom.rate_limits"):
            return {}
        name = str(account.record["account_id"])
        second = int(call.state.clock.seconds())
        begun, used = self.seconds.get((name, label), (second, 0))
        used = used + 1 if begun == second else 1
        self.seconds[name, label] = (second, used)
        limit = PER_SECOND[plan][label]
        headers = _headers(label, "QPS", limit, limit - used)
        if used > limit:
            raise Refusal(Answer(429, _too_many(label, "per-second"), headers))
        today = iso(call.state.clock.now)[:10]
        daily = call.state.faults.switch("zoom.daily_limit")
        daily = PER_DAY[plan].get(label) if daily is None else int(daily)
        spent = self.days.get((name, label, today), 0) + 1
        self.days[name, label, today] = spent
        if daily is not None and spent > daily:
            raise Refusal(daily_limit(call, label, daily))
        return headers


def _headers(label: str, kind: str, limit: int, left: int) -> dict[str, str]:
    return {
        "X-RateLimit-Category": label,
        "X-RateLimit-Type": kind,
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(max(left, 0)),
    }


def _too_many(label: str, span: str) -> Record:
    return {"code": 429, "message": f"You have reached the maximum {span} rate limit for this API. ({label})"}


def daily_limit(call: Call, label: str, limit: int, message: str = "") -> Answer:
    """The 429 of a daily limit: it ends at 00:00 UTC, and `Retry-After` says so as a date-time."""
    reset = midnight_after(call.state.clock.now)
    headers = _headers(label, "Daily-limit", limit, 0)
    headers |= {"Retry-After": iso(reset), "X-RateLimit-Reset": iso(reset)}
    return Answer(429, {"code": 429, "message": message} if message else _too_many(label, "daily"), headers)


def midnight_after(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def burst_limit(call: Call, label: str) -> Answer:
    """The 429 of a per-second limit, which bears no `Retry-After`."""
    limit = PER_SECOND[str(call.state.faults.switch("zoom.plan"))][label]
    return Answer(429, _too_many(label, "per-second"), _headers(label, "QPS", limit, 0))
