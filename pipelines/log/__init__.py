"""The event log: append-only, one Delta table a stream, and the only truth (EV-01).

`log/<source>/<stream>/` under TURNOUT_HOME. A batch is one commit, and the cursor that follows it is in the same
commit, so there is no other state to lose. Appending what is there already appends nothing: before a commit the log
looks only at the slice that could hold the same events (for facts: the span of their times).

One process at a time writes; `Log.locked()` says so with a file lock that the operating system frees when its holder
dies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
from deltalake import ColumnProperties, DeltaTable, WriterProperties
from deltalake.exceptions import DeltaError
from filelock import FileLock, Timeout

from pipelines import duck
from pipelines.errors import LockedError, LogError
from pipelines.events import EVENT_SCHEMA, Batch, Records, Stream, utc
from pipelines.log import columns, commit, holding
from pipelines.log.asking import having, over
from pipelines.log.news import Index, new_facts, new_states, own_events
from pipelines.log.spans import Span, spans_of

CURSORS = "turnout.cursors"
AT = "turnout.at"
OBSERVED = "turnout.observed_at"
VERSION = "turnout.version"
"""In a commit that only moves events: the number of the last one that brought any."""
OURS_IN_COMMITS = (CURSORS, AT, OBSERVED, VERSION, "turnout.run")
OURS = "turnout"
"""The source of the streams that we write ourselves: settings, intents, outcomes."""
NOTES = frozenset({(OURS, "validations")})
"""Streams of which nothing is computed: what is added to them makes no plan stale."""
DELIVERED = "webhooks"
"""The stream of what a vendor sent by itself; it does not tell up to when the vendor was read."""
UNIQUE = ColumnProperties(dictionary_enabled=False)
"""How a column is written of which no two values are alike."""
WRITER = WriterProperties(
    compression="ZSTD",
    compression_level=1,
    max_row_group_size=60_000,
    column_properties={"event_id": UNIQUE, "digest": UNIQUE, "payload": UNIQUE, "key": UNIQUE},
)
TABLE = {
    "delta.appendOnly": "true",
    "delta.dataSkippingStatsColumns": "occurred_at,observed_at",
    "delta.logRetentionDuration": "interval 36500 days",
}
COMMIT = re.compile(r"(\d{20})(?:\.checkpoint.*)?\.(?:json|parquet)\Z")
"""A commit of Delta's, or a checkpoint that stands for all up to one."""

pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own takes pieces so large that clearing them costs a tenth


@dataclass(frozen=True)
class AppendReceipt:
    """What one append did: rows read, rows that were news, absences concluded, version of the stream after it."""

    read: int = 0
    appended: int = 0
    absent: int = 0
    version: int = -1

    @property
    def known(self) -> int:
        """Rows that the log held already."""
        return self.read - (self.appended - self.absent)

    def __add__(self, other: AppendReceipt) -> AppendReceipt:
        return AppendReceipt(
            self.read + other.read,
            self.appended + other.appended,
            self.absent + other.absent,
            max(self.version, other.version),
        )


