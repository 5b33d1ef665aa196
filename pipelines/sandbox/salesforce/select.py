"""Runs a query: what its names mean, which rows its condition takes, how they come out.

Strings compare without regard to case, but for case-sensitive fields; null is less than nothing and more than nothing;
nulls come first. What may be filtered with what:
https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_fieldexpression.htm
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pipelines.sandbox.clock import time_zone
from pipelines.sandbox.salesforce.fields import NUMBERS, SCHEMA, Field
from pipelines.sandbox.salesforce.gate import Denied, SalesforceCall
from pipelines.sandbox.salesforce.ids import kind_of, normal
from pipelines.sandbox.salesforce.soql import Aggregate, Comparison, Condition, Literal, Select, Typeof

Record = dict[str, Any]
Getter = Callable[[Record], Any]
Test = Callable[[Record], bool]
NAME_FIELDS = {
    "Id": "id",
    "Name": "string",
    "FirstName": "string",
    "LastName": "string",
    "Email": "email",
    "Title": "string",
    "Phone": "phone",
    "Type": "picklist",
    "Username": "string",
    "Alias": "string",
    "IsActive": "boolean",
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ADVICE = (
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


class Plan:
    """A query against what one user sees. Denied where a name means nothing or a value does not fit its field."""

    def __init__(self, call: SalesforceCall, query: Select) -> None:
        self.call = call
        self.query = query
        found = next((name for name in SCHEMA if name.lower() == query.object.lower()), None)
        if found is None:
            message = f"sObject type '{query.object}' is not supported. If you are attempting to use a custom object, "
            raise Denied("INVALID_TYPE", message + "be sure to append the '__c' after the entity name.")
        self.object = found
        self.paths = [self.named(path) for path in query.paths]
        self.typeofs = [self._typeof(one) for one in query.typeofs]
        self.test: Test = self._condition(query.where) if query.where else lambda row: True
        self.order = [(*self._sortable(path), descending, last) for path, descending, last in query.order]
        self.aggregates = [(one, self.named(one.path) if one.path else []) for one in query.aggregates]

    def rows(self, everything: bool) -> list[Record]:
        """The rows, sorted and cut."""
        found = [row for row in self.call.org.rows(self.object, self.call.now, everything) if self.test(row)]
        for getter, folded, descending, last in reversed(self.order):
            empty = [row for row in found if getter(row) is None]
            full = [row for row in found if getter(row) is not None]
            full.sort(key=lambda row: getter(row).casefold() if folded else getter(row), reverse=descending)
            found = full + empty if last else empty + full
        start, limit = self.query.offset, self.query.limit
        return found[start:] if limit is None else found[start : start + limit]

    def shown(self, row: Record) -> Record:
        """A row as the answer has it: the selected fields, in order, relationships nested."""
        found: Record = {"attributes": self._attributes(self.object, row)}
        for path in self.paths:
            self._put(found, row, self.object, path)
        for one in self.typeofs:
            found[one.relationship] = self._shown_typeof(row, one)
        return found

    def flat(self, row: Record) -> dict[str, Any]:
        """A row as Bulk's CSV has it: one column a path."""
        return {".".join(path): self.getter(path)[0](row) for path in self.paths}

    def counted(self, rows: list[Record]) -> Record:
        """The one row of a query that counts."""
        found: Record = {"attributes": {"type": "AggregateResult"}}
        for one, path in self.aggregates:
            getter = self.getter(path)[0] if path else None
            values = [row if getter is None else getter(row) for row in rows]
            found[one.alias] = _aggregated(one, [value for value in values if value is not None])
        return found

    # names

    def named(self, path: str) -> list[str]:
        """The parts of a path as they are spelt."""
        *heads, last = path.split(".")
        name, parts = self.object, list[str]()
        for head in heads:
            one = self._related(name, head)
            parts.append(one.relationship)
            name = "Name" if len(one.refers) > 1 or one.relationship in ("Who", "What") else one.refers[0]
        return [*parts, self._field(name, last).name]

    def _related(self, name: str, head: str) -> Field:
        if name != "Name":
            for one in self.call.fields(name).values():
                if one.relationship.lower() == head.lower():
                    return one
        message = f"Didn't understand relationship '{head}' in field path. If you are attempting to use a custom "
        raise self._invalid(message + "relationship, be sure to append the '__r' after the custom relationship name.")

    def _field(self, name: str, last: str) -> Field:
        if name == "Name":
            found = next((key for key in NAME_FIELDS if key.lower() == last.lower()), None)
            if found:
                return Field(found, NAME_FIELDS[found], 0, "N")
        else:
            for key, one in self.call.fields(name).items():
                if key.lower() == last.lower():
                    return one
            if name == "User" and last.lower() == "type":
                return Field("Type", "picklist", 0, "N")
        raise self._invalid(f"No such column '{last}' on entity '{name}'. {ADVICE}")

    def _invalid(self, message: str) -> Denied:
        return Denied("INVALID_FIELD", f"\n{self.query.text}\n^\nERROR at Row:1:Column:1\n{message}")

    def getter(self, path: list[str]) -> tuple[Getter, Field]:
        """How a path's value is had from a row, and the field at its end."""
        *heads, last = path
        if not heads:
            own = self.call.fields(self.object)[last]
            return (lambda row: row.get(last) or False) if own.type == "boolean" else (lambda row: row.get(last)), own
        keys, name = [], self.object
        for head in heads:
            one = self._related(name, head)
            keys.append(one.name)
            name = "Name" if len(one.refers) > 1 or one.relationship in ("Who", "What") else one.refers[0]
        field = self._field(name, last)
        nameless = name == "Name"

        def get(row: Record) -> Any:
            found: Record | None = row
            for key in keys:
                found = self.call.org.find((found or {}).get(key) or "")
            return None if found is None else _of_name(found, last) if nameless else _of_user(found, last)

        return get, field

    def _sortable(self, path: str) -> tuple[Getter, bool]:
        getter, field = self.getter(self.named(path))
        if field.unfilterable:
            raise self._invalid(f"field '{field.name}' can not be sorted in a query call")
        return getter, field.type not in (*NUMBERS, "boolean", "date", "datetime", "id", "reference")

    # output

    def _attributes(self, name: str, row: Record) -> Record:
        kind = kind_of(row["Id"]) or self.object
        return {"type": name, "url": f"{self.call.base}/sobjects/{kind}/{row['Id']}"}

    def _put(self, found: Record, row: Record, name: str, path: list[str]) -> None:
        if len(path) == 1:
            found[path[0]] = _of_user(row, path[0]) if name != "Name" else _of_name(row, path[0])
            return
        one = self._related(name, path[0])
        target = self.call.org.find(row.get(one.name) or "")
        if target is None:
            found[path[0]] = None
            return
        below = "Name" if len(one.refers) > 1 or one.relationship in ("Who", "What") else one.refers[0]
        if found.get(path[0]) is None:
            found[path[0]] = {"attributes": self._attributes(below, target)}
        self._put(found[path[0]], target, below, path[1:])

    def _typeof(self, one: Typeof) -> Typeof:
        relation = self._related(self.object, one.relationship)
        if len(relation.refers) < 2:
            raise self._invalid(f"TYPEOF needs a polymorphic relationship, and '{one.relationship}' is none")
        branches = []
        for kind, names in one.branches:
            found = next((name for name in relation.refers if name.lower() == kind.lower()), None)
            if found is None:
                raise self._invalid(f"'{kind}' is none of the types of '{relation.relationship}'")
            branches.append((found, tuple(self._field(found, name).name for name in names)))
        otherwise = tuple(self._field("Name", name).name for name in one.otherwise)
        return Typeof(relation.relationship, tuple(branches), otherwise)

    def _shown_typeof(self, row: Record, one: Typeof) -> Record | None:
        target = self.call.org.find(row.get(self._related(self.object, one.relationship).name) or "")
        if target is None:
            return None
        kind = kind_of(target["Id"])
        names = next((names for name, names in one.branches if name == kind), None)
        shown = {"attributes": self._attributes(kind, target)}
        if names is None:
            return shown | {name: _of_name(target, name) for name in one.otherwise}
        return shown | {name: target.get(name) for name in names}

    # conditions

    def _condition(self, one: Condition) -> Test:
        if isinstance(one, Comparison):
            return self._comparison(one)
        tests = [self._condition(part) for part in one.parts]
        if one.operator == "AND":
            return lambda row: all(test(row) for test in tests)
        if one.operator == "OR":
            return lambda row: any(test(row) for test in tests)
        return lambda row: not tests[0](row)

    def _comparison(self, one: Comparison) -> Test:
        getter, field = self.getter(self.named(one.path))
        if field.unfilterable:
            raise self._invalid(f"field '{field.name}' can not be filtered in a query call")
        kind = one.operator
        if kind == "LIKE":
            return self._like(getter, field, one.values[0])
        ranges = [self._range(field, value) for value in one.values]
        if kind in ("IN", "NOT IN", "=", "!="):
            points = {low for low, high in ranges if high is None}
            spans = [(low, high) for low, high in ranges if high is not None]
            fold = _folder(field)

            def among(row: Record) -> bool:
                value = getter(row)
                value = fold(value) if value is not None else None
                return value in points or (value is not None and any(low <= value < high for low, high in spans))

            return among if kind in ("IN", "=") else lambda row: not among(row)
        if field.type == "boolean":  # ids can be compared: PK chunking stands on it
            raise Denied(
                "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field {field.name}: {kind}"
            )
        (low, high) = ranges[0]
        if low is None:
            raise Denied("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on null value: {kind}")
        edge = high if high is not None and kind in (">", "<=") else low
        compare = COMPARE[{">": ">=", "<=": "<"}.get(kind, kind)] if high is not None else COMPARE[kind]
        fold = _folder(field)

        def beyond(row: Record) -> bool:
            value = getter(row)
            return value is not None and compare(fold(value), edge)

        return beyond

    def _like(self, getter: Getter, field: Field, literal: Literal) -> Test:
        if literal.kind != "string" or field.type in (*NUMBERS, "boolean", "date", "datetime", "id", "reference"):
            raise Denied("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field {field.name}: LIKE")
        pieces = re.findall(r"\\.|%|_|[^\\%_]+", literal.text)
        wild = {"%": ".*", "_": "."}
        text = "".join(wild.get(piece, re.escape(piece[1:] if piece[0] == "\\" else piece)) for piece in pieces)
        pattern = re.compile(text, re.IGNORECASE | re.DOTALL)
        return lambda row: isinstance(getter(row), str) and pattern.fullmatch(getter(row)) is not None

    def _range(self, field: Field, literal: Literal) -> tuple[Any, Any]:
        """The value as rows have it, or a span's beginning and end."""
        if literal.kind == "null":
            return None, None
        if field.type in ("date", "datetime"):
            return self._span(field, literal)
        if field.type == "boolean":
            self._fits(field, literal, "boolean", "boolean", quoted=False)
            return literal.text == "TRUE", None
        if field.type in NUMBERS:
            self._fits(field, literal, "number", {"int": "int"}.get(field.type, field.type), quoted=False)
            return float(literal.text), None
        self._fits(field, literal, "string", "string", quoted=True)
        if field.type in ("id", "reference"):
            found = normal(literal.text)
            if not found:
                raise Denied("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.text}")
            return found, None
        return _folder(field)(literal.text), None

    def _fits(self, field: Field, literal: Literal, kind: str, type_: str, *, quoted: bool) -> None:
        if literal.kind != kind:
            should = "should be enclosed in quotes" if quoted else "should not be enclosed in quotes"
            raise self._invalid(
                f"value of filter criterion for field '{field.name}' must be of type {type_} and {should}"
            )

    def _span(self, field: Field, literal: Literal) -> tuple[Any, Any]:
        if literal.kind == "relative":
            zone = time_zone(str(self.call.org.record["time_zone"]))
            low, high = relative(literal.text, self.call.now.astimezone(zone).date())
            if field.type == "date":
                return low.isoformat(), high.isoformat()
            return _stamp(datetime.combine(low, time(), zone)), _stamp(datetime.combine(high, time(), zone))
        type_ = "dateTime" if field.type == "datetime" else "date"
        self._fits(field, literal, field.type, type_, quoted=False)
        try:
            if field.type == "date":
                return date.fromisoformat(literal.text).isoformat(), None
            return _stamp(datetime.fromisoformat(literal.text)), None
        except (ValueError, OverflowError) as error:
            raise Denied("MALFORMED_QUERY", f"Invalid {type_}: {literal.text}") from error


