"""What every Salesforce call passes, and Salesforce's ways of saying no.

A refusal of a whole request is a list of errors, one row's in a collection has `statusCode` for `errorCode`:
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
Limits: https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta (API requests): a
rolling day of the org, which all its programs share, and no Retry-After.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.sandbox.clock import parse
from pipelines.sandbox.salesforce.fields import SCHEMA, Field
from pipelines.sandbox.salesforce.org import Org
from pipelines.sandbox.web import Answer, Call, Routes

if TYPE_CHECKING:
    from pipelines.sandbox.salesforce.jobs import Job
    from pipelines.sandbox.salesforce.queries import Locator

Record = dict[str, Any]
TOTAL = "TotalRequests Limit exceeded."
CONCURRENT = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."


class Denied(Exception):
    """A whole request is refused, or one row of it."""

    def __init__(self, code: str, message: str, fields: tuple[str, ...] | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields
        self.status = status

    def row(self) -> Record:
        """As one of the errors of a row."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}

    def whole(self) -> list[Record]:
        """As the body of a request's answer."""
        error: Record = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]

    def answer(self) -> Answer:
        return Answer(self.status, self.whole())


@dataclass
class Book:
    """What an org remembers that is in no world: calls of the last day, open queries, jobs, refused locks."""

    calls: deque[tuple[datetime, int]] = field(default_factory=deque)
    locators: OrderedDict[str, Locator] = field(default_factory=OrderedDict)
    jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict)
    refused: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)

    def used(self, now: datetime) -> int:
        """Calls in the last 24 hours of simulated time."""
        while self.calls and not now - timedelta(days=1) < self.calls[0][0] <= now:
            self.calls.popleft()
        return sum(count for _, count in self.calls)

    def spend(self, now: datetime, count: int) -> None:
        if self.calls and self.calls[-1][0] == now:
            self.calls[-1] = (now, self.calls[-1][1] + count)
        else:
            self.calls.append((now, count))


@dataclass
class SalesforceCall(Call):
    """A call whose session was good. `base` is the path of its version, `user` the row of who calls.

    In a bulk job `held` says which batch holds a parent at this moment, and `batch` which one this is.
    """

    org: Org = field(default_factory=lambda: EMPTY)
    user: Record = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    now: datetime = field(default_factory=lambda: parse(0))
    base: str = ""
    held: dict[str, int] | None = None
    batch: int = 0
    _seen: dict[str, dict[str, Field]] = field(default_factory=dict)

    def switch(self, name: str) -> Any:
        return self.state.faults.switch(f"salesforce.{name}")

    def fields(self, name: str) -> dict[str, Field]:
        """The fields of an object that the user sees; Denied where there is no such object."""
        if name not in self._seen:
            away = {*self.switch("missing_fields"), *self.switch("hidden_fields")}
            known = self.org.fields[name]
            self._seen[name] = {
                key: one for key, one in known.items() if key not in away and f"{name}.{key}" not in away
            }
        return self._seen[name]

    def restricted(self, name: str, one: Field) -> bool:
        """Whether a picklist takes nothing but its values."""
        if (name, one.name) == ("Task", "Type"):
            return bool(self.switch("restricted_task_types"))
        return one.restricted


EMPTY: Org = Org({"org_id": "", "time_zone": "UTC", "task_statuses": [], "task_priorities": [], "task_types": []})
routes: Routes[SalesforceCall] = Routes()


def not_found(message: str = "The requested resource does not exist") -> Denied:
    return Denied("NOT_FOUND", message, status=404)


def object_of(given: str) -> str:
    """The object of that name in any case, as it is spelt. Denied where there is none."""
    for name in SCHEMA:
        if name.lower() == given.lower():
            return name
    raise not_found()


def body_of(call: Call) -> Record:
    """The JSON object that was sent."""
    try:
        given = call.json()
    except ValueError as error:
        raise Denied("JSON_PARSER_ERROR", "Unexpected character or end-of-input: the body is no JSON") from error
    if not isinstance(given, dict):
        raise Denied("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object")
    return given


def dispatched(call: SalesforceCall) -> Answer:
    """The answer of the route; also that of each part of a composite request."""
    call.org.sweep(call.now, int(call.switch("archive_days")))
    route, call.params, known = routes.find(call.method, call.segments)
    if route is None:
        if known:
            message = f"HTTP Method '{call.method}' not allowed."
            raise Denied("METHOD_NOT_ALLOWED", message, status=405)
        raise not_found()
    return route.handler(call)


def spend(call: SalesforceCall) -> None:
    """Count a call, and what the neighbours spend meanwhile. Denied when the day's are gone, or too many run."""
    limit = int(call.switch("daily_limit"))
    if call.book.used(call.now) >= limit:
        raise Denied("REQUEST_LIMIT_EXCEEDED", TOTAL, status=403)
    call.book.spend(call.now, 1 + int(call.switch("neighbour_calls")))
    if int(call.switch("long_requests")) >= int(call.switch("concurrent_limit")):
        raise Denied("REQUEST_LIMIT_EXCEEDED", CONCURRENT, status=403)


def usage(call: SalesforceCall) -> dict[str, str]:
    """The header that every answer bears."""
    limit = int(call.switch("daily_limit"))
    return {"Sforce-Limit-Info": f"api-usage={min(call.book.used(call.now), limit)}/{limit}"}
