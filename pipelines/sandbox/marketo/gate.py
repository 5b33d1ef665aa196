"""What every Marketo call passes, and Marketo's three ways of saying no.

- https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes : by HTTP status, by
  `success: false` at HTTP 200, and record by record as `skipped`. No 429 and no header tells of a limit.
- https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/marketo-integration-best-practices : 100
  calls in 20 seconds, ten at once, a day's quota until midnight Central, shared by all that use the instance.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from pipelines.sandbox.clock import parse
from pipelines.sandbox.marketo.instance import Instance
from pipelines.sandbox.marketo.stamps import asked, quota_day
from pipelines.sandbox.web import Answer, Call, Query, Routes, page

if TYPE_CHECKING:
    from pipelines.sandbox.marketo.jobs import Job

Record = dict[str, Any]
Row = TypeVar("Row")
MOST = 300
WINDOW = 20.0
KEPT_DAYS = 7
UNCOUNTED = {"601", "602", "604", "605", "608", "611", "713"}
"""Calls that end so are not counted against the day's quota."""
READ_LEAD = ("Read-Only Lead", "Read-Write Lead")
WRITE_LEAD = ("Read-Write Lead",)
READ_ACTIVITY = ("Read-Only Activity", "Read-Write Activity")
READ_ASSETS = ("Read-Only Assets", "Read-Write Assets")
WRITE_ASSETS = ("Read-Write Assets",)
FORM = "application/x-www-form-urlencoded"


class Refused(Exception):
    """A whole call is refused, at HTTP 200."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def answer(self, call: Call) -> Answer:
        errors = [{"code": self.code, "message": self.message}]
        return Answer(200, {"requestId": request_id(call), "success": False, "errors": errors})


class Skipped(Exception):
    """One record of a call is refused; the call succeeds."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def row(self) -> Record:
        return {"status": "skipped", "reasons": [{"code": self.code, "message": self.message}]}


def answered(told: Record, act: Callable[[], str]) -> Record:
    """What is told of one record: the status that `act` gives it, or why it is skipped."""
    try:
        return told | {"status": act()}
    except Skipped as skipped:
        return told | skipped.row()


@dataclass
class Book:
    """What an instance remembers that is in no world: calls, errors, what still runs, the jobs of bulk extract."""

    recent: deque[float] = field(default_factory=deque)
    running: list[float] = field(default_factory=list)
    fresh: dict[int, float] = field(default_factory=dict)
    used: Counter[date] = field(default_factory=Counter)
    errors: dict[date, Counter[str]] = field(default_factory=dict)
    jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict)

    def let_in(self, call: MarketoCall) -> None:
        """Refused when too many run, come within 20 seconds, or came today."""
        now = time.monotonic()
        self.running = [until for until in self.running if until > now]
        if len(self.running) + int(call.switch("long_requests")) >= int(call.switch("concurrent_limit")):
            raise Refused("615", "Concurrent access limit reached")
        if not call.switch("rate_limits"):
            return
        lately = call.state.clock.seconds()
        while self.recent and self.recent[0] <= lately - WINDOW:
            self.recent.popleft()
        limit = int(call.switch("rate_limit"))
        if len(self.recent) >= limit:
            raise Refused("606", f"Max rate limit '{limit}' exceeded with in '{WINDOW:.0f}' secs")
        if self.used[quota_day(call.now)] >= int(call.switch("daily_limit")):
            raise Refused("607", "Daily API Request Quota reached")
        self.recent.append(lately)

    def note(self, call: MarketoCall, code: str) -> None:
        """Count a call that was answered, and what the neighbours spend meanwhile."""
        day = quota_day(call.now)
        if code:
            self.errors.setdefault(day, Counter())[code] += 1
        if code not in UNCOUNTED:
            self.used[day] += 1 + int(call.switch("neighbour_calls"))


