"""Zoom's paging: an opaque `next_page_token`, blank at the end, dead after fifteen minutes.

https://developers.zoom.us/docs/api/using-zoom-apis/ . A token carries the parameters that it was made with, so a
client that sends the token alone goes on in the same list (pyzoom does); a token of another list is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson

from pipelines.sandbox.clock import from_ms, to_ms
from pipelines.sandbox.web import Answer, page
from pipelines.sandbox.zoom.gate import ZoomCall, refuse

Record = dict[str, Any]
UNBOUND = {"next_page_token", "page_size", "page_number"}
INVALID = "The next page token is invalid or expired."


def parameters(call: ZoomCall) -> dict[str, str]:
    """The request's parameters, with those that its page token brings along."""
    given = {name: value for name, value in call.query.pairs if name not in UNBOUND}
    token = _token(call)
    if token is None:
        return given
    if any(token["q"].get(name) != value for name, value in given.items()):
        raise refuse(400, 300, INVALID)
    return {**token["q"]}


def paged(
    call: ZoomCall, key: str, rows: Sequence[Record], *, most: int = 300, total: bool = True, numbered: bool = False
) -> Answer:
    """One page of a list."""
    token = _token(call)
    size = _size(call, most, token)
    start = int(token["o"]) if token else 0
    number = call.query.get("page_number")
    if token is None and numbered and number.isdecimal():
        start = min(max(int(number) - 1, 0) * size, len(rows))
    cut, following = page(rows, start, size, call.page_fault)
    body: Record = {"page_size": size, "next_page_token": "" if following is None else _issue(call, following, size)}
    if total:
        body["page_count"] = -(-len(rows) // size)
        body["total_records"] = len(rows)
    if numbered:
        body["page_number"] = start // size + 1
    return Answer(200, {**body, key: cut}, records=len(cut))


def _size(call: ZoomCall, most: int, token: Record | None) -> int:
    text = call.query.get("page_size")
    if not text:
        return int(token["s"]) if token else 30
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise refuse(400, 300, f"Validation Failed: page_size must be between 1 and {most}.")
    return int(text)


def _issue(call: ZoomCall, offset: int, size: int) -> str:
    content = {"o": offset, "s": size, "t": to_ms(call.now), "p": call.segments, "q": parameters(call)}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def _token(call: ZoomCall) -> Record | None:
    text = call.query.get("next_page_token")
    if not text:
        return None
    try:
        token = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        alive = from_ms(token["t"]) + timedelta(minutes=float(call.state.faults.switch("zoom.page_token_minutes")))
        good = token["p"] == call.segments and call.now <= alive and isinstance(token["q"], dict)
    except (binascii.Error, ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise refuse(400, 300, INVALID)
    assert isinstance(token, dict)
    return token
