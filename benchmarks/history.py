"""Makes an event log as large as wanted, without any vendor: `python -m benchmarks.history --events 2000000 FOLDER`.

Below the folder: `home/log` is the log as three years of runs leave it (a commit a month, then one a day in the last
month), `redelivered` what the vendors sent a second time (the log drops it; who reads deliveries has to), and `delta`
with `delta-redelivered` the day after. The ids of events are hashes of their content, though not those of ingest.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake

from benchmarks import company
from benchmarks.company import END, START, STREAMS, Size
from pipelines.events import EVENT_SCHEMA
from pipelines.log import AT, CURSORS, TABLE, WRITER

FORMAT = 4
"""Counts up when the made history changes, so that a kept one is not taken for it."""
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
REDELIVERED = 0.01


def spans() -> list[Span]:
    """Return the spans of the commits: months, then the days of the last one."""
    months = [
        START.replace(year=START.year + (START.month - 1 + n) // 12, month=(START.month - 1 + n) % 12 + 1)
        for n in range(36)
    ]
    spans = list(zip(months, months[1:], strict=False))
    day = months[-1]
    while day < END:
        spans.append((day, day + DAY))
        day += DAY
    return spans


def made(db: duckdb.DuckDBPyConnection, size: Size, name: str, begin: datetime, end: datetime) -> pa.Table:
    """Return a stream's events of a span, in the order in which the log keeps them."""
    account, sql = STREAMS[name]
    return (
        db.sql(
            f"""
        select unhex(md5('{name}' || key || kind || coalesce(payload, ''))) as event_id, '{account}' as account, scope, key, kind,
            occurred_at, timestamptz '{end.isoformat()}' as observed_at, 'made' as batch,
            unhex(md5(coalesce(payload, 'absent'))) as digest, payload
        from ({sql(size, begin, end)}) order by occurred_at, event_id
        """
        )
        .to_arrow_table()
        .cast(EVENT_SCHEMA)
    )


def commit(table: DeltaTable, rows: pa.Table, at: datetime) -> None:
    """Append rows to a stream as ingest would."""
    told = {CURSORS: "{}", AT: at.isoformat(), "turnout.run": "made", "turnout.observed_at": at.isoformat()}
    write_deltalake(
        table, rows, mode="append", writer_properties=WRITER, commit_properties=CommitProperties(custom_metadata=told)
    )


def twice(db: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Table:
    """Return the rows that come once more, an hour later."""
    db.register("delivered", rows)
    found = db.sql(
        f"""
        select * replace (observed_at + interval 1 hour as observed_at) from delivered
        where hash(event_id) / 18446744073709551616.0 < {REDELIVERED}
        """
    ).to_arrow_table()
    db.unregister("delivered")
    return found.cast(EVENT_SCHEMA)


def table_at(home: Path, name: str) -> DeltaTable:
    """Return a stream's table, made where there is none."""
    folder = home / "log" / name
    if (folder / "_delta_log").is_dir():
        return DeltaTable(str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    return DeltaTable.create(str(folder), schema=EVENT_SCHEMA, configuration=dict(TABLE))


def keep(rows: pa.Table, path: Path) -> None:
    """Write rows as one Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        rows, path, compression="zstd", compression_level=1, use_dictionary=["account", "kind", "batch", "scope"]
    )


def make(folder: Path, events: int, commits: Sequence[Span] = ()) -> dict[str, Any]:
    """Write a history of about so many events below `folder`; what is there already is taken as it is.

    Args:
        commits: the spans of the commits, from START to END without a gap; those of `spans` where none are given.
    """
    about = folder / "history.json"
    if about.exists():
        told: dict[str, Any] = json.loads(about.read_bytes())
        if told["format"] == FORMAT and told["asked"] == events:
            return told
    shutil.rmtree(folder, ignore_errors=True)
    size = Size(events)
    started = time.monotonic()
    counts: dict[str, int] = {}
    delta_counts: dict[str, int] = {}
    with duckdb.connect() as db:
        for statement in [*company.macros(size), company.webinars(size), company.sessions()]:
            db.execute(statement)
        for name in STREAMS:
            table = table_at(folder / "home", name)
            for number, (begin, end) in enumerate(commits or spans()):
                rows = made(db, size, name, begin, end)
                counts[name] = counts.get(name, 0) + rows.num_rows
                if rows.num_rows:
                    commit(table, rows, end)
                    keep(twice(db, rows), folder / "redelivered" / name / f"{number:03d}.parquet")
            rows = made(db, size, name, END, END + DAY)
            delta_counts[name] = rows.num_rows
            keep(rows, folder / "delta" / f"{name}.parquet")
            keep(twice(db, rows), folder / "delta-redelivered" / f"{name}.parquet")
            sys.stderr.write(f"{name}: {counts[name]:,} events, {delta_counts[name]:,} more in a day\n")
    told = {
        "format": FORMAT,
        "asked": events,
        "events": sum(counts.values()),
        "delta": sum(delta_counts.values()),
        "people": size.people,
        "webinars": size.webinars,
        "streams": counts,
        "bytes": sum(path.stat().st_size for path in folder.rglob("*.parquet")),
        "seconds": round(time.monotonic() - started, 1),
    }
    about.write_text(json.dumps(told, indent=2))
    return told


def clone(home: Path, copy: Path) -> Path:
    """Make a home like another; immutable files are links, so that what is added to the copy stays out of the first."""
    for path in home.rglob("*"):
        twin = copy / path.relative_to(home)
        if path.is_dir():
            twin.mkdir(parents=True, exist_ok=True)
            continue
        twin.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet" and "_delta_log" not in path.parts:
            os.link(path, twin)
        elif path.name != "warehouse.duckdb":
            shutil.copyfile(path, twin)
    return copy


def append_delta(folder: Path, home: Path, until: datetime = END + DAY) -> int:
    """Append the day after, as far as it is known by `until`: one commit a stream; return the events."""
    total = 0
    for name in STREAMS:
        rows = pq.read_table(folder / "delta" / f"{name}.parquet").cast(EVENT_SCHEMA)
        if until < END + DAY:
            rows = rows.filter(pa.compute.less(rows["occurred_at"], pa.scalar(until, pa.timestamp("us", tz="UTC"))))
        if rows.num_rows:
            commit(table_at(home, name), rows, until)
            total += rows.num_rows
    return total


def append_redelivered(folder: Path, home: Path) -> None:
    """Append what came a second time, as if the log did not drop it: whatever is computed may not depend on order."""
    for name in STREAMS:
        for path in sorted((folder / "redelivered" / name).glob("*.parquet")):
            commit(table_at(home, name), pq.read_table(path).cast(EVENT_SCHEMA), END)


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("folder", type=Path)
    words.add_argument("--events", type=float, default=2e6)
    given = words.parse_args()
    print(json.dumps(make(given.folder, int(given.events)), indent=2))
