"""Reads `sql/`: one file is one model. What it says of itself stands in its header, what it needs in its SQL.

The header is the comment at the top of the file:

    -- How much of the webinars they came to does each contact stay for?
    -- grain: one row per contact_id
    -- units: attended_us is microseconds
    -- rule:  HZ-21, the mean over occurrences attended

Its first lines are the question. Dependencies are read from the SQL by DuckDB's own parser: `raw_<source>__<stream>`
is a stream of the log, every other table is a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b
from pathlib import Path
from typing import Any

import duckdb
import orjson

from pipelines import duck
from pipelines.errors import ModelError

SQL_ROOT = Path(__file__).resolve().parent.parent / "sql"
LAYERS = ("staging", "intermediate", "marts", "segments", "sync", "audits")
READS = {
    "staging": {"raw"},
    "intermediate": {"staging", "intermediate"},
    "marts": {"intermediate", "marts"},
    "segments": {"marts", "segments"},
    "sync": {"intermediate", "marts", "segments", "sync"},
    "audits": {"staging", "intermediate", "marts", "segments", "sync"},
}
"""What each layer may read; sync models read some intermediate ones for candidates that never became rows."""
PREFIX = {"staging": "stg_", "intermediate": "int_", "segments": "segment_", "sync": "sync_", "audits": "assert_"}
RAW = re.compile(r"raw_([a-z0-9_]+?)__([a-z0-9_]+)\Z")
FIELD = re.compile(r"([a-z ]+):\s*(.*)\Z")
NARROWED = re.compile(r"(\w+) by (.+?)(?: of (\w+))?")
CAME, GONE, CHANGED = "__came", "__gone", "__changed"
BEFORE = "__before"


APPENDED = "appended"
"""`-- incremental: appended`: each row comes of one row of what the model reads, and stays."""


@dataclass(frozen=True)
class Narrowing:
    """Which rows of an input a build by changed key needs: those whose `columns` match `matching` of another relation.

    Attributes:
        of: an input narrowed before this one; "" for the touched keys themselves.
    """

    name: str
    columns: tuple[str, ...]
    matching: tuple[str, ...]
    of: str = ""


@dataclass(frozen=True)
class Increment:
    """How a model is built by changed key (EV-02).

    `sql/touched/<model>.sql` gives the keys whose rows may differ now, over `<input>__came` and
    `<input>__gone` (the rows that an input has more and fewer in this build; `__changed` is both), the inputs as they
    are now, and `<model>__before`. A row with a null key says that
    nobody can tell: the model is built whole, as it is when an input changed that the file does not watch.

    Attributes:
        key: columns of the model; all rows of a touched key are computed again.
        merged: columns of which the greatest is kept, instead of computing the key again from all events; the file
            then gives the rows of the input `of` to be taken in.
        watches: the inputs whose changes the file looks at.
    """

    key: tuple[str, ...]
    sql: str = ""
    narrowed: tuple[Narrowing, ...] = ()
    merged: tuple[str, ...] = ()
    of: str = ""
    watches: frozenset[str] = frozenset()

    @property
    def is_appended(self) -> bool:
        """Whether changed rows of the input simply give further rows."""
        return self.key == (APPENDED,)


@dataclass(frozen=True)
class Model:
    """One file of `sql/`.

    Attributes:
        header: what the header says, by word: `grain`, `units`, `rule`, and for some layers more.
        reads: names of the models it reads. raws: the (source, stream) pairs it reads.
        named: the column names that its SQL speaks of. starred: the tables of which it takes every column.
        uses_as_of: whether its rows depend on the moment they are asked for.
    """

    name: str
    layer: str
    path: Path
    sql: str
    question: str
    header: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    raws: tuple[tuple[str, str], ...] = ()
    increment: Increment | None = None
    named: frozenset[str] = frozenset()
    starred: frozenset[str] = frozenset()

    @property
    def uses_as_of(self) -> bool:
        """Whether the SQL asks for `getvariable('as_of')`."""
        return "getvariable('as_of')" in self.sql

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the SQL without comments: a better header builds nothing again."""
        code = "\n".join(line for line in self.sql.splitlines() if not line.strip().startswith("--"))
        key = ",".join(self.increment.key) if self.increment else ""
        return blake2b(f"{key}|{code}".encode(), digest_size=8).hexdigest()


def load(root: Path = SQL_ROOT) -> dict[str, Model]:
    """Return name to model of every file below `root`, each after all that it reads.

    Raises:
        ModelError: a file has no header, does not parse, reads what is not there or not below it, or a circle.
    """
    files = [path for part in (*LAYERS, "touched") for path in sorted((root / part).glob("*.sql"))]
    return dict(_load(root, tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files)))


@lru_cache(maxsize=4)
def _load(root: Path, files: tuple[tuple[Path, int, int], ...]) -> dict[str, Model]:
    """Read the models once, as long as no file changes."""
    found: dict[str, Model] = {}
    with duck.look() as db:
        for layer in LAYERS:
            for path in (path for path, *_ in files if path.parent.name == layer):
                model = _read(db, layer, path)
                if model.name in found:
                    raise ModelError(f"{path}: {found[model.name].path} is the same model. Rename one of them.")
                found[model.name] = model
    for model in found.values():
        for name in model.reads:
            if name not in found:
                raise ModelError(f"{model.path} reads {name}, and there is no such model in {root}.")
            if found[name].layer not in READS[model.layer]:
                raise ModelError(f"{model.path} reads {name}: {model.layer} may not read {found[name].layer}.")
        if model.raws and "raw" not in READS[model.layer]:
            raise ModelError(f"{model.path} reads the log: only staging may. Read its staging model.")
    try:
        order = list(TopologicalSorter({model.name: model.reads for model in found.values()}).static_order())
    except CycleError as error:
        raise ModelError(f"models read each other in a circle: {' -> '.join(error.args[1])}.") from None
    return {name: found[name] for name in order}


