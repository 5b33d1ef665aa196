"""The one DuckDB of a process that looks things up; opening one costs more than most of what it is asked.

Who builds models has one of their own, whose memory and threads are set for that.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import duckdb

FORMAT = "v1.5.0"
"""Files are written for DuckDB 1.5, since people's tools lag; 2.0 reads them too."""
THREADS = 0
"""Threads of that DuckDB; 0 for one on each core. One is quicker where everything is small."""
_number = count()
_opened: dict[int, duckdb.DuckDBPyConnection] = {}
"""By process: a fork cannot take the threads along, so it opens its own, and leaves the other one untouched."""


def look() -> duckdb.DuckDBPyConnection:
    """Return a connection in UTC with no tables but temporary ones, which nobody else sees and which go when it closes.

    Close it.
    """
    process = os.getpid()
    if process not in _opened:
        _opened[process] = duckdb.connect(config={"threads": THREADS} if THREADS else {})
    db = _opened[process].cursor()
    db.execute("set timezone = 'UTC'")
    return db


def text(value: object) -> str:
    """Return a value, such as a path, as it is written in SQL."""
    quoted = str(value).replace("'", "''")
    return f"'{quoted}'"


def texts(values: Iterable[object]) -> str:
    """Return a list of values as it is written in SQL."""
    return f"[{', '.join(map(text, values))}]"


@contextmanager
def file(path: Path, like: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Write a new file of DuckDB's, empty at first or as another is; it is whole when the context ends.

    Raises:
        duckdb.Error: `like` is no such file, or the disk refuses.
    """
    for leftover in (path, path.with_suffix(f"{path.suffix}.wal")):
        leftover.unlink(missing_ok=True)
    if like is not None:
        shutil.copyfile(like, path)
    name = f"file{next(_number)}"
    with look() as db:
        db.execute(f"attach {text(path)} as {name} (storage_version '{FORMAT}')")
        try:
            db.execute(f"use {name}")
            yield db
            db.execute(f"checkpoint {name}")
        finally:
            db.execute("use memory")
            db.execute(f"detach {name}")


def close() -> None:
    """Close it, and with it all connections to it; the next look opens another."""
    if (db := _opened.pop(os.getpid(), None)) is not None:
        db.close()