def relative(text: str, today: date) -> tuple[date, date]:
    """The days of a relative date: the first, and the one after the last. Weeks begin on Sunday. Denied: too far."""
    name, _, number = text.partition(":")
    count = int(number or 90 if name.endswith("90_DAYS") else number or 0)
    try:
        if name in ("TODAY", "YESTERDAY", "TOMORROW"):
            day = today + timedelta(days={"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}[name])
            return day, day + timedelta(days=1)
        if name in ("LAST_N_DAYS", "LAST_90_DAYS"):
            return today - timedelta(days=count), today + timedelta(days=1)
        if name in ("NEXT_N_DAYS", "NEXT_90_DAYS"):
            return today + timedelta(days=1), today + timedelta(days=count + 1)
        if name == "N_DAYS_AGO":
            return today - timedelta(days=count), today - timedelta(days=count - 1)
        which, _, unit = name.partition("_")
        step = {"LAST": -1, "THIS": 0, "NEXT": 1}[which]
        if unit == "WEEK":
            start = today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=step)
            return start, start + timedelta(weeks=1)
        if unit == "YEAR":
            return date(today.year + step, 1, 1), date(today.year + step + 1, 1, 1)
        months = today.year * 12 + today.month - 1 + step
        return date(months // 12, months % 12 + 1, 1), date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    except OverflowError as error:
        raise Denied("MALFORMED_QUERY", f"{text} is beyond the calendar") from error


def _stamp(moment: datetime) -> str:
    """An instant as rows have it, to the millisecond, so that they compare as text."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def _folder(field: Field) -> Callable[[Any], Any]:
    if field.type in NUMBERS:
        return float
    if field.type in ("boolean", "date", "datetime", "id", "reference") or field.case_sensitive:
        return lambda value: value
    return lambda value: str(value).casefold()


def _of_user(row: Record, name: str) -> Any:
    """A field of a row; a flag that is missing is false, and a user's type is User."""
    kind = kind_of(row["Id"])
    if name == "Type" and kind == "User":
        return "User"
    value = row.get(name)
    field = SCHEMA.get(kind, {}).get(name)
    return False if value is None and field is not None and field.type == "boolean" else value


def _of_name(row: Record, name: str) -> Any:
    """A field of whom or what an activity is with: its type is the object, its address is not told."""
    if name == "Type":
        return kind_of(row["Id"])
    return None if name == "Email" else row.get(name)


def _aggregated(one: Aggregate, values: list[Any]) -> Any:
    if one.function == "COUNT":
        return len(values)
    if one.function == "COUNT_DISTINCT":
        return len(set(values))
    if not values:
        return None
    if one.function in ("MIN", "MAX"):
        return min(values) if one.function == "MIN" else max(values)
    if not all(isinstance(value, int | float) for value in values):
        raise Denied("INVALID_FIELD", f"field {one.path} does not support aggregate operator {one.function}")
    return sum(values) / (len(values) if one.function == "AVG" else 1)