@dataclass
class MarketoCall(Call):
    """A call whose token was good. `made` are the leads that it has created itself."""

    instance: Instance = field(default_factory=lambda: EMPTY)
    book: Book = field(default_factory=Book)
    user: str = ""
    now: datetime = field(default_factory=lambda: parse(0))
    made: set[int] = field(default_factory=set)

    def switch(self, name: str) -> Any:
        return self.state.faults.switch(f"marketo.{name}")


EMPTY: Instance = Instance({"munchkin_id": ""})
routes: Routes[MarketoCall] = Routes()


def request_id(call: Call) -> str:
    name = call.state.name(60)
    return f"{name[:4]}#{name[4:]}"


def success(call: MarketoCall, result: list[Any] | None = None, **more: Any) -> Answer:
    """What the lead database answers; without `result` where there is none to tell."""
    body: Record = {"requestId": request_id(call), "success": True}
    if result is not None:
        body["result"] = result
    return Answer(200, {**body, **more}, records=len(result or ()))


def assets(call: MarketoCall, rows: list[Record]) -> Answer:
    """What the asset endpoints answer: without rows there is a warning in place of `result`."""
    body: Record = {"success": True, "errors": [], "requestId": request_id(call), "warnings": []}
    if rows:
        body["result"] = rows
    else:
        body["warnings"] = ["No assets found for the given search criteria."]
    return Answer(200, body, records=len(rows))


def dispatched(call: MarketoCall) -> Answer:
    """The answer of the route. Refused for a path that is none, a method it has not, a permission that is missing."""
    path = call.path.partition("?")[0]
    last = call.segments[-1]
    if not last.endswith(".json") or ("//" in path and not call.switch("doubled_slashes")):
        raise Refused("610", "Requested resource not found")
    segments = [part for part in call.segments[:-1] if part] + [last.removesuffix(".json")]
    route, call.params, known = routes.find(call.method, segments)
    if route is None:
        if known:
            raise Refused("605", f"HTTP Method '{call.method}' not supported")
        raise Refused("610", "Requested resource not found")
    if route.scopes and not set(route.scopes) - set(call.switch("missing_permissions")):
        raise Refused("603", "Access denied")
    return route.handler(call)


def overridden(call: Call) -> tuple[str, Query]:
    """Method and query: a POST with `_method=GET`, there or in a form, is a GET with the form's parameters too."""
    is_form = call.headers.get("content-type", "").startswith(FORM)
    form = Query(call.content.decode("utf-8", "replace")) if is_form else Query("")
    if call.method == "POST" and "GET" in (call.query.get("_method"), form.get("_method")):
        query = Query("")
        query.pairs = [*call.query.pairs, *form.pairs]
        return "GET", query
    return call.method, call.query


def body_of(call: MarketoCall) -> Record:
    """The JSON object that was sent."""
    if call.content.strip() and "json" not in call.headers.get("content-type", ""):
        raise Refused("612", "Invalid Content Type")
    try:
        given = call.json()
    except ValueError as error:
        raise Refused("609", "Invalid JSON") from error
    if not isinstance(given, dict):
        raise Refused("609", "Invalid JSON")
    return given


def form_of(call: MarketoCall) -> Record:
    """The fields of an asset that were sent, as a form or as JSON."""
    if "json" in call.headers.get("content-type", ""):
        return body_of(call)
    return dict(Query(call.content.decode("utf-8", "replace")).pairs)


def inputs_of(given: Record) -> list[Record]:
    """The records under `input`, 300 at most."""
    rows = given.get("input")
    if not isinstance(rows, list) or not rows:
        raise Refused("1002", "Missing value for the required parameter 'input'")
    if not all(isinstance(row, dict) for row in rows):
        raise Refused("609", "Invalid JSON")
    if len(rows) > MOST:
        raise Refused("1003", f"Too many records in one call: {len(rows)}, {MOST} are allowed")
    return rows


