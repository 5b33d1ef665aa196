"""Search, with its limits: five groups, six filters in each, eighteen in all, 3,000 characters, one sort, 200 a page,
10,000 in all; no archived records, nothing that was written a moment ago.

https://developers.hubspot.com/docs/api-reference/2026-03/crm/search-the-crm . `after` is an offset. IN and NOT_IN on
text need lower-case values; choices are matched case-sensitively, all else is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from pipelines.sandbox.clock import parse, to_ms
from pipelines.sandbox.hubspot.gate import SEARCH, HubSpotCall, body_of, invalid, routes
from pipelines.sandbox.hubspot.own import created_name, type_of
from pipelines.sandbox.hubspot.records import asked_type, view
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]
Test = Callable[[Record], bool]
OPERATORS = {
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
}
GROUPS, FILTERS, ALL_FILTERS, LONGEST, LARGEST = 5, 6, 18, 3000, 200
NOT_FILTERABLE = {"hs_body_preview_html", "hs_email_html", "hs_body_preview"}
QUERIED = {
    "contacts": ("firstname", "lastname", "email", "phone", "company", "hs_additional_emails"),
    "companies": ("name", "domain", "phone", "website"),
    "deals": ("dealname",),
}


@routes.on("POST", "/crm/v3/objects/{type}/search", label=SEARCH, scopes=("crm.objects.contacts.read",))
def search(call: HubSpotCall) -> Answer:
    kind, given = asked_type(call), body_of(call)
    if len(call.content.decode("utf-8", "replace")) > LONGEST:
        raise invalid(f"The request body is longer than {LONGEST} characters")
    size = _number(given.get("limit"), "limit", 10)
    start = _number(given.get("after"), "after", 0)
    if not 1 <= size <= LARGEST:
        raise invalid(f"limit must be between 1 and {LARGEST}")
    cap = int(call.switch("search_cap"))
    if start + size > cap:
        raise invalid(f"The offset {start} and limit {size} go past the {cap} results that a search gives")
    groups = _groups(call, kind, given.get("filterGroups"))
    query = _query(kind, str(given.get("query") or "").strip().lower())
    lag = float(call.switch("search_lag_seconds"))
    rows = [
        record
        for record in call.portal.indexed(kind, call.now, lag)
        if (not groups or any(all(test(record) for test in group) for group in groups)) and query(record)
    ]
    _sort(call, kind, rows, given.get("sorts"))
    total = len(rows)
    if call.switch("search_total_runs_ahead"):
        live = [record for record in call.portal.objects[kind].values() if not record["archived"]]
        total = sum((not groups or any(all(t(r) for t in g) for g in groups)) and query(r) for r in live)
    cut, following = page(rows, start, size, call.page_fault)
    properties = given.get("properties") or []
    body: Record = {"total": total, "results": [view(call, kind, record, properties) for record in cut]}
    if following is not None:
        body["paging"] = {"next": {"after": str(following), "link": "?after=" + str(following)}}
    return Answer(200, body, records=len(cut))


def _number(given: Any, name: str, default: int) -> int:
    if given is None or given == "":
        return default
    if isinstance(given, bool) or not re.fullmatch(r"\d+", str(given)):
        raise invalid(f"{name} must be a whole number, not {given!r}")
    return int(given)


def _groups(call: HubSpotCall, kind: str, given: Any) -> list[list[Test]]:
    groups = given or []
    if not isinstance(groups, list):
        raise invalid("filterGroups must be a list")
    filters = [(group or {}).get("filters") or [] for group in groups]
    if len(groups) > GROUPS:
        raise invalid(f"A search takes at most {GROUPS} filter groups")
    if any(len(some) > FILTERS for some in filters):
        raise invalid(f"A filter group takes at most {FILTERS} filters")
    if sum(len(some) for some in filters) > ALL_FILTERS:
        raise invalid(f"A search takes at most {ALL_FILTERS} filters")
    return [[_test(call, kind, one) for one in some] for some in filters]


def _test(call: HubSpotCall, kind: str, given: Record) -> Test:
    name, operator = str(given.get("propertyName") or ""), str(given.get("operator") or "")
    if operator not in OPERATORS:
        raise invalid(f"Operator {operator!r} is none of {sorted(OPERATORS)}")
    if name.startswith("associations."):
        return _associated(call, kind, name.removeprefix("associations."), operator, given)
    definition = call.portal.definitions[kind].get(name)
    if definition is None or name in NOT_FILTERABLE:
        raise invalid(f'There was a problem with the request: property "{name}" cannot be filtered')
    type_ = definition["type"]
    if operator == "HAS_PROPERTY":
        return lambda record: bool(record["properties"].get(name))
    if operator == "NOT_HAS_PROPERTY":
        return lambda record: not record["properties"].get(name)
    if operator in ("IN", "NOT_IN"):
        return _among(name, type_, operator == "IN", given.get("values"))
    value = given.get("value")
    if value is None or value == "":
        raise invalid(f"Operator {operator} needs a value")
    if operator.endswith("CONTAINS_TOKEN"):
        wanted = operator == "CONTAINS_TOKEN"
        words = str(value).lower()
        return lambda record: _has_token(record["properties"].get(name), words) == wanted
    if operator == "BETWEEN":
        low, high = _asked(type_, value, name), _asked(type_, given.get("highValue"), name)
        return lambda record: _between(_value(type_, record["properties"].get(name)), low, high)
    return _compared(name, type_, operator, _asked(type_, value, name))


def _among(name: str, type_: str, wanted: bool, values: Any) -> Test:
    if not isinstance(values, list) or not values:
        raise invalid("IN and NOT_IN need values")
    exact = type_ in {"enumeration", "number", "date", "datetime"}
    chosen = {_asked(type_, value, name) if exact else str(value) for value in values}

    def test(record: Record) -> bool:
        value = record["properties"].get(name)
        if value is None:
            return not wanted
        return ((_held(type_, value) if exact else str(value).lower()) in chosen) == wanted

    return test


def _compared(name: str, type_: str, operator: str, asked: Any) -> Test:
    def test(record: Record) -> bool:
        value = _held(type_, record["properties"].get(name))
        if operator == "NEQ":
            return bool(value != asked)
        if value is None:
            return False
        if operator == "EQ":
            return bool(value == asked)
        if operator == "LT":
            return bool(value < asked)
        if operator == "LTE":
            return bool(value <= asked)
        return bool(value > asked) if operator == "GT" else bool(value >= asked)

    return test


def _between(value: Any, low: Any, high: Any) -> bool:
    return value is not None and bool(low <= value <= high)


def _associated(call: HubSpotCall, kind: str, word: str, operator: str, given: Record) -> Test:
    other = type_of(word)
    if other is None:
        raise invalid(f"Unable to infer object type from: {word}")
    wanted = {str(value) for value in (given.get("values") or [given.get("value")])}
    if operator not in ("EQ", "IN", "HAS_PROPERTY"):
        raise invalid(f"Operator {operator} is not for associations")

    def test(record: Record) -> bool:
        found = call.portal.linked((kind, record["id"]), other)
        return bool(found) if operator == "HAS_PROPERTY" else bool(wanted & set(found))

    return test


def _asked(type_: str, value: Any, name: str) -> Any:
    """A filter's value in the form that is compared."""
    try:
        found = _value(type_, value)
    except (ValueError, OverflowError) as error:
        raise invalid(f"{value!r} is no value for {name} of type {type_}") from error
    if found is None:
        raise invalid(f"A filter on {name} needs a value")
    return found


