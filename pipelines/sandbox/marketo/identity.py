"""Tokens: who asks again gets the same one, with what is left of its hour.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/authentication : by GET, and by POST with the
parameters in the address or in a form. A token ages by the simulated clock or by a real one, whichever has gone
further since it was given out, so that whoever waits for its end does not wait for ever.
"""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass
from datetime import datetime

from pipelines.sandbox.marketo.gate import Refused
from pipelines.sandbox.web import Answer, Call, Query


@dataclass
class Token:
    """Which instance a token speaks for, since when, and whether it was ended early."""

    munchkin_id: str
    begun: datetime
    begun_real: float
    text: str

    def left(self, call: Call) -> float:
        """Seconds until its end."""
        age = max((call.state.clock.now - self.begun).total_seconds(), time.monotonic() - self.begun_real)
        return float(call.state.faults.switch("marketo.token_seconds")) - age


class Tokens:
    """Every token that was given out; one is live for each custom service."""

    def __init__(self) -> None:
        self.live: dict[str, Token] = {}
        self.known: dict[str, Token] = {}

    def issue(self, call: Call) -> Answer:
        """Answer `/identity/oauth/token`."""
        if call.segments != ["identity", "oauth", "token"] or call.method not in ("GET", "POST"):
            return Answer(404, {"error": "not_found", "error_description": "no such resource"})
        form = Query(call.content.decode("utf-8", "replace"))
        kind, key, secret = (
            call.query.get(name) or form.get(name) for name in ("grant_type", "client_id", "client_secret")
        )
        if kind != "client_credentials":
            return _no(400, "unsupported_grant_type", f"Unsupported grant type: {kind}")
        record = next((one.record for one in call.state.marketo.values() if one.record["client_id"] == key), None)
        if record is None:
            return _no(401, "invalid_client", f"Client with requested id: {key} was not found")
        if not secrets.compare_digest(secret.encode(), str(record["client_secret"]).encode()):
            return _no(401, "unauthorized", "Bad client credentials")
        token = self.live.get(key)
        if token is None or token.left(call) <= 0 or token.munchkin_id != record["munchkin_id"]:
            name = call.state.name()
            text = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}:int"
            token = Token(str(record["munchkin_id"]), call.state.clock.now, time.monotonic(), text)
            self.live[key] = self.known[text] = token
        return Answer(
            200,
            {
                "access_token": token.text,
                "token_type": "bearer",
                "expires_in": int(token.left(call)),
                "scope": user_of(token.munchkin_id),
            },
        )

    def token(self, call: Call) -> Token:
        """The token that came. Refused: 601 for an unknown one, 602 for one whose time is over."""
        kind, _, text = call.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" and call.state.faults.switch("marketo.token_in_query"):
            text = call.query.get("access_token")
        elif kind.lower() != "bearer":
            text = ""
        found = self.known.get(text.strip())
        if found is None or found.munchkin_id not in call.state.marketo:
            raise Refused("601", "Access token invalid")
        if found.left(call) <= 0:
            raise Refused("602", "Access token expired")
        return found

    def kill(self, call: Call) -> None:
        """The token that came is over from now on, and the next one asked for is another."""
        found = self.known.get(call.headers.get("authorization", "").partition(" ")[2].strip())
        if found is not None:
            found.begun_real = -math.inf


def user_of(munchkin_id: str) -> str:
    """The API-only user of the custom service."""
    return f"api@{munchkin_id.lower()}.example"


def _no(status: int, error: str, description: str) -> Answer:
    return Answer(status, {"error": error, "error_description": description})
