"""What every HubSpot call passes: token, length of the address, scopes, rate limits; and HubSpot's bodies that say no.

- Limits (ten seconds per app, day per account, search and associations apart), headers and 429 bodies:
  https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines (read 2026-11)
- Errors: https://developers.hubspot.com/docs/api-reference/error-handling . Single refusals bear a correlationId,
  items of a batch do not.
- 414 for an address over about 8 KB: seen in dlt-hub/verified-sources#305.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipelines.sandbox.clock import parse, time_zone
from pipelines.sandbox.hubspot.portal import Portal
from pipelines.sandbox.web import Answer, Call, Refusal, Routes

Record = dict[str, Any]
BURST = {"free": 100, "starter": 100, "professional": 190, "enterprise": 190}
DAILY = {"free": 250_000, "starter": 250_000, "professional": 625_000, "enterprise": 1_000_000}
ASSOCIATIONS = {"free": 100, "starter": 100, "professional": 150, "enterprise": 150}
WINDOW = 10.0
LONGEST_ADDRESS = 8192
SEARCH, LINKS = "search", "associations"  # labels of routes outside the ten-second bucket


@dataclass
class HubSpotCall(Call):
    """A call whose token was good. `dated` says that it came by a path with a date for a version."""

    portal: Portal = field(default_factory=lambda: Portal({}))
    now: datetime = field(default_factory=lambda: parse(0))
    dated: bool = False
    used_today: int = 0

    def switch(self, name: str) -> Any:
        return self.state.faults.switch(f"hubspot.{name}")


routes: Routes[HubSpotCall] = Routes()


class Denied(Exception):
    """One input is refused: the whole answer of a single call, one of the errors of a batch."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        code: str = "",
        context: dict[str, list[str]] | None = None,
        sub_category: str = "",
        extra: Record | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.code = code
        self.context = context or {}
        self.sub_category = sub_category
        self.extra = extra or {}

    def details(self) -> list[Record]:
        if not self.code:
            return []
        return [{"message": self.message, "code": self.code, "context": self.context}]

    def item(self) -> Record:
        """As one of a batch's errors."""
        body: Record = {"status": "error", "category": self.category, "message": self.message}
        if self.sub_category:
            body["subCategory"] = self.sub_category
        return {**body, "errors": self.details(), "context": dict(self.context), "links": {}}

    def answer(self, call: Call) -> Answer:
        """As the answer of a whole call."""
        body = error_body(call, self.category, self.message)
        if self.sub_category:
            body["subCategory"] = self.sub_category
        if self.code:
            body["errors"] = self.details()
        if self.context:
            body["context"] = self.context
        return Answer(self.status, {**body, **self.extra})


def invalid(message: str, code: str = "", **context: list[str]) -> Denied:
    return Denied(400, "VALIDATION_ERROR", message, code=code, context=dict(context))


def not_found(message: str = "resource not found") -> Denied:
    return Denied(404, "OBJECT_NOT_FOUND", message)


def error_body(call: Call, category: str, message: str) -> Record:
    name = call.state.name()
    uuid = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
    return {"status": "error", "message": message, "correlationId": uuid, "category": category}


def body_of(call: HubSpotCall) -> Record:
    """The JSON object that was sent."""
    try:
        given = call.json()
    except ValueError as error:
        raise invalid("Invalid input JSON: the body cannot be read") from error
    if not isinstance(given, dict):
        raise invalid("Invalid input JSON: expected an object")
    return given


def inputs_of(call: HubSpotCall, most: int = 100) -> list[Record]:
    """The `inputs` of a batch, a hundred at most."""
    inputs = body_of(call).get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise invalid("Invalid input JSON: expected a list of objects under inputs")
    if len(inputs) > most:
        raise invalid(f"The maximum number of inputs supported in a batch request is {most}")
    return inputs


def size_of(call: HubSpotCall, default: int, most: int) -> int:
    """`limit`, refused where it is too large."""
    text = call.query.get("limit")
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise invalid(f"Invalid limit {text!r}: must be between 1 and {most}")
    return int(text)


class Meter:
    """The buckets: rolling ones by `Clock.seconds`, the day in simulated time, to midnight in the portal's zone."""

    def __init__(self) -> None:
        self.buckets: dict[tuple[str, str], deque[float]] = {}
        self.days: Counter[tuple[str, str]] = Counter()

    def count(self, call: HubSpotCall, label: str) -> dict[str, str]:
        """Count one call: the headers of its answer (search has none), or the 429."""
        if not call.switch("rate_limits"):
            return {}
        tier = str(call.portal.record["tier"])
        daily = call.switch("daily_limit")
        daily = DAILY[tier] if daily is None else int(daily)
        today = call.now.astimezone(time_zone(str(call.portal.record["time_zone"]))).strftime("%Y-%m-%d")
        key = (str(call.portal.record["portal_id"]), today)
        self.days[key] += 1
        token = str(call.portal.record["access_token"])
        if self.days[key] > daily:
            raise Refusal(too_many(call, "DAILY"))
        if label == SEARCH:
            if not self._take(call, (key[0], SEARCH), 1.0, int(call.switch("search_per_second"))):
                raise Refusal(too_many(call, "SECONDLY"))
            return {}
        burst = call.switch("association_limit" if label == LINKS else "burst_limit")
        burst = (ASSOCIATIONS if label == LINKS else BURST)[tier] if burst is None else int(burst)
        taken = self._take(call, (token, label), WINDOW, burst)
        headers = {
            "X-HubSpot-RateLimit-Daily": str(daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(daily - self.days[key], 0)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(WINDOW * 1000)),
            "X-HubSpot-RateLimit-Max": str(burst),
            "X-HubSpot-RateLimit-Remaining": str(burst - len(self.buckets[token, label])),
        }
        if not taken:
            answer = too_many(call, "TEN_SECONDLY_ROLLING")
            answer.headers = {**headers, **answer.headers}
            raise Refusal(answer)
        return headers

    def used_today(self, call: HubSpotCall) -> int:
        today = call.now.astimezone(time_zone(str(call.portal.record["time_zone"]))).strftime("%Y-%m-%d")
        return self.days[str(call.portal.record["portal_id"]), today]

    def _take(self, call: HubSpotCall, key: tuple[str, str], seconds: float, limit: int) -> bool:
        bucket = self.buckets.setdefault(key, deque())
        now = call.state.clock.seconds()
        while bucket and bucket[0] <= now - seconds:
            bucket.popleft()
        if len(bucket) >= limit:
            return False
        bucket.append(now)
        return True


MESSAGES = {
    "DAILY": "You have reached your daily limit.",
    "TEN_SECONDLY_ROLLING": "You have reached your ten_secondly_rolling limit.",
    "SECONDLY": "You have reached your secondly limit.",
}


def too_many(call: Call, policy: str) -> Answer:
    """A 429 by its policy's name. `Retry-After` is not promised; a switch adds it."""
    body = error_body(call, "RATE_LIMITS", MESSAGES[policy])
    body |= {"errorType": "RATE_LIMIT", "policyName": policy, "requestId": call.state.name()}
    answer = Answer(429, body)
    if call.state.faults.switch("hubspot.retry_after"):
        answer.headers["Retry-After"] = "10" if policy == "TEN_SECONDLY_ROLLING" else "1"
    return answer
