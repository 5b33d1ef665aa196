"""One piece of measured work in a process of its own: `python -m benchmarks.tasks NAME ARGUMENTS`.

The last line on stdout is JSON: seconds and processor seconds of the work alone (imports and preparation left out), and
what it says of itself. Who starts the process adds its peak memory.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
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


def typed(folder: str, as_of: str, out: str) -> Told:
    """The whole, by straightforward SQL that starts from typed columns; making these is not counted."""
    from benchmarks import deliveries
    from benchmarks.peers import naive as peer
    from benchmarks.peers import typed as head_start

    moment = datetime.fromisoformat(as_of)
    sql = peer.STAGING.read_text(encoding="utf-8")
    files = head_start.prepare(
        deliveries.all_files(Path(folder), moment), sql, Path(folder) / "typed" / moment.strftime("%Y%m%d")
    )
    staging = head_start.over_columns(sql)
    return timed(lambda: peer.build(files, moment, Path(out), staging=staging))[1]


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
    """The whole, by `turnout rebuild`: every table, those too that no peer makes."""
    workspace = _workspace(home)
    receipt, cost = timed(lambda: workspace.rebuild(datetime.fromisoformat(as_of)))
    return {**cost, **_models(receipt)}


def tables(home: str, as_of: str = END.isoformat()) -> Told:
    """The whole of what the peers make: their six tables, and the models that these read."""
    import shutil

    workspace = _workspace(home)
    wanted = needed(workspace.models)

    def rebuild() -> Any:
        shutil.rmtree(workspace.warehouse.root, ignore_errors=True)
        return workspace.build(datetime.fromisoformat(as_of), only=wanted)

    receipt, cost = timed(rebuild)
    return {**cost, **_models(receipt)}


def kept(home: str, as_of: str = END.isoformat()) -> Told:
    """The same six tables and what they read, where staging stands already: typed columns and keys, no JSON."""
    workspace = _workspace(home)
    before = workspace.warehouse.catalog()
    staged = {name: entry for name, entry in before.entries.items() if name.startswith("stg_")}
    workspace.warehouse.swap(before, replace(before, entries=staged))
    wanted = needed(workspace.models)
    receipt, cost = timed(lambda: workspace.build(datetime.fromisoformat(as_of), only=wanted))
    return {**cost, **_models(receipt)}


def build(home: str, as_of: str, which: str = "") -> Told:
    """What is new, by `turnout build`; with `tables` what the peers' tables need alone."""
    workspace = _workspace(home)
    wanted = needed(workspace.models) if which == "tables" else None
    receipt, cost = timed(lambda: workspace.build(datetime.fromisoformat(as_of), only=wanted))
    return {**cost, **_models(receipt)}


def needed(models: Mapping[str, Any]) -> set[str]:
    """Return the peers' tables and all models that these are made of."""
    from benchmarks.peers import OUTPUTS

    found: set[str] = set()
    waiting = list(OUTPUTS)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += models[name].reads
    return found


def scan(home: str) -> Told:
    """The limit: every event's key, times and payload read once."""
    import duckdb

    from pipelines.log import Log

    log = Log(Path(home))
    files = [found for source, stream in log.streams() if (found := log.files(source, stream))]

    def read() -> None:
        with duckdb.connect() as db:
            for some in files:
                db.execute(
                    "select max(hash(key, scope, kind, occurred_at, observed_at)), sum(strlen(payload)) from read_parquet(?)",
                    [some],
                )

    return timed(read)[1]


def checksums(where: str, like: str) -> Told:
    """Checksums of the published tables, of a home or of a folder of Parquet files, over the columns of another folder."""
    import duckdb

    from benchmarks.checksums import checksum
    from benchmarks.peers import OUTPUTS

    is_home = (Path(where) / "models").is_dir()
    found: Told = {}
    with _workspace(where).warehouse.connect() if is_home else duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        for name in OUTPUTS:
            only = [
                row[0] for row in db.execute(f"describe select * from read_parquet('{like}/{name}.parquet')").fetchall()
            ]
            found[name] = checksum(db, name if is_home else f"read_parquet('{where}/{name}.parquet')", only)
    return found


def history(folder: str, events: str) -> Told:
    """Make a history where there is none."""
    from benchmarks import history as maker

    return maker.make(Path(folder), int(events))