class Log:
    """The log below one TURNOUT_HOME; `root` is where it lies, where that is another folder."""

    def __init__(self, home: Path, root: Path | None = None) -> None:
        self.home = home
        self.root = root or home / "log"
        self._lock = FileLock(str(home / ".lock"), thread_local=False)
        self._db: duckdb.DuckDBPyConnection | None = None
        self._tables: dict[str, DeltaTable] = {}
        self._current: set[str] = set()
        self._versions: dict[str, int] = {}
        self._commits: dict[str, tuple[int, dict[str, Any]]] = {}
        self._index: Index | None = None
        self._spans: dict[str, tuple[int, list[Span]]] = {}

    @contextmanager
    def locked(self, wait_seconds: float = 0.0) -> Iterator[None]:
        """Hold TURNOUT_HOME for writing; the same process may enter again.

        Raises:
            LockedError: another process holds it. LogError: the folder cannot be written.
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise LockedError(
                f"{self.home} is in use by {holding.holder(self.home)}. Wait for it to end, or stop it; "
                "a run that was killed holds nothing."
            ) from None
        except OSError as error:
            raise LogError(
                f"{self.home} cannot be written: {error}. Nothing was lost; mend that and run again."
            ) from None
        is_outer = self._lock.lock_counter == 1
        try:
            if is_outer:
                self._current.clear()
                self._versions.clear()
                holding.write(self.home)
            yield
        finally:
            if is_outer:
                self._current.clear()
                self._versions.clear()
                holding.clear(self.home)
            self._lock.release()

    def streams(self) -> list[tuple[str, str]]:
        """Return (source, stream) of all that the log holds, in order."""
        folders = [
            (source, stream) for source in commit.names_in(self.root) for stream in commit.names_in(self.root / source)
        ]
        return sorted(one for one in folders if _is_made(self.root.joinpath(*one, "_delta_log")))

    def version(self, source: str, stream: str) -> int:
        """Return the number of the stream's last commit, -1 where it has none.

        Delta's own library reads every commit first, which most of those who ask do not need.
        """
        name = f"{source}/{stream}"
        if self._lock.is_locked and name in self._current:
            return self._tables[name].version()
        if not self._lock.is_locked or name not in self._versions:
            found = map(COMMIT.match, commit.names_in(self.root / source / stream / "_delta_log"))
            self._versions[name] = max((int(one[1]) for one in found if one), default=-1)
        return self._versions[name]

    def positions(self) -> dict[str, int]:
        """Return `source/stream` to the commit that last brought anything, of all streams: where the log stands now."""
        found: dict[str, int] = {}
        for source, stream in (one for one in self.streams() if one not in NOTES):
            told = self._last_commit(source, stream).get(VERSION)
            found[f"{source}/{stream}"] = int(told) if told else self.version(source, stream)
        return found

    def files(self, source: str, stream: str) -> list[str]:
        """Return the paths of the Parquet files that hold the stream now, oldest commit last."""
        table = self.table(source, stream)
        return [] if table is None else [str(commit.path_of(uri)) for uri in table.file_uris()]

    def files_since(self, source: str, stream: str, version: int) -> list[str] | None:
        """Return the files that commits after `version` added; None where that can no longer be told.

        Compaction moves rows and adds none, so its files are left out; what it replaced must then still be there.
        """
        folder = self.root / source / stream
        added: list[str] = []
        for number in range(version + 1, self.version(source, stream) + 1):
            entry = folder / "_delta_log" / f"{number:020d}.json"
            if not entry.exists():
                return None
            for line in entry.read_bytes().splitlines():
                add = orjson.loads(line).get("add")
                if add and add["dataChange"]:
                    added.append(str(folder / add["path"]))
        return added if all(Path(path).exists() for path in added) else None

    def cursor(self, source: str, stream: str, account: str) -> dict[str, Any] | None:
        """Return the cursor that the last batch of this account left; None where it has none."""
        found = self.cursors(source, stream).get(account)
        return dict(found) if found is not None else None

    def last_read_at(self) -> datetime | None:
        """Return the latest moment, on the vendors' clocks, up to which anything was read; None for an empty log."""
        return max(self.sources_read_at().values(), default=None)

    def sources_read_at(self) -> dict[str, datetime]:
        """Return source to the latest moment, on its vendor's clock, up to which any of its streams was read."""
        vendors = [(source, stream) for source, stream in self.streams() if source != OURS and stream != DELIVERED]
        found: dict[str, datetime] = {}
        for source, stream in vendors:
            if at := self._last_commit(source, stream).get(AT):
                found[source] = max(utc(at), found.get(source, utc(at)))
        return found

    def latest(self, source: str, stream: str, account: str | None = None) -> dict[str, Any]:
        """Return key to decoded payload of every record that is present by the latest event of its key."""
        rows = self.query(
            source,
            stream,
            """
            select key, arg_max(payload, {order}), arg_max(kind, {order}) as last_kind
            from events where account = coalesce($account, account)
            group by key having last_kind = 'seen' order by key
            """,
            {"account": account},
        )
        return {key: orjson.loads(payload) for key, payload, _ in rows}

    def append(
        self, source: str, account: str, stream: Stream, batch: Batch, *, run: str, observed_at: datetime | None = None
    ) -> AppendReceipt:
        """Add what the log does not hold yet, and the cursor, in one commit.

        Records may come in any order and any number of times. A record that was changed since by a state stream's
        vendor becomes an event after the one before it, whatever our clock says.

        Raises:
            LogError: the table cannot be written; nothing of the batch was added.
        """
        if self.version(source, stream.name) < 0:
            self._create(source, stream.name)
        told = self._last_commit(source, stream.name)
        last_observed = told.get(OBSERVED)
        observed = observed_at or datetime.now(UTC)
        if last_observed:
            observed = max(observed, utc(last_observed) + timedelta(microseconds=1))
        at = batch.at or observed
        index = self._index_of(source, account, stream.name, self.version(source, stream.name))
        records = Records.of(batch.records)
        if stream.mode == "own":
            news = own_events(index, records)
        elif stream.mode == "fact" and records.follows:
            followers = Batch([record for record in records if record.follows])
            news = new_facts(self, index, Records.of([record for record in records if not record.follows]))
            news += new_states(self, Index(source, account, stream.name, index.version), followers, at)
        elif stream.mode == "fact":
            news = new_facts(self, index, records)
        else:
            news = new_states(self, index, replace(batch, records=records), at)
        cursors: dict[str, Any] = orjson.loads(told.get(CURSORS) or "{}")
        is_moved = batch.cursor is not None and cursors.get(account) != dict(batch.cursor)
        if not news.records and not is_moved:
            return AppendReceipt(read=len(records), version=self.version(source, stream.name))
        if batch.cursor is not None:
            cursors[account] = dict(batch.cursor)
        last_at = max(at, utc(told[AT])) if AT in told else at
        rows = columns.table(news, account=account, observed_at=observed, batch=run)
        table = self.table(source, stream.name)
        assert table is not None
        commit.append(
            table,
            rows,
            {
                CURSORS: orjson.dumps(cursors).decode(),
                AT: last_at.isoformat(),
                "turnout.run": run,
                OBSERVED: observed.isoformat(),
            },
        )
        index.add(rows, table.version())
        absent = news.records.absent()
        return AppendReceipt(len(records), len(news.records), absent, table.version())

    def _index_of(self, source: str, account: str, stream: str, version: int) -> Index:
        if self._index is None or not self._index.is_of(source, account, stream, version):
            if self._index is not None:
                self._index.close()
            self._index = Index(source, account, stream, version)
        return self._index

    def slice(self, source: str, stream: str, first: datetime, last: datetime) -> tuple[list[str], int]:
        """Return the files that may hold what occurred in a span, and how many rows they have."""
        found = [one for one in self._spans_of(source, stream) if one.may_hold(first, last)]
        return [one.path for one in found], sum(one.rows for one in found)

    def count(self, source: str, stream: str) -> int:
        """Return the number of events of a stream."""
        return sum(one.rows for one in self._spans_of(source, stream))

    def _spans_of(self, source: str, stream: str) -> list[Span]:
        table = self.table(source, stream)
        if table is None:
            return []
        name, version = f"{source}/{stream}", table.version()
        if self._spans.get(name, (-1, []))[0] != version:
            self._spans[name] = (version, spans_of(table))
        return self._spans[name][1]

    def query(
        self,
        source: str,
        stream: str,
        sql: str,
        parameters: Mapping[str, Any],
        *,
        files: list[str] | None = None,
        **tables: pa.Table,
    ) -> list[tuple[Any, ...]]:
        """Run SQL over the stream as `events`; `{order}` stands for the order in which a key's events follow.

        Args:
            files: those of the stream's files that are enough; all of them where none are named.
            tables: further relations, by the names that the SQL uses.
        """
        files = self.files(source, stream) if files is None else files
        if not files:
            return []
        with closing(self._looking().cursor()) as db, having(db, tables):
            return db.execute(over(files, sql), dict(parameters)).fetchall()

    def look(self, files: list[str], sql: str, parameters: Mapping[str, Any], **tables: pa.Table) -> pa.Table:
        """Return what `query` would, of some files of a stream, as a table."""
        with closing(self._looking().cursor()) as db, having(db, tables):
            return db.sql(over(files, sql), params=dict(parameters)).to_arrow_table()

    def _looking(self) -> duckdb.DuckDBPyConnection:
        if self._db is None:
            self._db = duck.look()
        return self._db

    def table(self, source: str, stream: str) -> DeltaTable | None:
        """Return the stream's Delta table as it is now; None where it has none.

        While this log is locked nobody else writes, so what was looked at once is as it is now.

        Raises:
            LogError: it is damaged.
        """
        name = f"{source}/{stream}"
        if name in self._current and self._lock.is_locked:
            return self._tables[name]
        folder = self.root / source / stream
        try:
            if name not in self._tables:
                if not _is_made(folder / "_delta_log"):
                    return None
                self._tables[name] = DeltaTable(str(folder))
            else:
                self._tables[name].update_incremental()
            self._current.add(name)
        except (DeltaError, OSError) as error:
            raise LogError(
                f"{folder} cannot be read as a Delta table: {str(error)[:300]}. Run `turnout verify`."
            ) from None
        return self._tables[name]

    def _create(self, source: str, stream: str) -> None:
        folder = self.root / source / stream
        try:
            folder.mkdir(parents=True, exist_ok=True)
            made = DeltaTable.create(str(folder), schema=EVENT_SCHEMA, configuration=dict(TABLE))
        except (DeltaError, OSError) as error:
            raise LogError(
                f"{folder} cannot be made: {str(error)[:300]}. See that the folder can be written, then run again."
            ) from None
        self._tables[f"{source}/{stream}"] = made
        self._current.add(f"{source}/{stream}")

    def _last_commit(self, source: str, stream: str) -> dict[str, Any]:
        """Return what was told with the stream's last commit; nothing where it has none."""
        name, version = f"{source}/{stream}", self.version(source, stream)
        if version < 0:
            return {}
        if self._commits.get(name, (-1, {}))[0] != version:
            self._commits[name] = (version, self._told(source, stream, version))
        return self._commits[name][1]

    def _told(self, source: str, stream: str, version: int) -> dict[str, Any]:
        try:
            lines = (self.root / source / stream / "_delta_log" / f"{version:020d}.json").read_bytes().splitlines()
            told = next((one["commitInfo"] for one in map(orjson.loads, lines) if "commitInfo" in one), None)
        except (FileNotFoundError, ValueError):
            told = None  # a checkpoint stands for it, or it is damaged, which the library says
        if told is None:
            table = self.table(source, stream)
            told = table.history(1)[0] if table is not None else {}
        return dict(told)

    def cursors(self, source: str, stream: str) -> dict[str, Any]:
        """Return account to cursor, as the stream's last commit has them."""
        text = self._last_commit(source, stream).get(CURSORS)
        return dict(orjson.loads(text)) if text else {}


def _is_made(folder: Path) -> bool:
    """Whether a table has a commit; one whose making was broken off has the folder alone, and is made again."""
    return any(name.endswith((".json", ".parquet")) for name in commit.names_in(folder))
