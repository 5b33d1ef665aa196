"""Immutable Parquet below `models/`, a catalog that says which files are the models now, and a file of views.

Nothing that a reader may hold is written over: a build writes new files, then swaps `models/catalog.json` and
`warehouse.duckdb`. A reader who has the old views open goes on reading the old files, which stay for `KEEP`.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import orjson

from pipelines import duck
from pipelines.errors import LogError
from pipelines.events import utc

KEEP = timedelta(hours=24)


@dataclass
class Entry:
    """What stands for one model now: its files (relative to `models/`), rows, and what they were made of.

    Attributes:
        fingerprint: identity of the rows: the same fingerprint is the same rows.
        files: layers, the base first. `counts`: rows in each.
        gone: for each layer the file of keys whose rows in the layers below it are no more; "" where it only adds.
        key: the columns of those keys.
        rows: rows that stand.
        sql: fingerprint of the model's SQL. `made_of`: fingerprint of each model that it was made from.
        where: which rows of its files are the model's; "" for all of them.
        faults: for the table of segments, name to why it could not be built.
        log_version: for staging, the commit up to which it has read. `as_of`: the moment it was last brought up to.
    """

    fingerprint: str
    files: list[str] = field(default_factory=list)
    rows: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    log_version: int = -1
    as_of: str = ""
    sql: str = ""
    counts: list[int] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    made_of: dict[str, str] = field(default_factory=dict)
    where: str = ""
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def every_file(self) -> list[str]:
        """All files that readers of the model need."""
        return [*self.files, *(name for name in self.gone if name)]


@dataclass
class Catalog:
    """All models as they stand. `retired` are files that are no longer theirs, and since when."""

    entries: dict[str, Entry] = field(default_factory=dict)
    retired: dict[str, str] = field(default_factory=dict)
    as_of: str = ""


class Warehouse:
    """The derived side of one TURNOUT_HOME; all of it can be deleted and comes back the same."""

    def __init__(self, home: Path) -> None:
        self.root = home / "models"
        self.file = home / "warehouse.duckdb"

    def catalog(self) -> Catalog:
        """Return the catalog; an empty one where there is none, or where it is damaged (it is derived)."""
        try:
            told = orjson.loads((self.root / "catalog.json").read_bytes())
            entries = {name: Entry(**entry) for name, entry in told["entries"].items()}
            return Catalog(entries, told["retired"], told["as_of"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return Catalog()

    def relation(self, entry: Entry, first: int = 0) -> str:
        """Return the query that gives a model's rows: each layer without the keys that layers above it took away.

        Args:
            first: the lowest layer to read; layers below are left out.
        """
        if entry.where:
            files = [str(self.root / name) for name in entry.files]
            return f"select {', '.join(entry.columns)} from read_parquet({duck.texts(files)}) where {entry.where}"
        parts: list[str] = []
        plain: list[str] = []
        for at in range(first, len(entry.files)):
            taken = self.without_taken(entry, at)
            if not taken:
                plain.append(str(self.root / entry.files[at]))
                continue
            parts.append(f"select mine.* from read_parquet({duck.text(self.root / entry.files[at])}) as mine {taken}")
        if plain:
            parts.append(f"select * from read_parquet({duck.texts(plain)})")
        return " union all ".join(parts)

    def without_taken(self, entry: Entry, layer: int) -> str:
        """Return the join that leaves out of a layer, as `mine`, the keys that layers above it took; "" for none."""
        above = [str(self.root / name) for name in entry.gone[layer + 1 :] if name]
        match = " and ".join(f'mine."{column}" = taken."{column}"' for column in entry.key)
        return f"anti join read_parquet({duck.texts(above)}) as taken on {match}" if above else ""

    def is_whole(self, entry: Entry) -> bool:
        """Whether every file of a model is there."""
        return all((self.root / name).exists() for name in entry.every_file)

    @property
    def is_there(self) -> bool:
        """Whether anything was ever built."""
        return (self.root / "catalog.json").exists()

    def is_shown(self) -> bool:
        """Whether readers find what the catalog says: the views are written after it, unless a kill comes between."""
        try:
            return self.file.stat().st_mtime_ns >= (self.root / "catalog.json").stat().st_mtime_ns
        except FileNotFoundError:
            return False

    def swap(self, before: Catalog, after: Catalog, *, show: bool = True) -> None:
        """Make `after` what readers find, and drop files that no reader can still need.

        Args:
            show: whether readers of the file of views find it at once; else when `show` is called, or the next time.

        Raises:
            LogError: the disk is full or the folder cannot be written; `before` still stands.
        """
        now = datetime.now(UTC)
        old = {name for entry in before.entries.values() for name in entry.every_file}
        kept = {name for entry in after.entries.values() for name in entry.every_file}
        after.retired = {name: since for name, since in before.retired.items() if name not in kept}
        after.retired |= {name: now.isoformat() for name in sorted(old - kept) if name not in after.retired}
        gone = [name for name, since in after.retired.items() if utc(since) + KEEP < now]
        for name in gone:
            del after.retired[name]
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            write_whole(self.root / "catalog.json", orjson.dumps(after, option=orjson.OPT_INDENT_2))
            if show:
                self._write_views(after)
            for name in gone:
                (self.root / name).unlink(missing_ok=True)
            self._drop_strays({*kept, *after.retired}, now - KEEP)
        except (OSError, duckdb.Error) as error:
            raise LogError(
                f"{self.root} cannot be written: {str(error)[:300]}. The tables are as they were. "
                "See that the disk has room and the folder can be written, then run again."
            ) from None

    def show(self) -> None:
        """Let readers of the file of views find what the catalog says, if they do not yet.

        Raises:
            LogError: the file cannot be written.
        """
        if self.is_there and not self.is_shown():
            try:
                self._write_views(self.catalog())
            except (OSError, duckdb.Error) as error:
                raise LogError(
                    f"{self.file} cannot be written: {str(error)[:300]}. The tables are up to date; "
                    "see that the disk has room and the folder can be written, then run again."
                ) from None

    def _drop_strays(self, known: set[str], since: datetime) -> None:
        """Drop files that a killed build left: in no catalog, and older than any reader or build under way."""
        with os.scandir(self.root) as folders:
            names = sorted(folder.name for folder in folders if folder.is_dir())
        for folder in names:
            with os.scandir(self.root / folder) as files:
                for file in files:
                    is_known = f"{folder}/{file.name}" in known or ".parquet" not in file.name
                    if not is_known and file.stat().st_mtime < since.timestamp():
                        Path(file.path).unlink(missing_ok=True)

    def _write_views(self, after: Catalog) -> None:
        """Write the file of views beside the old one, and put it in its place in one step.

        Each view costs a look at its files, so those of the old file that still hold are taken over.
        """
        fresh = self.file.with_suffix(".new")
        wanted = {name: self.relation(entry) for name, entry in after.entries.items() if entry.files}
        with ExitStack() as stack:
            db, shown = self._taken_over(fresh, stack)
            for name in shown.keys() - wanted.keys():
                db.execute(f"drop view if exists {name}")
            for name, relation in wanted.items():
                if shown.get(name) != relation:
                    db.execute(f"create or replace view {name} as {relation}")
            db.execute("create or replace table turnout_build (as_of varchar)")
            db.execute("insert into turnout_build values (?)", [after.as_of])
            db.execute("create or replace table turnout_views (name varchar, relation varchar)")
            db.execute("insert into turnout_views select unnest(?), unnest(?)", [list(wanted), list(wanted.values())])
        fresh.replace(self.file)

    def _taken_over(self, fresh: Path, stack: ExitStack) -> tuple[duckdb.DuckDBPyConnection, dict[str, str]]:
        """Return a copy of the file of views, and name to query of each; an empty file where there is none to read."""
        if self.file.exists():
            try:
                with ExitStack() as tried:
                    db = tried.enter_context(duck.file(fresh, like=self.file))
                    shown = dict(db.execute("select name, relation from turnout_views").fetchall())
                    stack.push(tried.pop_all())
                    return db, shown
            except duckdb.Error:
                pass  # it is derived, so it is made anew
        return stack.enter_context(duck.file(fresh)), {}

    def connect(self, names: Collection[str] | None = None) -> duckdb.DuckDBPyConnection:
        """Return a connection with every model as a view, or only those named, in UTC. Close it."""
        db = duck.look()
        for name, entry in self.catalog().entries.items():
            if (names is None or name in names) and entry.files and self.is_whole(entry):
                db.execute(f"create temp view {name} as {self.relation(entry)}")
        return db


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or the next run after a kill, finds the old one or the new one, never a part.

    Raises:
        OSError: it cannot be written, and names the file; the old one still stands.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()  # half of it would only fill a full disk
        raise OSError(error.errno, error.strerror, str(path)) from None
