"""Who holds TURNOUT_HOME: a note beside the lock, so that the next one can name whom it waits for.

The lock alone decides. The note is written by whoever has it and taken away before it is let go; one that a killed
run left names a process that is no more, and is not believed.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

NAME = ".lock.json"


def write(home: Path) -> None:
    """Say that this process holds the folder. A full disk does not stop it: the note is a courtesy."""
    told = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "command": command(),
        "since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    with suppress(OSError):
        (home / NAME).write_bytes(orjson.dumps(told))


def clear(home: Path) -> None:
    """Take the note away."""
    with suppress(OSError):
        (home / NAME).unlink()


def holder(home: Path) -> str:
    """Return who holds the folder, as words of a sentence."""
    try:
        told = orjson.loads((home / NAME).read_bytes())
        if _lives(told):
            return f"`{told['command']}` (process {told['process']} on {told['host']}, since {told['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        pass  # it took the lock this instant, or its disk is full
    return "another turnout run"


def command() -> str:
    """Return what this process was called as: its name and its first word, no further words, which may name people."""
    called = Path(sys.argv[0] or "python")
    name = "turnout" if called.stem in ("turnout", "__main__") else called.name
    words = [word for word in sys.argv[1:2] if word.isidentifier()]
    return " ".join([name, *words])


def _lives(told: dict[str, Any]) -> bool:
    """Whether the process is there; of another machine's nobody here can tell."""
    if told["host"] != socket.gethostname():
        return True
    try:
        os.kill(int(told["process"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