def _value(type_: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if type_ == "number":
        return float(value)
    if type_ in ("datetime", "date"):
        return to_ms(parse(value))
    return str(value) if type_ == "enumeration" else str(value).lower()


def _held(type_: str, value: Any) -> Any:
    """The value of a record; one of another type, as a world may hold it, is none."""
    try:
        return _value(type_, value)
    except (ValueError, OverflowError):
        return None


def _has_token(value: Any, words: str) -> bool:
    if not value:
        return False
    text = str(value).lower()
    tokens = re.findall(r"\w+", text)
    if "*" in words:
        return any(fnmatchcase(token, words) for token in [text, *tokens])
    return all(word in tokens for word in re.findall(r"\w+", words))


def _query(kind: str, words: str) -> Test:
    names = QUERIED.get(kind, ())

    def test(record: Record) -> bool:
        text = " ".join(str(record["properties"].get(name) or "") for name in names).lower()
        return all(word in text for word in words.split())

    return test


def _sort(call: HubSpotCall, kind: str, rows: list[Record], given: Any) -> None:
    """One rule only; without one by creation. Ties are in no promised order, here by id."""
    sorts = given or []
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid("A search takes one sort")
    one = sorts[0] if sorts else created_name(kind)
    name = one.get("propertyName") if isinstance(one, dict) else str(one).removeprefix("-")
    down = one.get("direction") == "DESCENDING" if isinstance(one, dict) else str(one).startswith("-")
    definition = call.portal.definitions[kind].get(str(name))
    if definition is None:
        raise invalid(f'There was a problem with the request: property "{name}" cannot be sorted by')
    type_ = definition["type"]
    rows.sort(key=lambda record: (len(record["id"]), record["id"]))

    def value(record: Record) -> tuple[bool, Any]:
        found = _value(type_, record["properties"].get(str(name)))
        return (found is None) != down, 0 if found is None else found

    try:
        rows.sort(key=value, reverse=down)
    except TypeError:
        rows.sort(key=lambda record: str(record["properties"].get(str(name)) or ""), reverse=down)
