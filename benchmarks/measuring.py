"""Runs tasks in processes of their own, in turn, and keeps what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class Failed(Exception):
    """A task ended with an error; carries the end of what it said."""


@dataclass
class Cost:
    """What one kind of work cost, each time it was done."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)

    def add(self, told: Mapping[str, Any], peak: float) -> None:
        """Note one more time."""
        self.wall.append(float(told["wall"]))
        self.cpu.append(float(told["cpu"]))
        self.peak.append(peak)
        self.told = dict(told)

    def summary(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"wall": self.wall, "cpu": self.cpu, "peak_mib": self.peak, "told": self.told}


def median(values: Iterable[float]) -> float:
    """Return the middle one, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def process(command: list[str], environment: Mapping[str, str] | None = None) -> tuple[str, dict[str, float], float]:
    """Run a process to its end; return its stdout, what it cost as a whole, and its peak memory in MiB.

    Raises:
        Failed: it ended with an error.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            command, stdout=out, stderr=err, cwd=ROOT, env={**os.environ, **(environment or {}), "DO_NOT_TRACK": "1"}
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        for file in (out, err):
            file.seek(0)
        said, complained = out.read().decode(), err.read().decode()
    if child.returncode:
        raise Failed(f"{' '.join(command)} ended with {child.returncode}: {(complained or said)[-2000:]}")
    return said, {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime}, usage.ru_maxrss / 1024


def task(name: str, *arguments: object, environment: Mapping[str, str] | None = None) -> tuple[dict[str, Any], float]:
    """Run a task of `benchmarks.tasks`; return what it told, and its peak memory in MiB."""
    said, cost, peak = process([sys.executable, "-m", "benchmarks.tasks", name, *map(str, arguments)], environment)
    told: dict[str, Any] = json.loads(said.splitlines()[-1])
    return {**told, "process": cost}, peak