def _read(db: duckdb.DuckDBPyConnection, layer: str, path: Path) -> Model:
    sql = path.read_text(encoding="utf-8")
    question, header = _header(sql)
    if not question or not header.get("grain"):
        raise ModelError(f"{path} needs a header: a question, then `-- grain: one row per …`.")
    if not path.stem.startswith(PREFIX.get(layer, "")):
        raise ModelError(f"{path}: a model in {layer} is named {PREFIX[layer]}….")
    nodes = _nodes(_parsed(db, sql, path))
    tables = _tables(nodes) - _ctes(nodes)
    raws = sorted(match.groups() for name in tables if (match := RAW.fullmatch(name)))
    reads = sorted(name for name in tables if not RAW.fullmatch(name))
    pairs = tuple((source, stream) for source, stream in raws)
    increment = _increment(db, header["incremental"], path, reads) if "incremental" in header else None
    return Model(
        path.stem, layer, path, sql, question, header, tuple(reads), pairs, increment, _named(nodes), _starred(nodes)
    )


def _increment(db: duckdb.DuckDBPyConnection, key: str, model: Path, reads: Sequence[str]) -> Increment:
    columns = tuple(word.strip() for word in key.split(","))
    if columns == (APPENDED,):
        return Increment(columns, watches=frozenset(reads))
    path = model.parents[1] / "touched" / model.name
    if not path.exists():
        raise ModelError(f"{model} is incremental: {path} must say which keys a change touches.")
    sql = path.read_text(encoding="utf-8")
    _, header = _header(sql)
    nodes = _nodes(_parsed(db, sql, path))
    tables = _tables(nodes) - _ctes(nodes)
    if strange := sorted(
        tables
        - {*reads, *(f"{name}{what}" for name in reads for what in (CAME, GONE, CHANGED)), f"{model.stem}{BEFORE}"}
    ):
        raise ModelError(f"{path} reads {', '.join(strange)}: a file of keys reads what its model reads, nothing else.")
    watches = frozenset(
        name.removesuffix(what) for name in tables for what in (CAME, GONE, CHANGED) if name.endswith(what)
    )
    merged = tuple(word.strip() for word in header.get("merged", "").removeprefix("greatest of ").split(",") if word)
    narrowed = tuple(_narrowing(line, path) for line in header.get("narrowed", "").split(";") if line.strip())
    return Increment(columns, sql, narrowed, merged, header.get("of", ""), watches)


def _narrowing(text: str, path: Path) -> Narrowing:
    found = NARROWED.fullmatch(text.strip())
    if not found:
        raise ModelError(
            f"{path}: `narrowed: {text.strip()}` is not `<input> by <column [= other]> [and …] [of <input>]`."
        )
    pairs = [pair.split(" = ") for pair in found[2].split(" and ")]
    return Narrowing(
        found[1], tuple(pair[0].strip() for pair in pairs), tuple(pair[-1].strip() for pair in pairs), found[3] or ""
    )


def _parsed(db: duckdb.DuckDBPyConnection, sql: str, path: Path) -> dict[str, Any]:
    tree: dict[str, Any] = orjson.loads(db.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if tree.get("error"):
        raise ModelError(f"{path} does not parse: {tree.get('error_message')} (at character {tree.get('position')}).")
    return tree


def _header(sql: str) -> tuple[str, dict[str, str]]:
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


def _nodes(tree: Any) -> list[dict[str, Any]]:
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


def _named(nodes: Iterable[dict[str, Any]]) -> frozenset[str]:
    """Return every word that could be a column's name."""
    lists = (node[name] for node in nodes for name in ("using_columns", "column_names") if node.get(name))
    return frozenset(str(word).lower() for words in lists for word in words)


def _starred(nodes: Iterable[dict[str, Any]]) -> frozenset[str]:
    """Return the tables of which some `*` takes all columns."""
    found: set[str] = set()
    for node in nodes:
        if node.get("type") == "SELECT_NODE":
            stars = [one["relation_name"] for one in node["select_list"] if one.get("class") == "STAR"]
            sources = list(_sources(node["from_table"]))
            found |= {table for table, alias in sources for star in stars if star in ("", alias or table)}
    return frozenset(found)


def _sources(table: Any) -> Iterator[tuple[str, str]]:
    if table.get("type") == "BASE_TABLE":
        yield str(table["table_name"]), str(table["alias"])
    elif table.get("type") == "JOIN":
        yield from _sources(table["left"])
        yield from _sources(table["right"])


def _tables(nodes: Iterable[dict[str, Any]]) -> set[str]:
    return {str(node["table_name"]) for node in nodes if node.get("type") == "BASE_TABLE"}


def _ctes(nodes: Iterable[dict[str, Any]]) -> set[str]:
    maps = (node["cte_map"]["map"] for node in nodes if isinstance(node.get("cte_map"), dict))
    return {str(entry["key"]) for entries in maps for entry in entries}
