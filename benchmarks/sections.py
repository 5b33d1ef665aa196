"""What is measured, section by section; each returns plain data, and keeps nothing behind but the histories."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measuring import ROOT, Cost, process, task

END = datetime.fromisoformat("2026-11-20T00:00:00+00:00")
DAY = timedelta(days=1)
Data = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """How it is measured: where things are kept, which sizes, how often each is done (`turns`: each whole build)."""

    cache: Path
    repeats: int
    turns: int
    sizes: tuple[int, ...]
    largest_for_frames: int = 20_000_000
    say: Callable[[str], None] = lambda _: None

    def history(self, events: int) -> Path:
        """Return the folder of a history of this size, made where there is none."""
        self.say(f"history of {events:,} events")
        task("history", self.cache / str(events), events)
        return self.cache / str(events)

    @contextmanager
    def work(self, name: str) -> Iterator[Path]:
        """Give a folder that is gone afterwards; below the cache, so that files can be links."""
        folder = self.cache / "work" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def measured(self, cost: Cost, name: str, *arguments: object) -> Data:
        """Do a task once more, and note what it cost."""
        told, peak = task(name, *arguments)
        cost.add(told, peak)
        self.say(f"  {name}: {told['wall']:.2f} s, {told['cpu']:.2f} cpu-s, {peak:,.0f} MiB")
        return told


def is_there(package: str) -> bool:
    """Whether a peer is installed."""
    return importlib.util.find_spec(package) is not None


def same(home: Path, other: Path, like: Path) -> Data:
    """Compare the published tables of two builds; return rows per table.

    Raises:
        AssertionError: they differ; names the tables.
    """
    one, two = (task("checksums", where, like)[0] for where in (home, other))
    differing = sorted(name for name in one if name != "process" and one[name] != two[name])
    assert not differing, f"{home} and {other} differ in {', '.join(differing)}"
    return {name: told["rows"] for name, told in one.items() if name != "process"}


def startup(bench: Bench) -> Data:
    """Starting: nothing but DuckDB, the command line's help, and a build with nothing new."""
    folder = bench.history(bench.sizes[0])
    costs = {name: Cost() for name in ("import duckdb", "turnout --help", "turnout build, nothing new")}
    turnout = str(Path(sys.executable).with_name("turnout"))
    with bench.work("startup") as work:
        task("clone", folder / "home", work / "home")
        task("whole", work / "home")
        commands = {
            "import duckdb": [sys.executable, "-c", "import duckdb"],
            "turnout --help": [turnout, "--help"],
            "turnout build, nothing new": [turnout, "build", "--as-of", END.isoformat()],
        }
        process(commands["turnout build, nothing new"], {"TURNOUT_HOME": str(work / "home")})
        for _ in range(max(bench.repeats, 5)):
            for name, command in commands.items():
                _, cost, peak = process(command, {"TURNOUT_HOME": str(work / "home")})
                costs[name].add(cost, peak)
    return {name: cost.summary() for name, cost in costs.items()}


def ingest(bench: Bench) -> Data:
    """The same pages to our log and, by dlt, to Parquet."""
    path = bench.cache / "pages.txt"
    task("pages", path)
    costs = {"turnout": Cost(), "dlt": Cost()}
    for _ in range(max(bench.repeats, 7)):
        with bench.work("ingest") as work:
            bench.measured(costs["turnout"], "ingest", path, work / "home")
            if is_there("dlt"):
                bench.measured(costs["dlt"], "dlt", path, work / "dlt")
    return {name: cost.summary() for name, cost in costs.items() if cost.wall}


