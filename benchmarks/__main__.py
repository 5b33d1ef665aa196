"""`make bench`: everything that has a target, measured side by side in one run.

Each piece of work runs in a process of its own, in turn with what it is compared with, so that a busy moment of the
machine strikes all of them; the tables of all engines must have equal checksums.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import chart, report, sections
from benchmarks.measuring import ROOT
from benchmarks.sections import Bench

SECTIONS = ("startup", "ingest", "build", "publish", "paging", "threads")
MORE = ("delta",)
"""What is done only where it is asked for: for what it is there, a history of 100 million events, takes an hour."""
PACKAGES = ("duckdb", "deltalake", "pyarrow", "polars", "pandas", "dlt")


def machine(bench: Bench) -> dict[str, Any]:
    """Return what was measured on."""
    packages: dict[str, str] = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "python": platform.python_version(),
        "packages": packages,
        "repeats": bench.repeats,
        "turns": bench.turns,
    }


def measure(bench: Bench, wanted: list[str]) -> dict[str, Any]:
    """Do the sections that are wanted; return everything measured."""
    data: dict[str, Any] = {"machine": machine(bench)}
    for name in wanted:
        bench.say(name)
        if name == "build":
            data["builds"] = [sections.builds(bench, events) for events in bench.sizes]
        else:
            data[name] = getattr(sections, name)(bench)
        keep(bench, data)
    return data


def keep(bench: Bench, data: dict[str, Any]) -> None:
    """Write what was measured so far: what follows may take long, and may fail; `--from` takes it."""
    bench.cache.mkdir(parents=True, exist_ok=True)
    (bench.cache / "results.json").write_text(json.dumps(data, indent=1), encoding="utf-8")


def main() -> int:
    """Read the command line, measure, and tell."""
    words = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    words.add_argument("--events", default="2e6,20e6", help="sizes of the histories, for example 2e6,20e6,100e6")
    words.add_argument("--repeats", type=int, default=3, help="how often each piece of work is done")
    words.add_argument("--turns", type=int, default=1, help="how often all whole builds are done, which take minutes")
    words.add_argument("--frames", default="20e6", help="the largest history that Polars and pandas are given")
    words.add_argument("--only", default=",".join(SECTIONS), help=f"some of {', '.join((*SECTIONS, *MORE))}")
    words.add_argument("--cache", type=Path, default=ROOT / ".bench", help="where histories are kept")
    words.add_argument("--json", action="store_true", help="tell everything measured as JSON")
    words.add_argument("--write", action="store_true", help="write docs/performance.md and its chart")
    words.add_argument("--from", dest="source", type=Path, help="measure nothing; take what --json told before")
    given = words.parse_args()
    wanted = [name for name in (*SECTIONS, *MORE) if name in given.only.split(",")]
    sizes = tuple(sorted(int(float(size)) for size in given.events.split(",")))
    bench = Bench(
        given.cache.resolve(),
        given.repeats,
        given.turns,
        sizes,
        int(float(given.frames)),
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    for peer in ("polars", "pandas", "dlt", "matplotlib"):
        if not sections.is_there(peer):
            bench.say(f"{peer} is not installed and left out: make bench installs it, or pip install {peer}")
    data = json.loads(given.source.read_bytes()) if given.source else measure(bench, wanted)
    print(json.dumps(data, indent=1) if given.json else report.terminal(data))
    if given.write:
        (ROOT / "docs" / "performance.md").write_text(report.page(data), encoding="utf-8")
        chart.draw(data, ROOT / "docs" / "performance.svg")
    missed = [line.what for line in report.figures(data) if line.is_met is False]
    if missed:
        bench.say("not met: " + "; ".join(missed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
