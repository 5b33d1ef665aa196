"""Reads `sql/`: one file is one model. What it says of itself stands in its header, what it needs in its SQL.

The header is the comment at the top of the file:

    -- How much of the webinars they came to does each contact stay for?
    -- grain: one row per contact_id
    -- units: attended_us is microseconds
    -- rule:  HZ-21, the mean over occurrences attended

Its first lines are the question. Dependencies are read from the SQL by DuckDB's own parser: `raw_<source>__<stream>`
is a stream of the log, every other table is a model.

A segment that is wrong takes nothing else with it: it is a model with a `fault`, and is left out of what is built.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b
from pathlib import Path

import duckdb

from pipelines import duck
from pipelines.errors import ModelError
from pipelines.narrowing import Narrowing, narrowings
from pipelines.parsing import Memory, header_of

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
CAME, GONE, CHANGED = "__came", "__gone", "__changed"
BEFORE = "__before"


SEGMENTS, MEMBERS = "segments", "segment_members"
"""Made of all segments together: the segments themselves, and who is in them."""
DELIVERED = ("hubspot", "salesforce", "marketo")
"""Where segments can be delivered to."""
NOWHERE = "none"
UNFIT = re.compile(r"[^a-z0-9_]")
"""What the name of a segment's file has not."""

APPENDED = "appended"
"""`-- incremental: appended`: each row comes of one row of what the model reads, and stays."""


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
        named: model that it reads to every word that could be a column of it. starred: those of which it takes every
            column.
        uses_as_of: whether its rows depend on the moment they are asked for.
        fault: why a segment cannot be built; "" where nothing is wrong with it.
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
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)
    starred: frozenset[str] = frozenset()
    fault: str = ""

    @property
    def is_segment(self) -> bool:
        """Whether it is one segment, and not what is made of all of them."""
        return self.layer == "segments" and self.name not in (SEGMENTS, MEMBERS)

    @property
    def title(self) -> str:
        """What people call a segment: the name in its header, or else that of its file."""
        return self.header.get("name") or self.name.removeprefix(PREFIX["segments"]).replace("_", " ").capitalize()

    @property
    def delivered_to(self) -> tuple[str, ...]:
        """The destinations that a segment is delivered to."""
        told = (word.strip().lower() for word in self.header.get("deliver", "").split(","))
        return tuple(dict.fromkeys(word for word in told if word and word != NOWHERE))

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


