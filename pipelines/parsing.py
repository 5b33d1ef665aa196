"""Reads SQL with DuckDB's own parser: the header of a file, and what a query reads and names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import duckdb
import orjson

from pipelines.errors import ModelError

FORMAT = f"2 {duckdb.__version__}"
"""What a file of facts was made by: another parser may read a query otherwise."""
FIELD = re.compile(r"([a-z ]+):\s*(.*)\Z")


@dataclass(frozen=True)
class Facts:
    """What a query reads and names.

    Attributes:
        named: table that it selects from (its own parts left out) to every word that could be a column of it.
        starred: the tables of which some `*` takes all columns.
    """

    named: Mapping[str, frozenset[str]]
    starred: frozenset[str]

    @property
    def tables(self) -> frozenset[str]:
        """What it selects from, but for its own parts."""
        return frozenset(self.named)


class Memory:
    """The facts of queries that were read, by the hash of their text; a file keeps them for the processes that follow.

    Reading some two hundred queries takes longer than most of what a command is asked.
    """

    def __init__(self) -> None:
        self._known: dict[str, Facts] = {}
        self._asked: set[str] = set()
        self._is_news = False

    def facts(self, db: duckdb.DuckDBPyConnection, sql: str, path: Path) -> Facts:
        """Return the facts of a query.

        Raises:
            ModelError: it does not parse; names the file.
        """
        key = blake2b(sql.encode(), digest_size=12).hexdigest()
        if key not in self._known:
            nodes = nodes_of(parsed(db, sql, path))
            tables = tables_in(nodes) - ctes_in(nodes)
            named, starred = named_in(nodes)
            self._known[key] = Facts({name: frozenset(named.get(name, ())) for name in tables}, starred & tables)
            self._is_news = True
        self._asked.add(key)
        return self._known[key]

    def recall(self, file: Path) -> None:
        """Take what an earlier process kept, unless this one has read queries itself; a damaged file is as none."""
        if not self._known:
            with suppress(OSError, ValueError, TypeError, KeyError):
                told = orjson.loads(file.read_bytes())
                if told["format"] == FORMAT:
                    self._known = {
                        key: Facts({name: frozenset(words) for name, words in named.items()}, frozenset(starred))
                        for key, (named, starred) in told["facts"].items()
                    }

    def keep(self, file: Path) -> None:
        """Write what this process asked for, if it had to read any of it; where nothing can be written, do without."""
        if not self._is_news:
            return
        self._is_news = False
        listed = {}
        for key in sorted(self._asked):
            facts = self._known[key]
            listed[key] = {name: sorted(words) for name, words in sorted(facts.named.items())}, sorted(facts.starred)
        with suppress(OSError):
            file.parent.mkdir(exist_ok=True)
            fresh = file.with_name(file.name + ".new")
            fresh.write_bytes(orjson.dumps({"format": FORMAT, "facts": listed}))
            fresh.replace(file)


def parsed(db: duckdb.DuckDBPyConnection, sql: str, path: Path) -> dict[str, Any]:
    """Return the syntax tree of a query.

    Raises:
        ModelError: it does not parse; names the file.
    """
    tree: dict[str, Any] = orjson.loads(db.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if tree.get("error"):
        raise ModelError(f"{path} does not parse: {tree.get('error_message')} (at character {tree.get('position')}).")
    return tree


def header_of(sql: str) -> tuple[str, dict[str, str]]:
    """Return the question that a file begins with, and word to text of what follows it."""
    question: list[str] = []
    header: dict[str, str] = {}
    word = ""
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        text = line.removeprefix("--").strip()
        named = FIELD.fullmatch(text)
        if named:
            word = named[1].strip()
            header[word] = named[2].strip()
        elif word:
            header[word] += " " + text
        else:
            question.append(text)
    return " ".join(question), header


def nodes_of(tree: Any) -> list[dict[str, Any]]:
    """Return every object in a tree."""
    found: list[dict[str, Any]] = []
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            found.append(one)
            waiting += [value for value in one.values() if type(value) in (dict, list)]
        else:
            waiting += [value for value in one if type(value) in (dict, list)]
    return found


def named_in(nodes: Iterable[dict[str, Any]]) -> tuple[dict[str, set[str]], frozenset[str]]:
    """Return table to every word that could be a column of it, and the tables of which all columns are taken.

    A column stands in the selection that names its table, or in one inside that. Where a column might be meant, or
    another table's of the same name, it is.
    """
    named: dict[str, set[str]] = {}
    starred: set[str] = set()
    for node in nodes:
        if node.get("type") != "SELECT_NODE":
            continue
        inside = nodes_of({key: value for key, value in node.items() if key != "cte_map"})
        stars = {str(one["relation_name"]) for one in inside if one.get("class") == "STAR"}
        words = [word for one in inside for word in _columns_of(one)]
        for table, alias in _sources(node["from_table"]):
            mine = named.setdefault(table, set())
            mine.update(first for first, _ in words)
            mine.update(second for first, second in words if first == (alias or table).lower())
            if "" in stars or (alias or table) in stars or ((alias or table).lower(), "") in words:
                starred.add(table)
    return named, frozenset(starred)


def _columns_of(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the columns that a node names, each with what it is of, or as a word alone."""
    for word in node.get("using_columns") or ():
        yield str(word).lower(), "="
    if words := node.get("column_names"):
        yield str(words[0]).lower(), str(words[1]).lower() if len(words) > 1 else ""


def _sources(table: Any) -> Iterator[tuple[str, str]]:
    if table.get("type") == "BASE_TABLE":
        yield str(table["table_name"]), str(table["alias"])
    elif table.get("type") == "JOIN":
        yield from _sources(table["left"])
        yield from _sources(table["right"])


def tables_in(nodes: Iterable[dict[str, Any]]) -> set[str]:
    """Return every name that a query selects from."""
    return {str(node["table_name"]) for node in nodes if node.get("type") == "BASE_TABLE"}


def ctes_in(nodes: Iterable[dict[str, Any]]) -> set[str]:
    """Return the names that a query gives to its own parts."""
    maps = (node["cte_map"]["map"] for node in nodes if isinstance(node.get("cte_map"), dict))
    return {str(entry["key"]) for entries in maps for entry in entries}