def clone(home: str, copy: str, folder: str = "", until: str = "") -> Told:
    """Make a home like another, and append the delta of a history's folder up to a moment."""
    from benchmarks import history as maker

    maker.clone(Path(home), Path(copy))
    return {"appended": maker.append_delta(Path(folder), Path(copy), datetime.fromisoformat(until)) if until else 0}


def pages(path: str) -> Told:
    """Make the pages of the measure of ingest where there are none."""
    from benchmarks import pages as maker

    if not Path(path).exists():
        maker.save(Path(path), maker.pages())
    return {}


def ingest(path: str, home: str) -> Told:
    """Pages to the durable log, by the readers and `Log.append`; then all of it once more, when nothing is news."""
    from benchmarks import ingesting
    from benchmarks import pages as maker

    made = maker.load(Path(path))
    for _ in range(2):
        ingesting.ingest(maker.first(made), Path(home) / "first")
    appended, cost = timed(lambda: ingesting.ingest(made, Path(home)))
    again, second = timed(lambda: ingesting.ingest(made, Path(home)))
    return {**cost, "records": appended, "again": again, "again_cpu": second["cpu"]}


def dlt(path: str, out: str) -> Told:
    """Pages to Parquet, by dlt."""
    from benchmarks import pages as maker
    from benchmarks.peers import dlt_pipeline

    made = maker.load(Path(path))
    for _ in range(2):
        dlt_pipeline.ingest(maker.first(made), Path(out) / "first")
    return {**timed(lambda: dlt_pipeline.ingest(made, Path(out)))[1], "records": maker.RECORDS}


def publish(home: str, as_of: str) -> Told:
    """The plan of what changed since the baseline, and what sending it takes."""
    import orjson

    from benchmarks import publishing

    plan, cost = timed(lambda: publishing.make(Path(home), datetime.fromisoformat(as_of)))
    told = publishing.sending(plan, Path(home))
    rows = [row for row in plan.rows["hubspot"] if row.object == "contact" and row.operation == "update"]
    if rows:
        rows *= max(1, 100_000 // len(rows))
    _, plain = timed(lambda: publishing.bodies(rows, publishing.dumped))
    _, ours = timed(lambda: publishing.bodies(rows, orjson.dumps))
    return {**cost, **told, "serialised": len(rows), "json_cpu": plain["cpu"], "ours_cpu": ours["cpu"]}


def baseline(home: str, at: str) -> Told:
    """Say in the log that all that the sync models want was published."""
    from benchmarks import publishing

    return {"outcomes": publishing.baseline(Path(home), datetime.fromisoformat(at))}


def serve() -> Told:
    """Answer slowly until stdin ends; the first line on stdout is the address."""
    from benchmarks import paging

    with paging.server() as url:
        print(url, flush=True)
        sys.stdin.read()
    return {}


def page(url: str) -> Told:
    """Ask a slow server for many pages."""
    from benchmarks import paging

    paging.read(url, 64)
    share, cost = timed(lambda: paging.read(url))
    return {**cost, "share": share}


def threads(folder: str, home: str, times: str) -> Told:
    """Build the whole again and again with 1 and 2 threads, redeliveries in the log; count the different results."""
    import shutil

    from benchmarks import history as maker
    from benchmarks.checksums import checksum
    from benchmarks.peers import OUTPUTS
    from pipelines import transform

    maker.clone(Path(folder) / "home", Path(home))
    maker.append_redelivered(Path(folder), Path(home))
    workspace = _workspace(home)
    workspace.record_settings()
    found: Told = {}
    for turn in range(int(times)):
        for count in (1, 2):
            shutil.rmtree(workspace.warehouse.root, ignore_errors=True)
            with workspace.log.locked():
                transform.build(workspace.log, workspace.models, as_of=END, threads=count)
            with workspace.warehouse.connect() as db:
                sums = json.dumps([checksum(db, name)["sum"] for name in OUTPUTS])
            found.setdefault(sums, []).append(f"{turn + 1} with {count}")
    same = max(map(len, found.values()))
    return {"builds": 2 * int(times), "same": same, "results": len(found)}


TASKS: dict[str, Callable[..., Told]] = {
    one.__name__: one
    for one in (
        naive,
        typed,
        polars,
        pandas,
        whole,
        tables,
        kept,
        build,
        scan,
        checksums,
        history,
        clone,
        pages,
        ingest,
        dlt,
        publish,
        baseline,
        serve,
        page,
        threads,
    )
}


if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
