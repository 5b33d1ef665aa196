"""Runs the command line and kills itself (SIGKILL) at one exact moment.

    python -m tests.replay.killer http 12 after run

kills right after the twelfth HTTP call; `commit` counts commits of the log, `rename` files put in their place. With
the number 0 nobody is killed, and the counts go to standard error when it ends.
"""

from __future__ import annotations

import os
import pathlib
import signal
import sys
from collections.abc import Callable
from typing import Any

import requests

import pipelines.log
from pipelines.cli import main

COUNTS = {"http": 0, "commit": 0, "rename": 0}


def watched(kind: str, do: Callable[..., Any], where: str, number: int, when: str) -> Callable[..., Any]:
    """Return `do`, counted, and deadly the given time."""

    def done(*args: Any, **kwargs: Any) -> Any:
        COUNTS[kind] += 1
        is_due = kind == where and COUNTS[kind] == number
        if is_due and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = do(*args, **kwargs)
        if is_due:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return done


def run(where: str, number: int, when: str, words: list[str]) -> None:
    """Run the command line under watch."""
    how = (where, number, when)
    requests.Session.request = watched("http", requests.Session.request, *how)  # type: ignore[method-assign]
    pipelines.log.write_deltalake = watched("commit", pipelines.log.write_deltalake, *how)
    pathlib.Path.replace = watched("rename", pathlib.Path.replace, *how)  # type: ignore[method-assign]
    sys.argv = ["turnout", *words]
    try:
        main()
    finally:
        sys.stderr.write(f"counts {COUNTS}\n")


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:])
