"""Webhooks as the vendors send them: bodies, signatures, and a request straight into the app."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from hubspot.utils.signature import Signature
from starlette.applications import Starlette

ZOOM, HUBSPOT = "zoom-hook-secret", "hubspot-client-secret"
URL = "https://hooks.example.com"


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes


def event(webinar: int = 84759841045, name: str = "webinar.registration_created", **more: Any) -> dict[str, Any]:
    """An event of Zoom."""
    thing = {"uuid": f"uuid-of-{webinar}", "id": webinar, "topic": "Größe", **more}
    return {"event": name, "event_ts": 1_795_000_000_000, "payload": {"account_id": "zoom-account", "object": thing}}


def by_zoom(
    body: bytes, number: str = "", *, secret: str = ZOOM, at: float | None = None, in_ms: bool = False
) -> dict[str, str]:
    """Return the headers that Zoom sends with a body; `number` is its number of the request."""
    stamp = str(int((at or time.time()) * (1000 if in_ms else 1)))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, "sha256").hexdigest()
    named = {"x-zm-request-id": number} if number else {}
    return {"x-zm-request-timestamp": stamp, "x-zm-signature": f"v0={digest}", **named}


def by_hubspot(
    body: bytes, *, uri: str = f"{URL}/hubspot", secret: str = HUBSPOT, at: float | None = None
) -> dict[str, str]:
    """Return the headers that HubSpot sends with a body, signed by its own library."""
    stamp = str(int((at or time.time()) * 1000))
    signature = Signature.get_signature(secret, body.decode(), "v3", http_uri=uri, timestamp=stamp)
    return {"x-hubspot-request-timestamp": stamp, "x-hubspot-signature-v3": signature}


async def send(
    app: Starlette, path: str, body: bytes, headers: Mapping[str, str], *, piece: int = 1 << 16, is_stuck: bool = False
) -> Answer:
    """Send a request, the body in pieces; one that is stuck never ends."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "server": ("127.0.0.1", 8710),
    }
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)] or [b""]
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces) or is_stuck}

    async def take(message: Any) -> None:
        told.append(message)

    await app(scope, receive, take)
    return Answer(told[0]["status"], b"".join(one.get("body", b"") for one in told[1:]))


def sent(app: Starlette, path: str, told: Any, headers: Mapping[str, str] | None = None, **how: Any) -> Answer:
    """Send one request, signed as the vendor of that path does unless headers are given."""
    body = told if isinstance(told, bytes) else orjson.dumps(told)
    signed = (by_zoom if path.startswith("/zoom") else by_hubspot)(body) if headers is None else headers
    return asyncio.run(send(app, path, body, signed, **how))
