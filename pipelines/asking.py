"""Questions to the published tables: read-only, within limits of time and memory (EV-11).

DuckDB itself refuses files, network, other databases and settings; what is no query is refused before it runs, since
the models' own folder must stay open to queries, and COPY could write into it. Nothing is spilled to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import duck
from pipelines.errors import UsageError
from pipelines.warehouse import Warehouse

READING = ("SELECT",)
"""Kinds of statements that only read: EXPLAIN ANALYZE of a COPY would write."""
MEMORY_MB = 2_000
SECONDS = 60.0
INTERRUPTED, FULL = "INTERRUPT Error", "Out of Memory Error"
ROWS = 10_000
"""Rows that are handed over at once."""


def is_limit(told: str) -> bool:
    """Whether an engine's words say that a query ran into a limit; through Arrow they come as other errors."""
    return INTERRUPTED in told or FULL in told


class Answer:
    """The answer to one query; it is computed when it is read, once, as rows or as Arrow."""

    def __init__(self, db: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> None:
        self._db, self._statement = db, statement

    def rows(self) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Return the columns, and the rows as Python has them."""
        self._db.execute(self._statement)
        return [str(column[0]) for column in self._db.description or ()], self._fetched()

    def _fetched(self) -> Iterator[tuple[Any, ...]]:
        while some := self._db.fetchmany(ROWS):
            yield from some

    def reader(self) -> pa.RecordBatchReader:
        """Return the rows as Arrow has them."""
        return self._db.sql(self._statement.query).to_arrow_reader(ROWS)


class Desk:
    """Answers questions over one warehouse; after a build those that follow see the new tables. Close it."""

    def __init__(self, warehouse: Warehouse, *, seconds: float = SECONDS, memory_mb: int = MEMORY_MB) -> None:
        if not warehouse.file.exists():
            raise UsageError(f"{warehouse.file} is not there yet. `turnout build` makes it.")
        self._warehouse, self._seconds, self._memory = warehouse, seconds, memory_mb
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._file = 0

    def __enter__(self) -> Desk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def ask(self, text: str, take: Callable[[Answer], None]) -> None:
        """Hand over the answer to each query of a text.

        Raises:
            UsageError: it is no query, it fails, or it takes more time or memory than there is for one.
        """
        db = self._db()
        with self._limited(db):
            statements = db.extract_statements(text)
            for statement in statements:
                if statement.type.name not in READING:
                    raise UsageError(
                        f"only queries are run here, and this is a statement of the kind {statement.type.name}. "
                        "To keep a result, use --csv or --json and send it to a file. Or use --parquet."
                    )
            for statement in statements:
                take(Answer(db, statement))
        if not statements:
            raise UsageError('there is no query. For example: turnout sql "show tables".')

    def words(self) -> dict[str, list[str]]:
        """Return each table with its columns."""
        found: dict[str, list[str]] = {}
        sql = (
            "select table_name, column_name from duckdb_columns() where not internal order by table_name, column_index"
        )
        for table, column in self._db().execute(sql).fetchall():
            found.setdefault(table, []).append(column)
        return found

    @contextmanager
    def _limited(self, db: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Stop what runs when its time is over, and say in one form why a query did not go well."""
        watch = Timer(self._seconds, db.interrupt)
        watch.daemon = True
        watch.start()
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            told = str(error)
            if INTERRUPTED in told:
                raise UsageError(
                    f"the query took longer than {self._seconds:g} seconds and was stopped. Ask for less, or give it "
                    "more time with --seconds."
                ) from None
            if FULL in told:
                raise UsageError(
                    f"the query needs more than {self._memory:,} MB of memory and was stopped. Ask for less: fewer "
                    "columns, or a condition."
                ) from None
            if isinstance(error, OSError) and not isinstance(error, pa.ArrowException):
                raise
            raise UsageError(f"the query cannot be run: {told[:800]}") from None
        finally:
            watch.cancel()

    def _db(self) -> duckdb.DuckDBPyConnection:
        """Return the connection to the file as it is now; a build puts a new one in its place."""
        there = self._warehouse.file.stat().st_ino
        if self._opened is not None and there == self._file:
            return self._opened
        self.close()
        self._file = there
        db = self._opened = duckdb.connect(str(self._warehouse.file), read_only=True)
        db.execute("set timezone = 'UTC'")
        db.execute("set variable as_of = (select cast(nullif(as_of, '') as timestamptz) from turnout_build)")
        db.execute(f"set allowed_directories = {duck.texts([self._warehouse.root])}")
        db.execute(f"set memory_limit = '{self._memory}MB'")
        db.execute("set temp_directory = ''")
        db.execute("set enable_external_access = false")
        db.execute("set python_enable_replacements = false")
        db.execute("set lock_configuration = true")
        return db
