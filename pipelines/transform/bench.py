"""One build's DuckDB connection: the models as they are now and were before, and what changed between.

Schemas: `now` holds every model, `narrowed` hides some of them behind the few rows that a build by key needs, `before`
the models as they stood (`<model>__before`), `changed` the rows that came (`<model>__came`), those that went
(`<model>__gone`) and both (`<model>__changed`), `work` what a step makes for itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from copy import copy
from datetime import datetime
from enum import Enum
from functools import cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock

import duckdb

from pipelines import duck
from pipelines.errors import LogError, ModelError
from pipelines.log import Log
from pipelines.models import BEFORE, CAME, CHANGED, GONE, Model
from pipelines.warehouse import Catalog, Entry, Warehouse

MEMORY = "1GB"
"""What DuckDB may hold in memory during a build; what is more goes to disk, below `models/`."""
COPY = "(format parquet, parquet_version v2, compression lz4_raw, row_group_size 100000)"
"""Version 2 for its encodings: numbers as differences are written and read back quicker, and are smaller."""
FEW = 2_000
"""Rows, up to which a model is kept in memory for those that read it, and one thread runs statements planned in haste:
opening files, planning well and waking threads take longer then than what is to be done."""
LITTLE = 256 * 1024
"""Bytes of new events, up to which the same holds for staging."""
IN_HASTE = ("filter_pushdown", "materialized_cte")
"""What planning does even then: without it, tables named in a row would be multiplied before they are filtered."""
DIFFERING, TIMES = "__differing", "__times"
"""The table of rows that a build changed, and how many more of each there are than before."""
_OF_NOTHING: dict[str, tuple[bytes, int, dict[str, str]]] = {}
MOST_OF_NOTHING = 500


@cache
def _all_but_in_haste() -> str:
    """Return the names of DuckDB's optimizers but those `IN_HASTE`, in a row."""
    with duck.look() as db:
        names = [str(name) for (name,) in db.execute("select name from duckdb_optimizers()").fetchall()]
    return ",".join(name for name in names if name not in IN_HASTE)


class Change(Enum):
    """What a build did to a model: nothing, rows that are at hand in `changed`, or nobody knows what."""

    NONE = "none"
    ROWS = "rows"
    ALL = "all"


def fingerprint_of(sql: str, as_of: str, made_of: Mapping[str, str], before: str = "") -> str:
    """Return the identity of what a model's SQL gives over these inputs, at that moment, on top of what stood."""
    told = [sql, as_of, before, *(f"{name}={made}" for name, made in sorted(made_of.items()))]
    return blake2b("|".join(told).encode(), digest_size=12).hexdigest()


