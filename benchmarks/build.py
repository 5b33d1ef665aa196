"""`make bench`: builds all models over a made history, and compares with reading the columns that they need.

Ratios of two things measured in one run; the machine's own speed drops out. Prints a table.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.history import make
from pipelines.log import Log
from pipelines.run import Workspace

REPEATS = 3


def timed(do: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def median(times: list[float]) -> float:
    """Return the middle one."""
    return sorted(times)[len(times) // 2]


def scan(log: Log) -> None:
    """Read every event's key, times and payload once: the least that a build from the log could do."""
    with duckdb.connect() as db:
        for source, stream in log.streams():
            files = log.files(source, stream)
            if files:
                db.execute(
                    "select count(key), max(occurred_at), sum(strlen(payload)) from read_parquet(?)", [files]
                ).fetchall()


def run(events: int) -> None:
    """Make the history, build, and print what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make(home, events)
        log = Log(home)
        reading = median([timed(lambda: scan(log)) for _ in range(REPEATS)])
        whole = median([timed(Workspace({"TURNOUT_HOME": folder}).rebuild) for _ in range(REPEATS)])
        nothing = median([timed(Workspace({"TURNOUT_HOME": folder}).build) for _ in range(REPEATS)])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows = [
            ("read what a build needs", reading, 1.0),
            ("whole build", whole, whole / reading),
            ("build with nothing new", nothing, nothing / reading),
        ]
        sys.stdout.write(
            f"{events:,} events, median of {REPEATS}, peak {peak:,.0f} MiB (with the making of the events)\n"
        )
        for what, seconds, ratio in rows:
            sys.stdout.write(f"{what:28} {seconds:8.2f} s {ratio:8.2f} ×\n")


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("--events", type=int, default=2_000_000)
    run(words.parse_args().events)
