"""Runs the command line and kills itself (SIGKILL) at one exact moment.

    python -m tests.replay.killer http 12 after run

kills right after the twelfth HTTP call; KINDS says what else is counted. With the number 0 nobody is killed, and the
counts go to standard error when it ends.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import deltalake
import requests
from deltalake.table import TableOptimizer

import pipelines.run
from pipelines.cli import main

KINDS = {
    "http": "calls to a vendor",
    "commit": "commits of the log, and whatever else is done to its tables: made, compacted, vacuumed",
    "rename": "files put in their place",
    "fsync": "files brought to the disk",
    "unlink": "files taken away",
}
STEPS = ("ingest", "build", "plan", "apply")
COUNTS = dict.fromkeys(KINDS, 0)
ONE_AT_A_TIME = threading.Lock()
IN_STEP: list[str] = [""]


class Watch:
    """Counts what a run does, and kills it at the one point that was named.

    Attributes:
        seen: kind, step of the run and thing done, in order; whoever knows it can name every point.
    """

    def __init__(self, kind: str = "", number: int = 0, when: str = "before") -> None:
        self.deadly = (kind, number)
        self.when = when
        self.seen: list[tuple[str, str, str]] = []

    def over(self, kind: str, do: Callable[..., Any], name: str = "") -> Callable[..., Any]:
        """Return `do`, counted, and deadly the given time."""

        @functools.wraps(do)
        def done(*args: Any, **kwargs: Any) -> Any:
            with ONE_AT_A_TIME:
                COUNTS[kind] += 1
                is_due = self.deadly == (kind, COUNTS[kind])
                self.seen.append((kind, IN_STEP[-1], f"{name or do.__name__} {thing(kind, args, kwargs)}"))
            if is_due and self.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return do(*args, **kwargs)
            finally:
                if is_due:
                    os.kill(os.getpid(), signal.SIGKILL)

        return done

    def begin(self) -> None:
        """Watch this process from now on."""
        requests.Session.request = self.over("http", requests.Session.request)  # type: ignore[method-assign]
        for name in ("replace", "rename"):
            setattr(os, name, self.over("rename", getattr(os, name)))
        os.fsync = self.over("fsync", os.fsync)
        for name in ("unlink", "remove"):
            setattr(os, name, self.over("unlink", getattr(os, name)))
        self._watch_tables()
        for step in STEPS:
            setattr(pipelines.run.Workspace, step, in_step(step, getattr(pipelines.run.Workspace, step)))

    def _watch_tables(self) -> None:
        for owner, names in (
            (
                deltalake.DeltaTable,
                (
                    "create_write_transaction",
                    "vacuum",
                    "create_checkpoint",
                    "cleanup_metadata",
                    "delete",
                    "restore",
                ),
            ),
            (TableOptimizer, ("compact", "z_order")),
        ):
            for name in names:
                setattr(owner, name, self.over("commit", getattr(owner, name)))
        made = deltalake.DeltaTable.create.__func__  # type: ignore[attr-defined]
        deltalake.DeltaTable.create = classmethod(self.over("commit", made, "create"))  # type: ignore[assignment]


def thing(kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return a word for what is done: the call, the table, the file."""
    if kind == "http":
        url = str(args[2]) if len(args) > 2 else str(kwargs.get("url"))
        return f"{args[1] if len(args) > 1 else kwargs.get('method')} /{url.split('/', 3)[-1]}"
    named = next((arg for arg in args if isinstance(arg, str | os.PathLike)), "")
    uri = next((arg.table_uri for arg in args if isinstance(arg, deltalake.DeltaTable)), "")
    return "/".join(str(uri or os.fspath(named)).rstrip("/").split("/")[-2:])


def in_step(step: str, do: Callable[..., Any]) -> Callable[..., Any]:
    """Return `do`, which says in which step of a run all that it does is."""

    @functools.wraps(do)
    def done(*args: Any, **kwargs: Any) -> Any:
        IN_STEP.append(step)
        try:
            return do(*args, **kwargs)
        finally:
            IN_STEP.pop()

    return done


def run(where: str, number: int, when: str, words: list[str]) -> None:
    """Run the command line under watch."""
    Watch(where, number, when).begin()
    sys.argv = ["turnout", *words]
    try:
        main()
    finally:
        sys.stderr.write(f"counts {COUNTS}\n")


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:])
