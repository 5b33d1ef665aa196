"""A process that has imported everything and opened nothing: each command is a fork of it, ready in milliseconds.

A fork is a process of its own, so it can be killed like any other. The nursery holds no thread, no connection and no
table, which a fork could not take along; where a line on its standard input asks for a child, it answers with a line
when the child has ended.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 90.0
HUNG = 124
"""The status of a child that did not end."""


class Ended:
    """How a child ended.

    Attributes:
        status: the exit status, negative for a signal.
        told: what the act gave back; None where it was killed.
    """

    def __init__(self, status: int, folder: Path) -> None:
        self.status = status
        self.out = (folder / "out").read_text(encoding="utf-8", errors="replace")
        self.err = (folder / "err").read_text(encoding="utf-8", errors="replace")
        told = folder / "told"
        self.told: Any = orjson.loads(told.read_bytes()) if told.exists() else None

    @property
    def is_killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.status == -signal.SIGKILL


class Nursery:
    """Asks for children, from another process. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.replay.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stdin.close()  # type: ignore[union-attr]
        self._server.stdout.close()  # type: ignore[union-attr]
        self._server.wait(10)

    def child(
        self,
        act: str,
        environment: Mapping[str, str],
        *,
        moment: float | None = None,
        longest: float = LONGEST_SECONDS,
        cwd: Path = ROOT,
        stdin: str = "",
        **how: Any,
    ) -> Ended:
        """Do an act of `acts.py` in a child, and wait for its end.

        Args:
            moment: kill it after so many seconds. longest: it hangs if it takes longer.
            stdin: what its standard input says.
        """
        self._number += 1
        folder = self.folder / f"child{self._number:05d}"
        folder.mkdir(parents=True)
        (folder / "in").write_text(stdin, encoding="utf-8")
        job = {"act": act, "environment": dict(environment), "how": how, "folder": str(folder), "cwd": str(cwd)}
        job |= {"moment": moment, "longest": longest}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(orjson.dumps(job) + b"\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        assert answer, "the nursery has died"
        return Ended(int(answer), folder)


def serve() -> None:
    """Answer line by line until standard input ends."""
    from tests.replay import acts

    acts.warm_up()
    gc.freeze()  # what is here already is neither looked at nor copied in a child
    while line := sys.stdin.buffer.readline():
        job = orjson.loads(line)
        child = os.fork()
        if child == 0:
            _be(acts, job)
        sys.stdout.write(f"{_wait(child, job['moment'], job['longest'])}\n")
        sys.stdout.flush()


def _be(acts: Any, job: dict[str, Any]) -> None:
    """Be the child: never returns."""
    folder = Path(job["folder"])
    os.environ.clear()
    os.environ.update({"PATH": os.defpath, "TMPDIR": str(folder), "TOKIO_WORKER_THREADS": "1", **job["environment"]})
    os.chdir(job["cwd"])
    for number, name in enumerate(("in", "out", "err")):
        file = os.open(folder / name, os.O_CREAT | (os.O_WRONLY | os.O_APPEND if number else os.O_RDONLY), 0o666)
        os.dup2(file, number)
    status = 0
    try:
        getattr(acts, job["act"])(folder / "told", **job["how"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - a child says what went wrong, whatever it is
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _wait(child: int, moment: float | None, longest: float) -> int:
    began = time.monotonic()
    while True:
        found, told = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(told)
        passed = time.monotonic() - began
        if passed > (longest if moment is None else moment):
            os.kill(child, signal.SIGKILL)
            ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            return ended if moment is not None else HUNG
        time.sleep(0.002)


if __name__ == "__main__":
    serve()
    os._exit(0)  # at once: DuckDB would list what it leaks
