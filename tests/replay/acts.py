"""What a child of the nursery can do: be the command line (and be killed), run until all is settled, look at it."""

from __future__ import annotations

import importlib
import os
import sys
import time
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import orjson

from pipelines import duck
from pipelines import models as sql_models
from pipelines.cli import main
from pipelines.log import OURS, Log
from pipelines.run import Workspace
from pipelines.vendors import registry
from pipelines.verify import verify
from tests.replay.hardship import heed_permissions, let_no_file_grow, turn_clock
from tests.replay.killer import Watch
from tests.searches import lift

NOBODY = ("", 0, "before")
"""Nobody is killed."""

LATE = ("pandas", "pyarrow.dataset", "pipelines.registering")
"""What a run imports only when it needs it, which takes nearly as long as the run; DuckDB looks for the first two."""
OUR_CLOCK = {"observed_at", "batch", "run", "plan", "intent", "event_id"}
"""Columns that say when and by which run something was seen; two runs that did the same differ in them alone."""
OUR_WORDS = {"stg_turnout__intents", "stg_turnout__outcomes"}
"""Models of what we said ourselves, run by run; their content is compared as `published` instead."""


def warm_up() -> None:
    """Do once what every child would do alike."""
    sql_models.load()
    for name in LATE:
        importlib.import_module(name)
    duck.close()
    duck.THREADS = 1
    lift()
    assert registry.SOURCES


def command(
    told: Path,
    *,
    words: list[str],
    kill: tuple[str, int, str] = NOBODY,
    hours: float = 0.0,
    largest_file: int = 0,
    is_plain: bool = False,
) -> None:
    """Be `turnout …`, killed at a point; gives back every point that it passed, where it lives to tell.

    Args:
        hours: how wrong our clock is.
        largest_file: bytes that a file can hold, 0 for any number.
        is_plain: heed permissions, even as root.
    """
    if hours:
        turn_clock(timedelta(hours=hours))
    if is_plain:
        heed_permissions()
    watch = Watch(*kill)
    watch.begin()
    if largest_file:
        let_no_file_grow(largest_file)
    sys.argv = ["turnout", *words]
    try:
        main()
    finally:
        if not largest_file:
            told.write_bytes(orjson.dumps(watch.seen))


def say(told: Path, *, words: list[str], module: str) -> None:
    """Be `turnout …`, and leave nothing but what it says; `module` has the `main` that is called."""
    sys.argv = ["turnout", *words]
    import_module(module).main()


def settle(told: Path, *, runs: int = 2, kill: tuple[str, int, str] = NOBODY) -> None:
    """Run; run once more, which must find nothing to do; then look at everything."""
    Watch(*kill).begin()
    receipts = [Workspace().run() for _ in range(runs)]
    found = look(Workspace())
    found["partial"] = any(receipt.is_partial for receipt in receipts)
    found["changes left"] = receipts[-1].plan.total if runs > 1 and receipts[-1].plan else 0
    told.write_bytes(orjson.dumps(found))


def look(opened: Workspace) -> dict[str, Any]:
    """Return all that there is: the log's events, what was published, every model's rows, and what verify finds."""
    log = opened.log
    return {
        "events": {f"{source}/{stream}": events(log, source, stream) for source, stream in log.streams()},
        "published": published(log),
        "models": rows(opened),
        "problems": [f"{one.stream}: {one.problem}" for one in verify(Log(log.home))],
    }


def events(log: Log, source: str, stream: str) -> list[str]:
    """Return the events of a stream: ids, and of our own what they say, apart from who said it when."""
    if source == OURS:
        if stream in ("intents", "outcomes"):
            return []
        return [str(digest) for (digest,) in log.query(source, stream, "select hex(digest) from events order by 1", {})]
    sql = "select account, key, kind, hex(event_id) from events order by 1, 2, 4"
    return ["|".join(map(str, row)) for row in log.query(source, stream, sql, {})]


def published(log: Log) -> list[str]:
    """Return what the vendors confirmed, record by record, with what was told of it; each stands once."""
    told = [
        orjson.loads(payload) for (payload,) in log.query(OURS, "outcomes", "select payload from events order by 1", {})
    ]
    return sorted(
        orjson.dumps([one["object"], one["key"], one["fields"]], option=orjson.OPT_SORT_KEYS).decode()
        for one in told
        if one["status"] == "published"
    )


def rows(opened: Workspace) -> dict[str, list[str]]:
    """Return the rows of every model as readers find them, in an order of their own."""
    with duckdb.connect(str(opened.warehouse.file), read_only=True) as db:
        db.execute("set timezone = 'UTC'")
        names = db.execute("select view_name from duckdb_views() where not internal order by 1").fetchall()
        assert {name for (name,) in names} == {
            name for name, entry in opened.warehouse.catalog().entries.items() if entry.files
        }
        return {name: _rows(db, name) for (name,) in names if name not in OUR_WORDS}


def _rows(db: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    found = db.execute(f"from {name}")
    kept = [at for at, column in enumerate(found.description or ()) if column[0] not in OUR_CLOCK]
    return sorted(str(tuple(row[at] for at in kept)) for row in found.fetchall())


def hold(told: Path, *, seconds: float) -> None:
    """Hold the folder as `turnout run` does, and say so by a file."""
    sys.argv = ["turnout", "run"]
    with Workspace().log.locked():
        told.write_bytes(orjson.dumps(os.getpid()))
        time.sleep(seconds)
