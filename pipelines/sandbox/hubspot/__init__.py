"""HubSpot on loopback, on numbered and dated paths alike.

The table of paths is HubSpot's migration guide, https://developers.hubspot.com/docs/api-reference/legacy/migration-guide
(read 2026-11). Not every area has a dated path; email events and form submissions have none.
"""

from __future__ import annotations

from pipelines.sandbox.hubspot import (
    associations,
    attendance,
    batches,
    events,
    legacy,
    lists,
    objects,
    people,
    properties,
    search,
)
from pipelines.sandbox.hubspot.gate import (
    LONGEST_ADDRESS,
    Denied,
    HubSpotCall,
    Meter,
    error_body,
    routes,
    too_many,
)
from pipelines.sandbox.web import Answer, Call, Refusal

__all__ = [
    "HubSpot",
    "associations",
    "attendance",
    "batches",
    "events",
    "legacy",
    "lists",
    "objects",
    "people",
    "properties",
    "search",
]
DATES = {"2026-03", "2026-09", "2026-09-beta"}
AREAS = {
    ("crm", "objects"): ["crm", "v3", "objects"],
    ("crm", "associations"): ["crm", "v4", "associations"],
    ("crm", "properties"): ["crm", "v3", "properties"],
    ("crm", "owners"): ["crm", "v3", "owners"],
    ("crm", "lists"): ["crm", "v3", "lists"],
    ("marketing", "marketing-events"): ["marketing", "v3", "marketing-events"],
    ("marketing", "forms"): ["marketing", "v3", "forms"],
    ("settings", "users"): ["settings", "v3", "users"],
}
CATEGORIES = {423: "LOCKED", 477: "MIGRATION_IN_PROGRESS", 403: "MISSING_SCOPES", 404: "OBJECT_NOT_FOUND"}
POLICIES = {"daily": "DAILY", "burst": "TEN_SECONDLY_ROLLING", "secondly": "SECONDLY"}


def canonical(segments: list[str]) -> tuple[list[str], bool]:
    """The path under which a handler is registered, and whether the one that came bears a date."""
    if len(segments) >= 3 and segments[2] in DATES and (segments[0], segments[1]) in AREAS:
        return AREAS[segments[0], segments[1]] + segments[3:], True
    if segments[:1] == ["account-info"] and len(segments) > 1 and segments[1] in DATES:
        return ["account-info", "v3", *segments[2:]], True
    if segments[:3] in (["marketing", "marketing-events", "v3"], ["settings", "users", "v3"]):
        return AREAS[segments[0], segments[1]] + segments[3:], False
    if segments[:3] == ["crm", "v4", "objects"]:
        return ["crm", "v3", "objects", *segments[3:]], False
    return segments, False


class HubSpot:
    """The origin that api.hubapi.com is elsewhere."""

    name = "hubspot"

    def __init__(self) -> None:
        self.meter = Meter()

    def answer(self, call: Call) -> Answer:
        """Length, token, scope, limits, then the route."""
        if len(call.path) > LONGEST_ADDRESS:
            return Answer(414, b"<html><body><h1>414 Request-URI Too Large</h1></body></html>", media="text/html")
        try:
            return self._answer(call)
        except Refusal as refusal:
            return refusal.answer
        except Denied as denied:
            return denied.answer(call)

    def _answer(self, call: Call) -> Answer:
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        portal = call.state.hubspot.get(token.strip()) if kind.lower() == "bearer" else None
        if portal is None:
            return self._unauthorized(call)
        segments, dated = canonical(call.segments)
        asked = HubSpotCall(
            state=call.state,
            method=call.method,
            path=call.path,
            segments=segments,
            query=call.query,
            headers=call.headers,
            content=call.content,
            origin=call.origin,
            page_fault=call.page_fault,
            portal=portal,
            now=call.state.clock.now,
            dated=dated,
        )
        route, asked.params, known = routes.find(call.method, segments)
        headers = self.meter.count(asked, route.label if route else "")
        if route is None:
            status, message = (405, "Method Not Allowed") if known else (404, "resource not found")
            return Answer(status, error_body(call, "OBJECT_NOT_FOUND", message), headers)
        missing = [scope for scope in route.scopes if scope in asked.switch("missing_scopes")]
        if missing:
            message = "This app hasn't been granted all required scopes to make this call."
            raise Denied(403, "MISSING_SCOPES", message, context={"requiredGranularScopes": missing})
        asked.used_today = self.meter.used_today(asked)
        answer = route.handler(asked)
        answer.headers = {**headers, **answer.headers}
        return answer

    def _unauthorized(self, call: Call) -> Answer:
        message = "Authentication credentials not found. This API supports OAuth 2.0 authentication."
        return Answer(401, error_body(call, "INVALID_AUTHENTICATION", message))

    def limited(self, call: Call, policy: str, retry_after: float | None) -> Answer:
        """A 429 with the policy's name."""
        answer = too_many(call, POLICIES[policy])
        if retry_after is not None:
            answer.headers["Retry-After"] = f"{retry_after:g}"
        return answer

    def expired(self, call: Call) -> Answer:
        message = "The OAuth token used to make this call expired."
        return Answer(401, error_body(call, "EXPIRED_AUTHENTICATION", message))

    def error(self, call: Call, status: int) -> Answer:
        return Answer(status, error_body(call, CATEGORIES.get(status, "INTERNAL_ERROR"), "internal error"))