class Bench:
    """What one build works on.

    Attributes:
        changes: what became of each model that was looked at. shown: what each model is now.
        how: how the last model was built, for the receipt.
        most: touched keys of the model at hand, of which more are not worth building by key.
        watched: models of which others ask what changed.
    """

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        log: Log,
        warehouse: Warehouse,
        before: Catalog,
        as_of: datetime,
        threads: int | None,
    ) -> None:
        self.db, self.log, self.warehouse, self.before, self.as_of = db, log, warehouse, before, as_of
        self.changes: dict[str, Change] = {}
        self.shown: dict[str, Entry] = {}
        self.how = ""
        self.most = 0.0
        self.watched: frozenset[str] = frozenset()
        self._lane = ""
        self._narrowed: list[str] = []
        self._changed: set[str] = set()
        self._viewed: dict[str, Entry] = {}
        self._tables: set[str] = set()
        self._showing = Lock()
        self._set: dict[str, str] = {}
        self._threads = threads or db.execute("select current_setting('threads')").fetchall()[0][0]
        db.execute(f"set memory_limit = '{MEMORY}'")
        spill = warehouse.root / ".spill"
        shutil.rmtree(spill, ignore_errors=True)
        db.execute(f"set temp_directory = {duck.text(spill)}")
        for schema in ("now", "before", "changed"):
            db.execute(f"create schema {schema}")
        self._begin()

    def _begin(self) -> None:
        """Set what each connection has for itself."""
        db = self.db
        db.execute("set timezone = 'UTC'")
        db.execute("set parquet_metadata_cache = true")
        db.execute("set variable as_of = cast(? as timestamptz)", [self.as_of.isoformat()])
        for schema in ("narrowed", "work"):
            db.execute(f"create schema {schema}{self._lane}")
        db.execute(f"set search_path = 'narrowed{self._lane},now,changed,before'")

    def lane(self, number: int) -> Bench:
        """Return a bench for another thread: what is now, was before and has changed is shared, the rest its own."""
        self.plan_for(FEW + 1)
        other = copy(self)
        other.db, other._lane, other._narrowed = self.db.cursor(), str(number), []
        other._begin()
        return other

    def keep_order(self, is_kept: bool) -> None:
        """Whether files keep the order of what they are made of: staging does, so that its times lie together."""
        self._be("preserve_insertion_order", str(is_kept).lower())

    def plan_for(self, rows: int, *, is_whole: bool = False) -> None:
        """Let DuckDB plan the statements that follow for what they read, the largest of so many rows.

        Args:
            is_whole: joins build on their right side: over whole models that is the small one, whatever is estimated.
        """
        if self.is_few(rows):
            self._be("threads", "1")
            self._be("disabled_optimizers", _all_but_in_haste())
        else:
            self._be("threads", str(self._threads))
            self._be("disabled_optimizers", "build_side_probe_side" if is_whole else "")

    def plan_for_files(self, files: Collection[str]) -> None:
        """Let DuckDB plan the statements that follow for these files of the log."""
        size = sum(path.stat().st_size for path in map(Path, files) if path.exists())  # DuckDB names what is lost
        self.plan_for(0 if size <= LITTLE else FEW + 1)

    def is_few(self, rows: int) -> bool:
        """Whether what has so many rows is handled as `FEW`; never where benches share one DuckDB."""
        return rows <= FEW and not self._lane

    def _be(self, setting: str, value: str) -> None:
        """Set what is not set so already."""
        if self._set.get(setting) != value:
            self.db.execute(f"set {setting} = '{value}'")
            self._set[setting] = value

    def show(self, name: str, entry: Entry | None) -> None:
        """Let models that follow read this one."""
        if entry is not None and entry.files:
            self.shown[name] = entry

    def lay_out(self, names: Collection[str]) -> None:
        """Make what a model reads readable: most builds touch few models, and each view costs a look at its files."""
        with self._showing:
            for name in names:
                entry = self.shown.get(name)
                if entry is not None and self._viewed.get(name) is not entry:
                    self._clear(name)
                    if self.is_few(entry.rows) and entry.rows:
                        self._tables.add(name)
                    kind = "table" if name in self._tables else "view"
                    rows = self.warehouse.relation(entry) if entry.rows else _nothing(entry.columns)
                    self.db.execute(f"create {kind} now.{name} as {rows}")
                    self._viewed[name] = entry

    def few(self, model: Model) -> str:
        """Keep the few rows of a model in memory; return their table."""
        self._clear(model.name)
        self.run(model, f"create table now.{model.name} as {model.sql.strip().removesuffix(';')}")
        self._tables.add(model.name)
        return f"now.{model.name}"

    def keep_few(self, name: str, entry: Entry) -> None:
        """Let models that follow read the rows that `few` holds, if they have the types that the file gave them."""
        if self._columns(f"now.{name}") == entry.columns:
            self._viewed[name] = entry

    def _clear(self, name: str) -> None:
        if self._viewed.pop(name, None) is not None or name in self._tables:
            self.db.execute(f"drop {'table' if name in self._tables else 'view'} now.{name}")
            self._tables.discard(name)

    def show_before(self, model: Model, old: Entry) -> None:
        """Let `<model>__before` be what stood, if it is asked for, and every watched input have its changes."""
        if model.increment and f"{model.name}{BEFORE}" in model.increment.sql:
            self.db.execute(f"create or replace view before.{model.name}{BEFORE} as {self.warehouse.relation(old)}")
        self.db.execute("set variable as_of_before = cast(? as timestamptz)", [old.as_of])
        with self._showing:
            for name in model.increment.watches if model.increment else ():
                if name not in self._changed:
                    for suffix in (CHANGED, CAME, GONE):
                        self.db.execute(f"create view changed.{name}{suffix} as select * from now.{name} limit 0")
                    self._changed.add(name)

    def came(self, name: str, sql: str) -> None:
        """Say which rows a model has more than before: a query over files that stay for the length of the build."""
        for suffix in (CHANGED, CAME):
            self.db.execute(f"create or replace view changed.{name}{suffix} as {sql}")
        self.db.execute(f"create or replace view changed.{name}{GONE} as select * from ({sql}) limit 0")
        self._changed.add(name)

    def difference(self, model: Model, fresh: str, stale: str) -> int:
        """Find the rows that are in a table and not in a query, or the reverse; keep them as changed; return how many.

        One statement counts each row up where it is fresh and down where it is stale: `except all`, both ways, gives
        the same and takes three times as long.
        """
        name = f"changed.{model.name}"
        sides = f"select *, 1 as {TIMES} from {fresh} union all select *, -1 from ({stale})"
        counted = f"select * exclude ({TIMES}), cast(sum({TIMES}) as bigint) as {TIMES} from ({sides}) group by all"
        if not self.run(model, f"create table {name}{DIFFERING} as {counted} having sum({TIMES}) <> 0"):
            self.db.execute(f"drop table {name}{DIFFERING}")
            return 0
        told = self.db.execute(f"select sum(abs({TIMES})), max(abs({TIMES})) from {name}{DIFFERING}").fetchall()
        rows = f"select * exclude ({TIMES}) from {name}{DIFFERING}"
        if told[0][1] > 1:
            rows = f"select * exclude ({TIMES}, __nth) from {name}{DIFFERING}, range(abs({TIMES})) as each_one(__nth)"
        for suffix, which in ((CHANGED, ""), (CAME, f" where {TIMES} > 0"), (GONE, f" where {TIMES} < 0")):
            self.db.execute(f"create view {name}{suffix} as {rows}{which}")
        self._changed.add(model.name)
        return int(told[0][0])

    def narrow_nothing(self) -> None:
        """Let every name mean the whole of it again."""
        for name in self._narrowed:
            self.db.execute(f"drop table if exists {self.narrowed(name)}")
        self._narrowed = []

    def narrowed(self, name: str) -> str:
        """Return the full name of the few rows of a model that `narrow` keeps."""
        return f"narrowed{self._lane}.{name}"

    def narrow(self, model: Model, name: str, sql: str) -> None:
        """Let a name mean these rows of it alone, until `narrow_nothing`."""
        self.run(model, f"create or replace table {self.narrowed(name)} as {sql}")
        self._narrowed.append(name)

    def table(self, name: str, sql: str, model: Model) -> str:
        """Keep what a query gives as a table of this step; return its full name."""
        self.run(model, f"create or replace table work{self._lane}.{name} as {sql.strip().removesuffix(';')}")
        return f"work{self._lane}.{name}"

    def count(self, name: str) -> int:
        """Return the number of rows of a relation."""
        return int(self.db.execute(f"select count(*) from {name}").fetchall()[0][0])

    def count_known(self, name: str) -> tuple[int, bool]:
        """Return the number of rows of a relation, and whether none has a null in its first column."""
        rows, known = self.db.execute(f"select count(*), count(#1) from {name}").fetchall()[0]
        return int(rows), rows == known

    def run(self, model: Model, sql: str) -> int:
        """Run a statement for a model; return the rows that it made.

        Raises:
            LogError: the disk refuses. ModelError: DuckDB does, with its words and the model's path.
        """
        try:
            told = self.db.execute(sql).fetchall()
        except duckdb.IOException as error:
            raise LogError(
                f"{model.name} cannot be built: {str(error)[:300]}. The tables are as they were. "
                "See that the disk has room and the folder can be written, then run again."
            ) from None
        except duckdb.Error as error:
            raise ModelError(f"{model.path} failed: {str(error)[:600]}\nThe tables are as they were.") from None
        return int(told[0][0]) if told else 0

    def write(self, model: Model, sql: str, file: str) -> int:
        """Write what a query gives as one file below `models/`; return its rows."""
        path = self.warehouse.root / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(path.name + ".new")
            copied = self.db.execute(
                f"copy ({sql.strip().removesuffix(';')}\n) to {duck.text(fresh)} {COPY}"
            ).fetchall()
            fresh.replace(path)
        except (duckdb.IOException, OSError) as error:
            raise _refused(path, error) from None
        except duckdb.Error as error:
            raise ModelError(f"{model.path} failed: {str(error)[:600]}\nThe tables are as they were.") from None
        return int(copied[0][0])

    def has_written(self, fingerprint: str) -> bool:
        """Whether `write_once` knows what this is."""
        return fingerprint in _OF_NOTHING

    def write_once(self, model: Model, sql: str, file: str, fingerprint: str) -> tuple[int, dict[str, str]]:
        """Write what a query gives over no rows at all, as `write` does, once in a process; return rows and columns.

        Many models stand for what was never connected; they are the same in each build.
        """
        path = self.warehouse.root / file
        if fingerprint not in _OF_NOTHING:
            rows = self.write(model, sql, file)
            if len(_OF_NOTHING) >= MOST_OF_NOTHING:
                _OF_NOTHING.clear()
            columns = self.described(file)
            _OF_NOTHING[fingerprint] = path.read_bytes(), rows, columns
            return rows, dict(columns)
        content, rows, columns = _OF_NOTHING[fingerprint]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(path.name + ".new")
            fresh.write_bytes(content)
            fresh.replace(path)
        except OSError as error:
            raise _refused(path, error) from None
        return rows, dict(columns)

    def described(self, file: str) -> dict[str, str]:
        """Return the columns of a file below `models/`, and their types."""
        return self._columns(f"select * from read_parquet({duck.text(self.warehouse.root / file)})")

    def _columns(self, relation: str) -> dict[str, str]:
        return {str(row[0]): str(row[1]) for row in self.db.execute(f"describe {relation}").fetchall()}


def _nothing(columns: Mapping[str, str]) -> str:
    """Return a query that DuckDB sees to give no rows, so that it plans nothing that would meet none."""
    listed = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in columns.items())
    return f"select {listed} where false"


def _refused(path: Path, error: Exception) -> LogError:
    return LogError(
        f"{path} cannot be written: {str(error)[:300]}. The tables are as they were. "
        "See that the disk has room and the folder can be written, then run again."
    )
