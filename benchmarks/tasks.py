"""One piece of measured work in a process of its own: `python -m benchmarks.tasks NAME ARGUMENTS`.

The last line on stdout is JSON: seconds and processor seconds of the work alone (imports and preparation left out), and
what it says of itself. Who starts the process adds its peak memory.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.company import END

Told = dict[str, Any]
DAY = timedelta(days=1)


def timed(work: Callable[[], Any]) -> tuple[Any, Told]:
    """Do some work; return its result, and what it cost."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def naive(folder: str, as_of: str, out: str, threads: str = "") -> Told:
    """The whole, by straightforward SQL."""
    from benchmarks import deliveries
    from benchmarks.peers import naive as peer

    moment = datetime.fromisoformat(as_of)
    files = deliveries.all_files(Path(folder), moment)
    return timed(lambda: peer.build(files, moment, Path(out), int(threads) if threads else None))[1]


def polars(folder: str, as_of: str, out: str) -> Told:
    """The whole, by lazy frames of Polars."""
    from benchmarks import deliveries
    from benchmarks.peers import polars_frames as peer

    moment = datetime.fromisoformat(as_of)
    files = deliveries.all_files(Path(folder), moment)
    return timed(lambda: peer.build(files, moment, Path(out)))[1]


def pandas(folder: str, as_of: str, out: str) -> Told:
    """The whole, by frames of pandas."""
    from benchmarks import deliveries
    from benchmarks.peers import pandas_frames as peer

    moment = datetime.fromisoformat(as_of)
    files = deliveries.all_files(Path(folder), moment)
    return timed(lambda: peer.build(files, moment, Path(out)))[1]


def _workspace(home: str) -> Any:
    from pipelines.run import Workspace

    return Workspace({"TURNOUT_HOME": home})


def _models(receipt: Any) -> Told:
    return {
        "models": {built.name: round(built.seconds, 3) for built in receipt.models.values()},
        "written": sum(built.written for built in receipt.models.values()),
        "rebuilt": receipt.rebuilt,
    }


def whole(home: str, as_of: str = END.isoformat()) -> Told:
    """The whole, by `turnout rebuild`."""
    workspace = _workspace(home)
    receipt, cost = timed(lambda: workspace.rebuild(datetime.fromisoformat(as_of)))
    return {**cost, **_models(receipt)}


def build(home: str, as_of: str) -> Told:
    """What is new, by `turnout build`."""
    workspace = _workspace(home)
    receipt, cost = timed(lambda: workspace.build(datetime.fromisoformat(as_of)))
    return {**cost, **_models(receipt)}


def scan(home: str) -> Told:
    """The limit: every event's key, times and payload read once."""
    import duckdb

    from pipelines.log import Log

    log = Log(Path(home))
    files = [found for source, stream in log.streams() if (found := log.files(source, stream))]

    def read() -> None:
        with duckdb.connect() as db:
            for some in files:
                db.execute("select max(hash(key, scope, kind, occurred_at, observed_at)), sum(strlen(payload)) from read_parquet(?)", [some])

    return timed(read)[1]


def checksums(where: str) -> Told:
    """Checksums of the published tables: of a home, or of a folder of Parquet files."""
    import duckdb

    from benchmarks.checksums import checksum
    from benchmarks.peers import OUTPUTS

    if (Path(where) / "contact_metrics.parquet").exists():
        with duckdb.connect() as db:
            db.execute("set timezone = 'UTC'")
            return {name: checksum(db, f"read_parquet('{where}/{name}.parquet')") for name in OUTPUTS}
    with _workspace(where).warehouse.connect() as db:
        return {name: checksum(db, name) for name in OUTPUTS}


def history(folder: str, events: str) -> Told:
    """Make a history where there is none."""
    from benchmarks import history as maker

    return maker.make(Path(folder), int(events))


def clone(home: str, copy: str, folder: str = "", until: str = "") -> Told:
    """Make a home like another, and append the delta of a history's folder up to a moment."""
    from benchmarks import history as maker

    maker.clone(Path(home), Path(copy))
    return {"appended": maker.append_delta(Path(folder), Path(copy), datetime.fromisoformat(until)) if until else 0}


TASKS: dict[str, Callable[..., Told]] = {
    one.__name__: one for one in (naive, polars, pandas, whole, build, scan, checksums, history, clone)
}


if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
