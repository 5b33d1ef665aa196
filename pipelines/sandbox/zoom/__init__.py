"""Zoom on loopback.

Facts come from Zoom's published API reference, https://developers.zoom.us/docs/api/ (read 2026-11); what is unverified
says so where it stands, and mostly has a switch in `faults.py`.
"""

from __future__ import annotations

from pipelines.sandbox.web import Answer, Call, Refusal
from pipelines.sandbox.zoom import meetings, past, recordings, registering, registrants, reports, users, webinars
from pipelines.sandbox.zoom.gate import (
    LIGHT,
    Meter,
    Tokens,
    ZoomCall,
    burst_limit,
    check_scopes,
    daily_limit,
    routes,
)

__all__ = [
    "Zoom",
    "meetings",
    "past",
    "recordings",
    "registering",
    "registrants",
    "reports",
    "users",
    "webinars",
]


class Zoom:
    """The origin that api.zoom.us and zoom.us are elsewhere."""

    name = "zoom"

    def __init__(self) -> None:
        self.tokens = Tokens()
        self.meter = Meter()

    def answer(self, call: Call) -> Answer:
        """Token, scopes, limits, then the route."""
        try:
            return self._answer(call)
        except Refusal as refusal:
            return refusal.answer
        except ValueError:
            return Answer(400, {"code": 300, "message": "Request Body should be a valid JSON object."})

    def _answer(self, call: Call) -> Answer:
        if call.segments == ["oauth", "token"]:
            if call.method != "POST":
                return Answer(405, {"code": 405, "message": "Method not allowed"})
            return self.tokens.issue(call)
        if call.method == "GET" and call.segments[:2] == ["rec", "file"] and len(call.segments) == 3:
            return recordings.stored(call)
        route, params, known = routes.find(call.method, call.segments)
        if route is None and not known:
            return Answer(404, {"code": 2300, "message": "This API endpoint is not recognized."})
        account = self.tokens.account(call)
        if route is None:
            return Answer(405, {"code": 405, "message": "Request method is not supported."})
        check_scopes(call, account, route.scopes)
        headers = self.meter.count(call, account, route.label)
        zoom_call = ZoomCall(
            state=call.state,
            method=call.method,
            path=call.path,
            segments=call.segments,
            query=call.query,
            headers=call.headers,
            content=call.content,
            origin=call.origin,
            page_fault=call.page_fault,
            params=params,
            account=account,
            now=call.state.clock.now,
        )
        answer = route.handler(zoom_call)
        answer.headers = {**headers, **answer.headers}
        return answer

    def limited(self, call: Call, policy: str, retry_after: float | None) -> Answer:
        """The 429 of the route's own label."""
        route, _, _ = routes.find(call.method, call.segments)
        label = (route.label if route else "") or LIGHT
        answer = daily_limit(call, label, 1000) if policy == "daily" else burst_limit(call, label)
        if retry_after is not None:
            answer.headers["Retry-After"] = f"{retry_after:g}"
        return answer

    def expired(self, call: Call) -> Answer:
        """401/124, and the token stays dead."""
        self.tokens.kill(call)
        status = int(call.state.faults.switch("zoom.token_error_status"))
        return Answer(status, {"code": 124, "message": "Access token is expired."})

    def error(self, call: Call, status: int) -> Answer:
        return Answer(status, {"code": status, "message": "Internal Error" if status >= 500 else "Request refused"})
