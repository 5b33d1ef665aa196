"""Reads SOQL: SELECT … FROM … WHERE … ORDER BY … LIMIT … OFFSET, as far as a program that syncs needs it.

Sub-queries, GROUP BY, HAVING and FIELDS() are refused, and the message says so. As at Salesforce AND and OR do not mix
without brackets: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql.htm
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pipelines.sandbox.salesforce.gate import Denied

TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:\\.|[^'\\])*')
  | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:[zZ]|[+-]\d\d:\d\d))
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<number>[+-]?\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\d+)?)
  | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
RELATIVE = re.compile(
    r"(TODAY|YESTERDAY|TOMORROW|LAST_90_DAYS|NEXT_90_DAYS"
    r"|(LAST|THIS|NEXT)_(WEEK|MONTH|YEAR)|(LAST_N_DAYS|NEXT_N_DAYS|N_DAYS_AGO):\d+)"
)
AGGREGATES = ("COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX")
DEEPEST_OFFSET = 2000


@dataclass(frozen=True)
class Literal:
    """A value in a condition: string, number, date, datetime, boolean, null or relative (`LAST_N_DAYS:7`)."""

    kind: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """`path operator value`; IN and NOT IN have several values."""

    path: str
    operator: str
    values: tuple[Literal, ...]
    at: int = 0


@dataclass(frozen=True)
class Junction:
    """AND, OR, or NOT with one part."""

    operator: str
    parts: tuple[Condition, ...]


Condition = Comparison | Junction


@dataclass(frozen=True)
class Typeof:
    """`TYPEOF Who WHEN Contact THEN Email ELSE Name END`."""

    relationship: str
    branches: tuple[tuple[str, tuple[str, ...]], ...]
    otherwise: tuple[str, ...]


@dataclass(frozen=True)
class Aggregate:
    """`COUNT(Id) total`; without a path it is `COUNT()`."""

    function: str
    path: str
    alias: str


@dataclass
class Select:
    """A query. `order` has path, whether it descends, whether nulls come last."""

    text: str
    paths: list[str] = field(default_factory=list)
    typeofs: list[Typeof] = field(default_factory=list)
    aggregates: list[Aggregate] = field(default_factory=list)
    object: str = ""
    where: Condition | None = None
    order: list[tuple[str, bool, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0


def read(text: str) -> Select:
    """Read a query. Denied, MALFORMED_QUERY, where it is none."""
    return _Reader(text).select()


def read_condition(text: str) -> Condition:
    """Read what may stand behind WHERE."""
    reader = _Reader(text)
    found = reader.condition()
    reader.end()
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            match = TOKEN.match(text, at)
            if match is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise self.malformed(f"unexpected token: '{text[at]}'", at)
            kind = str(match.lastgroup)
            self.tokens.append((kind, match.group(kind), match.start(kind)))
            at = match.end()
        self.at = 0

    def malformed(self, message: str, at: int | None = None) -> Denied:
        if at is None:
            at = self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)
        return Denied("MALFORMED_QUERY", f"\n{self.text}\n{'^':>{at + 1}}\nERROR at Row:1:Column:{at + 1}\n{message}")

    def unexpected(self) -> Denied:
        if self.at >= len(self.tokens):
            return self.malformed("unexpected token: '<EOF>'")
        return self.malformed(f"unexpected token: '{self.tokens[self.at][1]}'")

    def peek(self, *words: str) -> bool:
        """Whether these words come next, in any case."""
        ahead = self.tokens[self.at : self.at + len(words)]
        return [text.upper() for kind, text, _ in ahead if kind in ("name", "sign")] == list(words)

    def skip(self, *words: str) -> bool:
        if self.peek(*words):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        if not self.skip(*words):
            raise self.unexpected()

    def take(self, *kinds: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] not in kinds:
            raise self.unexpected()
        self.at += 1
        return self.tokens[self.at - 1][1]

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise self.unexpected()

    def select(self) -> Select:
        found = Select(self.text)
        self.expect("SELECT")
        self.item(found)
        while self.skip(","):
            self.item(found)
        self.expect("FROM")
        found.object = self.take("name")
        alias = ""
        self.skip("AS")
        if not any(
            self.peek(word) for word in ("WHERE", "ORDER", "LIMIT", "OFFSET", "GROUP", "USING", "WITH", "FOR", "ALL")
        ):
            alias = self.take("name") if self.at < len(self.tokens) else ""
        if self.skip("WHERE"):
            found.where = self.condition()
        for words in (("GROUP", "BY"), ("HAVING",), ("USING",), ("WITH",)):
            if self.peek(*words):
                raise self.malformed(f"this sandbox knows no {' '.join(words)}")
        if self.skip("ORDER", "BY"):
            found.order.append(self.sort())
            while self.skip(","):
                found.order.append(self.sort())
        if self.skip("LIMIT"):
            found.limit = self.whole()
        if self.skip("OFFSET"):
            found.offset = self.whole()
            if found.offset > DEEPEST_OFFSET:
                raise Denied("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {DEEPEST_OFFSET}")
        if self.peek("ALL", "ROWS"):
            raise self.malformed("ALL ROWS not allowed in this context")
        self.end()
        if found.aggregates and (found.paths or found.typeofs):
            raise self.malformed("Field must be grouped or aggregated: " + (found.paths + ["TYPEOF"])[0], 0)
        if found.aggregates and found.order:
            raise self.malformed("ORDER BY needs rows: a count is one number", 0)
        _unalias(found, {alias.lower(), found.object.lower()} - {""})
        twice = next((path for path in found.paths if [p.lower() for p in found.paths].count(path.lower()) > 1), None)
        if twice:
            raise self.malformed(f"duplicate field selected: {twice}", 0)
        return found

    def item(self, found: Select) -> None:
        if self.peek("("):
            raise self.malformed("this sandbox knows no sub-queries")
        if self.skip("TYPEOF"):
            found.typeofs.append(self.typeof())
            return
        name = self.take("name")
        if not self.skip("("):
            found.paths.append(name)
            return
        if name.upper() not in AGGREGATES:
            self.at -= 1
            raise self.malformed(f"this sandbox knows no {name.upper()}()")
        path = "" if self.peek(")") else self.take("name")
        if not path and name.upper() != "COUNT":
            raise self.unexpected()
        self.expect(")")
        alias = self.take("name") if not (self.peek(",") or self.peek("FROM")) else f"expr{len(found.aggregates)}"
        found.aggregates.append(Aggregate(name.upper(), path, alias))

    def typeof(self) -> Typeof:
        relationship = self.take("name")
        branches: list[tuple[str, tuple[str, ...]]] = []
        otherwise: tuple[str, ...] = ()
        while self.skip("WHEN"):
            kind = self.take("name")
            self.expect("THEN")
            branches.append((kind, self.names()))
        if not branches:
            raise self.unexpected()
        if self.skip("ELSE"):
            otherwise = self.names()
        self.expect("END")
        return Typeof(relationship, tuple(branches), otherwise)

    def names(self) -> tuple[str, ...]:
        found = [self.take("name")]
        while self.skip(","):
            found.append(self.take("name"))
        return tuple(found)

    def condition(self) -> Condition:
        parts = [self.part()]
        for operator in ("AND", "OR"):
            if self.peek(operator):
                while self.skip(operator):
                    parts.append(self.part())
                return Junction(operator, tuple(parts))
        return parts[0]

    def part(self) -> Condition:
        if self.skip("NOT"):
            return Junction("NOT", (self.part(),))
        if self.skip("("):
            found = self.condition()
            self.expect(")")
            return found
        at = self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)
        path = self.take("name")
        if self.skip("NOT", "IN"):
            return Comparison(path, "NOT IN", self.several(), at)
        if self.skip("IN"):
            return Comparison(path, "IN", self.several(), at)
        if self.skip("LIKE"):
            return Comparison(path, "LIKE", (self.literal(),), at)
        operator = self.take("sign")
        if operator not in ("=", "!=", "<>", "<", "<=", ">", ">="):
            self.at -= 1
            raise self.unexpected()
        return Comparison(path, "!=" if operator == "<>" else operator, (self.literal(),), at)

    def several(self) -> tuple[Literal, ...]:
        self.expect("(")
        if self.peek("SELECT"):
            raise self.malformed("this sandbox knows no sub-queries")
        found = [self.literal()]
        while self.skip(","):
            found.append(self.literal())
        self.expect(")")
        return tuple(found)

    def literal(self) -> Literal:
        if self.at >= len(self.tokens):
            raise self.unexpected()
        kind, text, _ = self.tokens[self.at]
        if kind == "string":
            self.at += 1
            return Literal(
                "string", re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[0] if m[1] in "%_" else m[1]), text[1:-1])
            )
        if kind in ("datetime", "date", "number"):
            self.at += 1
            return Literal(kind, text)
        word = text.upper()
        if kind == "name" and (word in ("TRUE", "FALSE", "NULL") or RELATIVE.fullmatch(word)):
            self.at += 1
            return Literal({"NULL": "null", "TRUE": "boolean", "FALSE": "boolean"}.get(word, "relative"), word)
        raise self.unexpected()

    def sort(self) -> tuple[str, bool, bool]:
        path = self.take("name")
        descending = self.skip("DESC")
        if not descending:
            self.skip("ASC")
        last = False
        if self.skip("NULLS"):
            last = self.skip("LAST")
            if not last:
                self.expect("FIRST")
        return path, descending, last

    def whole(self) -> int:
        text = self.take("number")
        if not text.isdecimal():
            self.at -= 1
            raise self.unexpected()
        return int(text)


def _unalias(found: Select, names: set[str]) -> None:
    """Take the object's own name or alias off the paths that begin with it."""

    def bare(path: str) -> str:
        head, dot, rest = path.partition(".")
        return rest if dot and head.lower() in names else path

    def walked(one: Condition) -> Condition:
        if isinstance(one, Comparison):
            return Comparison(bare(one.path), one.operator, one.values, one.at)
        return Junction(one.operator, tuple(walked(part) for part in one.parts))

    found.paths = [bare(path) for path in found.paths]
    found.order = [(bare(path), descending, last) for path, descending, last in found.order]
    found.where = walked(found.where) if found.where else None
    found.aggregates = [Aggregate(one.function, bare(one.path), one.alias) for one in found.aggregates]
