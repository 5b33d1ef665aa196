"""One origin: takes a request off the wire, lets the faults strike, asks the vendor, keeps the log, sends the answer.

Every answer bears a `Date` header with the simulated time. A rule of the faults can end the connection instead.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import replace
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pipelines.sandbox.clock import iso
from pipelines.sandbox.control import CONTROL, control
from pipelines.sandbox.faults import BEFORE, PAGE_KINDS, Rule
from pipelines.sandbox.state import State
from pipelines.sandbox.web import Answer, Call, Query, segments_of

REMEMBERED = 128
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Vendor(Protocol):
    """What stands behind an origin."""

    name: str

    def answer(self, call: Call) -> Answer:
        """Answer a call as the vendor would."""
        ...

    def limited(self, call: Call, policy: str, retry_after: float | None) -> Answer:
        """The vendor's own 429."""
        ...

    def expired(self, call: Call) -> Answer:
        """The vendor's refusal of the token that came."""
        ...

    def error(self, call: Call, status: int) -> Answer:
        """The vendor's error body for a status."""
        ...


class Origin:
    """The ASGI application of one port. `connections` is uvicorn's set of open ones, for those that are cut."""

    def __init__(self, state: State, vendor: Vendor) -> None:
        self.state = state
        self.vendor = vendor
        self.connections: set[Any] = set()
        self._remembered: OrderedDict[tuple[str, str, bytes], Answer] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            content = await request.body()
        except ClientDisconnect:  # whoever called was killed before it had said all
            return
        raw_path = scope["raw_path"].decode("latin-1").partition("?")[0]
        query = scope["query_string"].decode("latin-1")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        call = Call(
            state=self.state,
            method=scope["method"],
            path=f"{raw_path}?{query}" if query else raw_path,
            segments=segments_of(raw_path),
            query=Query(query),
            headers=headers,
            content=content,
            origin=f"http://{headers.get('host', '127.0.0.1')}",
        )
        with self.state.lock:
            answer = control(call) if call.segments[0] == CONTROL else self._struck(call)
            date = self.state.clock.http_date
        if answer is None:
            await self._cut(scope)
            return
        if answer.seconds:
            await asyncio.sleep(answer.seconds)
        body = answer.content()
        response = Response(body, answer.status, {**answer.headers, "Date": date})
        if body or answer.status not in (204, 304):
            response.headers["Content-Type"] = answer.media
        await response(scope, receive, send)

    def _struck(self, call: Call) -> Answer | None:
        """The vendor's answer as the faults leave it; None cuts the connection."""
        rule = self.state.faults.pick(self.vendor.name, call.method, call.path)
        if rule is None:
            answer = self._asked(call)
            self._log(call, answer)
            return answer
        if rule.kind in BEFORE:
            before = self._before(call, rule)
            self._log(call, before)
            return before
        if rule.kind in PAGE_KINDS:
            call.page_fault = rule.kind
        answer = self._asked(call)
        self._log(call, answer if rule.kind != "drop_after" else replace(answer, status=0))
        if rule.kind == "truncate":
            whole = answer.content()
            return replace(answer, body=whole[: len(whole) // 2])
        if rule.kind == "drop_after":
            return None
        if rule.kind == "accept_500":
            return self._given(rule, self.vendor.error(call, rule.given.get("status", 500)))
        return answer

    def _before(self, call: Call, rule: Rule) -> Answer | None:
        given = rule.given
        if rule.kind == "rate_limit":
            return self._given(rule, self.vendor.limited(call, given.get("policy", "burst"), given.get("retry_after")))
        if rule.kind == "expire_token":
            return self._given(rule, self.vendor.expired(call))
        if rule.kind == "html":
            return Answer(given.get("status", 502), HTML, media="text/html")
        if rule.kind == "drop_before":
            return None
        if rule.kind == "locked":
            return self._given(rule, self.vendor.error(call, 423))
        if rule.kind == "migrating":
            answer = self.vendor.error(call, 477)
            answer.headers["Retry-After"] = str(given.get("retry_after", 60))
            return self._given(rule, answer)
        if rule.kind == "stale_page":
            return self._remembered.get(self._key(call)) or self._asked(call)
        return self._given(rule, self.vendor.error(call, given.get("status", 500)))

    @staticmethod
    def _given(rule: Rule, answer: Answer) -> Answer:
        """The rule's own body and headers go before the vendor's."""
        body = rule.given.get("body")
        if body is not None:
            answer.body = body.encode() if isinstance(body, str) else body
        for name, value in (rule.given.get("headers") or {}).items():
            answer.headers[str(name)] = str(value)
        return answer

    def _asked(self, call: Call) -> Answer:
        answer = self.vendor.answer(call)
        reads = call.method == "GET" or call.segments[-1] in ("search", "read")
        if reads and answer.status < 300:
            answer.body = answer.content()
            self._remembered[self._key(call)] = answer
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return answer

    @staticmethod
    def _key(call: Call) -> tuple[str, str, bytes]:
        return (call.headers.get("authorization", ""), f"{call.method} {call.path}", call.content)

    def _log(self, call: Call, answer: Answer | None) -> None:
        """Status 0 is a connection that was cut; `seconds` is real time, which the vendors' short limits go by."""
        self.state.requests.append(
            {
                "vendor": self.vendor.name,
                "method": call.method,
                "path": call.path,
                "status": answer.status if answer else 0,
                "records": answer.records if answer else 0,
                "at": iso(self.state.clock.now),
                "seconds": round(time.monotonic(), 4),
            }
        )

    async def _cut(self, scope: Scope) -> None:
        for connection in list(self.connections):
            if connection.client == tuple(scope["client"]):
                connection.transport.abort()
        await asyncio.sleep(0.01)  # lets the loop notice that the connection is gone