def segments_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the segments: TURNOUT_SEGMENTS, by default `segments` beside the other models."""
    found = (os.environ if environment is None else environment).get("TURNOUT_SEGMENTS")
    return Path(found).expanduser().absolute() if found else SQL_ROOT / "segments"


def load(root: Path = SQL_ROOT, segments: Path | None = None, kept: Path | None = None) -> dict[str, Model]:
    """Return name to model of every file below `root`, each after all that it reads.

    Args:
        segments: the folder of the segments, where it is another one than `segments_folder` says.
        kept: a file that keeps what was read of the queries for the processes that follow.

    Raises:
        ModelError: a file has no header, does not parse, reads what is not there or not below it, or a circle. What is
            wrong with a segment is told by its `fault`.
    """
    folder = segments or (segments_folder() if root == SQL_ROOT else root / "segments")
    files = [
        path for part in (*LAYERS, "touched") if part != "segments" for path in sorted((root / part).glob("*.sql"))
    ]
    mine = _in(folder)
    stated = tuple((path, state.st_mtime_ns, state.st_size) for path in [*files, *mine] for state in (path.stat(),))
    if kept is not None:
        _MEMORY.recall(kept)
    found = _load(root, folder if mine else root, stated)
    if kept is not None:
        _MEMORY.keep(kept)
    return dict(found)


def made_of_alone(models: Mapping[str, Model], names: Collection[str]) -> set[str]:
    """Return these models, and all that are made of nothing else; `models` as `load` gives them."""
    found = set(names)
    for name, model in models.items():
        if model.reads and model.layer != "audits" and found.issuperset(model.reads):
            found.add(name)
    return found


def _in(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{PREFIX['segments']}*.sql"))


@lru_cache(maxsize=4)
def _load(root: Path, folder: Path, files: tuple[tuple[Path, int, int], ...]) -> dict[str, Model]:
    """Read the models once, as long as no file changes."""
    found: dict[str, Model] = {}
    with duck.look() as db:
        for layer in LAYERS:
            if layer == "segments":
                found |= _segments(db, [path for path, *_ in files if path.parent == folder], found)
                continue
            for path in (path for path, *_ in files if path.parent == root / layer):
                model = _known(db, layer, path)
                if model.name in found:
                    raise ModelError(f"{path}: {found[model.name].path} is the same model. Rename one of them.")
                found[model.name] = model
    found = {name: model for name, model in found.items() if _is_needed(model, found)}
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


def _is_needed(model: Model, found: Mapping[str, Model]) -> bool:
    """Whether there is what a model is for: `-- needs: segments`, or `-- needs: segments delivered to hubspot`."""
    what, _, destination = model.header.get("needs", "").partition(" delivered to ")
    if not what:
        return True
    segments = [one for one in found.values() if one.is_segment]
    return any(not destination or destination in one.delivered_to for one in segments)


def _segments(db: duckdb.DuckDBPyConnection, paths: Sequence[Path], others: Mapping[str, Model]) -> dict[str, Model]:
    """Return the segments, and the models that are made of all of them; nothing where there is no segment."""
    found: dict[str, Model] = {}
    for path in paths:
        name = UNFIT.sub("_", path.stem.lower())
        while name in found:
            name += "_"
        model = segment(db, path, name, path.read_text(encoding="utf-8", errors="replace"))
        fault = f"{path}: the name of a segment's file is of a-z, 0-9 and _." if name != path.stem else model.fault
        found[name] = replace(model, fault=fault)
    titles: dict[str, str] = {}
    for name, model in found.items():
        fault = model.fault or _fault_of(model, {**others, **found}, titles)
        titles.setdefault(model.title.lower(), name)
        found[name] = replace(model, fault=fault, reads=() if fault else model.reads, raws=())
    if not found:
        return {}
    while lost := _circle(found):
        found |= {
            name: replace(found[name], reads=(), fault=f"{found[name].path}: segments read each other in a circle.")
            for name in lost
        }
    folder = paths[0].parent
    members = Model(
        MEMBERS,
        "segments",
        folder,
        "\nunion all\n".join(f"select '{name}' as segment, contact_id from {name}" for name in found),
        "Who is in which segment?",
        {"grain": "one row per segment and contact_id", "rule": "EV-10"},
        tuple(found),
    )
    catalog = Model(
        SEGMENTS,
        "segments",
        folder,
        f"select segment, count(*) as member_count from {MEMBERS} group by segment",
        "Which segments are there, where do they go, and how many are in each?",
        {
            "grain": "one row per segment",
            "units": "deliver are destinations; state is ok or failed, with the reason; member_count is contacts",
            "rule": "EV-10",
        },
        (MEMBERS,),
    )
    return {**found, MEMBERS: members, SEGMENTS: catalog}


def segment(db: duckdb.DuckDBPyConnection, path: Path, name: str, sql: str) -> Model:
    """Return a segment of this SQL; what is wrong with it is its `fault`."""
    try:
        return _read(db, "segments", path, name, sql)
    except ModelError as error:
        question, header = header_of(sql)
        return Model(name, "segments", path, sql, question or name, header, fault=str(error))


def _fault_of(model: Model, known: Mapping[str, Model], titles: Mapping[str, str]) -> str:
    """Return what is wrong with a segment among the others, "" for nothing."""
    if model.raws:
        return f"{model.path} reads the log: a segment reads marts and other segments."
    for name in model.reads:
        if name not in known:
            return f'{model.path} reads {name}, and there is no such model. `turnout sql "show tables"` lists them.'
        if known[name].layer not in READS["segments"]:
            return f"{model.path} reads {name}: a segment reads marts and other segments."
    if strange := [name for name in model.delivered_to if name not in DELIVERED]:
        return f"{model.path}: `deliver: {', '.join(strange)}`: there is {', '.join((*DELIVERED, NOWHERE))}."
    if model.title.lower() in titles:
        return f"{model.path}: {titles[model.title.lower()]} has the name {model.title!r}, too. Give it another one."
    return ""


def _circle(found: Mapping[str, Model]) -> list[str]:
    """Return the segments of a circle in which they read each other; none where there is none."""
    try:
        TopologicalSorter({model.name: model.reads for model in found.values()}).prepare()
    except CycleError as error:
        return [name for name in error.args[1] if name in found]
    return []


_KNOWN: dict[Path, tuple[list[int], Model]] = {}
_MEMORY = Memory()


def _known(db: duckdb.DuckDBPyConnection, layer: str, path: Path) -> Model:
    """Read a file, once as long as neither it nor its file of keys changes: other segments change no other model."""
    both = (path, path.parents[1] / "touched" / path.name)
    states = [state for one in both if one.exists() for state in (one.stat().st_mtime_ns, one.stat().st_size)]
    if path not in _KNOWN or _KNOWN[path][0] != states:
        _KNOWN[path] = states, _read(db, layer, path)
    return _KNOWN[path][1]


def _read(db: duckdb.DuckDBPyConnection, layer: str, path: Path, name: str = "", sql: str = "") -> Model:
    name, sql = name or path.stem, sql or path.read_text(encoding="utf-8")
    question, header = header_of(sql)
    if not question or not header.get("grain"):
        raise ModelError(f"{path} needs a header: a question, then `-- grain: one row per …`.")
    if not name.startswith(PREFIX.get(layer, "")):
        raise ModelError(f"{path}: a model in {layer} is named {PREFIX[layer]}….")
    facts = _MEMORY.facts(db, sql, path)
    raws = sorted(match.groups() for name in facts.tables if (match := RAW.fullmatch(name)))
    reads = sorted(name for name in facts.tables if not RAW.fullmatch(name))
    pairs = tuple((source, stream) for source, stream in raws)
    increment = _increment(db, header["incremental"], path, reads) if "incremental" in header else None
    return Model(name, layer, path, sql, question, header, tuple(reads), pairs, increment, facts.named, facts.starred)


def _increment(db: duckdb.DuckDBPyConnection, key: str, model: Path, reads: Sequence[str]) -> Increment:
    columns = tuple(word.strip() for word in key.split(","))
    if columns == (APPENDED,):
        return Increment(columns, watches=frozenset(reads))
    path = model.parents[1] / "touched" / model.name
    if not path.exists():
        raise ModelError(f"{model} is incremental: {path} must say which keys a change touches.")
    sql = path.read_text(encoding="utf-8")
    _, header = header_of(sql)
    tables = _MEMORY.facts(db, sql, path).tables
    if strange := sorted(
        tables
        - {*reads, *(f"{name}{what}" for name in reads for what in (CAME, GONE, CHANGED)), f"{model.stem}{BEFORE}"}
    ):
        raise ModelError(f"{path} reads {', '.join(strange)}: a file of keys reads what its model reads, nothing else.")
    watches = frozenset(
        name.removesuffix(what) for name in tables for what in (CAME, GONE, CHANGED) if name.endswith(what)
    )
    merged = tuple(word.strip() for word in header.get("merged", "").removeprefix("greatest of ").split(",") if word)
    of = header.get("of", "")
    return Increment(columns, sql, narrowings(header.get("narrowed", ""), path, of), merged, of, watches)