def builds(bench: Bench, events: int) -> Data:
    """The whole, a day's increment and nothing new, beside the peers."""
    folder = bench.history(events)
    peers = ["naive", "typed"]
    if events <= bench.largest_for_frames:
        peers += [name for name in ("polars", "pandas") if is_there(name)]
    ours = (
        "scan",
        "tables",
        "kept",
        "tables after",
        "tables few",
        "whole",
        "nothing",
        "increment",
        "naive after",
        "few",
    )
    costs = {name: Cost() for name in (*ours, *peers)}
    told: Data = {"events": events, "history": history_of(folder)}
    until = _same_delta(events)
    with bench.work(f"builds-{events}") as work:
        base = work / "base"
        task("clone", folder / "home", base)
        for turn in range(bench.turns):
            for peer in peers:
                bench.measured(costs[peer], peer, folder, END.isoformat(), work / peer)
            bench.measured(costs["tables"], "tables", base)
            if turn == 0:
                told["rows"] = [same(base, work / peer, work / "naive") for peer in peers][0]
            bench.measured(costs["naive after"], "naive", folder, (END + DAY).isoformat(), work / "after")
            for _ in range(bench.repeats):
                _increment(bench, costs["tables after"], folder, base, work, END + DAY, "tables")
            bench.measured(costs["naive after"], "naive", folder, (END + DAY).isoformat(), work / "after")
            for _ in range(bench.repeats):
                _increment(bench, costs["tables few"], folder, base, work, until, "tables")
            bench.measured(costs["kept"], "kept", base)
            if turn == 0:
                same(base, work / "naive", work / "naive")
            told["tables"] = len(bench.measured(costs["whole"], "whole", base)["models"])
            bench.measured(costs["scan"], "scan", base)
            if turn == 0:
                same(base, work / "naive", work / "naive")
            bench.measured(costs["nothing"], "build", base, END.isoformat())
            for _ in range(bench.repeats):
                told["delta"] = _increment(bench, costs["increment"], folder, base, work, END + DAY)
            if turn == 0:
                same(work / "changed", work / "after", work / "naive")
            told["few"] = _increment(bench, costs["few"], folder, base, work, until)
            if turn == 0:
                _clone(work / "changed", work / "again")
                task("whole", work / "again", until.isoformat())
                same(work / "changed", work / "again", work / "naive")
    return {**told, "costs": {name: cost.summary() for name, cost in costs.items() if cost.wall}}


def delta(bench: Bench) -> list[Data]:
    """About as many events more, within the same day, on each history: the six tables, without peers."""
    found: list[Data] = []
    for events in bench.sizes:
        folder, cost = bench.history(events), Cost()
        with bench.work(f"delta-{events}") as work:
            task("clone", folder / "home", work / "base")
            task("tables", work / "base")
            for _ in range(bench.repeats):
                few = _increment(bench, cost, folder, work / "base", work, _same_delta(events), "tables")
        found.append({"events": events, "few": few, **cost.summary()})
    return found


def _same_delta(events: int) -> datetime:
    """Return the moment up to which a history has about as many new events as any other."""
    return END + DAY * min(2_000_000 / events, 1) - timedelta(seconds=1)


def _increment(bench: Bench, cost: Cost, folder: Path, base: Path, work: Path, until: datetime, which: str = "") -> int:
    """Build what is new by a moment, over a copy of what was built before; return the new events."""
    appended = _clone(base, work / "changed", folder, until)
    bench.measured(cost, "build", work / "changed", until.isoformat(), which)
    return appended


def _clone(home: Path, copy: Path, folder: Path | None = None, until: datetime | None = None) -> int:
    shutil.rmtree(copy, ignore_errors=True)
    delta = (folder, until.isoformat()) if folder and until else ()
    return int(task("clone", home, copy, *delta)[0]["appended"])


def history_of(folder: Path) -> Mapping[str, Any]:
    """Return what the generator said of a history."""
    import json

    found: Mapping[str, Any] = json.loads((folder / "history.json").read_bytes())
    return found


def publish(bench: Bench) -> Data:
    """A day's changes against a published baseline, at the first size."""
    folder = bench.history(bench.sizes[0])
    cost = Cost()
    with bench.work("publish") as work:
        home = work / "home"
        task("clone", folder / "home", home)
        task("whole", home)
        outcomes = task("baseline", home, END.isoformat())[0]["outcomes"]
        task("build", home, END.isoformat())
        task("publish", home, END.isoformat())
        _clone(home, work / "changed", folder, END + DAY)
        task("build", work / "changed", (END + DAY).isoformat())
        for _ in range(bench.repeats):
            told = bench.measured(cost, "publish", work / "changed", (END + DAY).isoformat())
    return {"outcomes": outcomes, **cost.summary(), "told": told}


def paging(bench: Bench) -> Data:
    """Pages asked for at 100 ms latency, 32 at once."""
    cost, shares = Cost(), []
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.tasks", "serve"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        url = server.stdout.readline().decode().strip()
        for _ in range(bench.repeats):
            shares.append(bench.measured(cost, "page", url)["share"])
        server.stdin.close()
        server.stdout.read()
    return {**cost.summary(), "shares": shares}


def threads(bench: Bench) -> Data:
    """The same log built with 1 and 2 threads, 15 times each."""
    with bench.work("threads") as work:
        folder = bench.history(200_000)
        return task("threads", folder, work / "home", 15)[0]
