"""SQL over a stream's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from pipelines import duck

ORDER = "(occurred_at, observed_at, event_id)"
"""In which a key's events follow each other, as SQL."""


def over(files: Sequence[str], sql: str) -> str:
    """Return SQL that reads files where it says `from events`, and ORDER where it says `{order}`."""
    return sql.replace("{order}", ORDER).replace("from events", f"from read_parquet({duck.texts(files)})")


@contextmanager
def having(db: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> Iterator[None]:
    """Let a connection know tables by their names."""
    try:
        for name, rows in tables.items():
            db.register(name, rows)
        yield
    finally:
        for name in tables:
            db.unregister(name)