def ids_of(call: MarketoCall) -> list[Any]:
    """Ids of leads, from the query or from the body."""
    named = call.query.all("id")
    if named:
        if len(named) > MOST:
            raise Refused("1003", f"Too many records in one call: {len(named)}, {MOST} are allowed")
        return named
    return [row.get("id") for row in inputs_of(body_of(call))]


def required(call: MarketoCall, name: str) -> str:
    value = call.query.get(name)
    if not value:
        raise Refused("1002", f"Missing value for the required parameter '{name}'")
    return value


def values_of(call: MarketoCall, name: str, most: int) -> list[str]:
    """The values of a list of the query: at least one, and not too many."""
    required(call, name)
    values = [value.strip() for value in call.query.all(name)]
    if len(values) > most:
        raise Refused("1003", f"Too many values for '{name}': {len(values)}, {most} are allowed")
    return values


def number(value: object) -> int | None:
    """An id, in digits or as a number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def numbers(values: list[str], name: str) -> list[int]:
    """Ids of a query. Refused where one is none."""
    found = [number(value) for value in values]
    for value, one in zip(values, found, strict=True):
        if one is None:
            raise Refused("1001", f"Invalid value '{value}' for '{name}'. Required of type 'Integer'")
    return [one for one in found if one is not None]


def path_number(call: MarketoCall, name: str = "id") -> int:
    return numbers([call.params[name]], name)[0]


def date_of(call: MarketoCall, name: str) -> datetime | None:
    """An instant of the query, None where it is not asked for."""
    text = call.query.get(name)
    if not text:
        return None
    try:
        return asked(text)
    except (ValueError, OverflowError) as error:
        raise Refused("704", f"Invalid date format: '{text}' for '{name}'") from error


def span_of(given: object, days: int) -> tuple[datetime, datetime]:
    """The two ends of a range of dates: whole seconds, and not too far apart."""
    ends = given if isinstance(given, dict) else {}
    try:
        start, end = asked(str(ends.get("startAt") or "")), asked(str(ends.get("endAt") or ""))
    except (ValueError, OverflowError) as error:
        raise Refused("1003", "startAt and endAt must be datetimes in ISO 8601") from error
    if start.microsecond or end.microsecond or any("." in str(ends[name]) for name in ("startAt", "endAt")):
        raise Refused("1003", "Invalid date format: milliseconds are not allowed in startAt and endAt")
    if not start <= end or end - start > timedelta(days=days):
        raise Refused("1003", f"The range from startAt to endAt must be {days} days or less")
    return start, end


def size_of(call: MarketoCall, name: str = "batchSize", default: int = MOST, most: int = MOST) -> int:
    text = call.query.get(name)
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text[:9]) <= most:
        raise Refused("1003", f"Invalid value '{text}' for '{name}': 1 to {most} are allowed")
    return int(text)


def sealed(*parts: object) -> str:
    """A paging token."""
    return base64.b32encode(orjson.dumps(parts)).decode()


def opened(token: str, kind: str, count: int) -> list[Any]:
    """What stands in a paging token of that kind. Refused where it is none."""
    try:
        parts = orjson.loads(base64.b32decode(token))
    except (binascii.Error, ValueError) as error:
        raise Refused("1003", "Invalid next page token") from error
    if not isinstance(parts, list) or len(parts) != count + 1 or parts[0] != kind:
        raise Refused("1003", "Invalid next page token")
    return parts[1:]


def turned(call: MarketoCall, rows: list[Row]) -> tuple[list[Row], Record]:
    """One page of the rows, and the token of the next one where there is more."""
    token = call.query.get("nextPageToken")
    start = int(opened(token, "page", 1)[0]) if token else 0
    cut, following = page(rows, start, size_of(call), call.page_fault)
    more: Record = {"moreResult": following is not None}
    if following is not None:
        more["nextPageToken"] = sealed("page", following)
    return cut, more
