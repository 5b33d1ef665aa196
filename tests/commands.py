"""The command line in a process of its own, which is a fork of one that has imported everything: ready at once.

How a command starts, and what it imports, has tests that start it as a shell does.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from tests.replay.nursery import ROOT, Nursery

LONGEST_SECONDS = 240.0


@lru_cache(maxsize=1)
def _nursery() -> Nursery:
    folder = Path(tempfile.mkdtemp(prefix="turnout-commands-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Nursery(folder)
    atexit.register(made.__exit__)
    return made


def command(
    words: Sequence[str],
    env: Mapping[str, str],
    *,
    cwd: Path = ROOT,
    stdin: str = "",
    module: str = "pipelines.cli",
) -> subprocess.CompletedProcess[str]:
    """Run `turnout …`, as a module's `main` does it, with exactly these variables and PATH."""
    variables = {"PATH": os.environ["PATH"], **env}
    how = {"words": [str(word) for word in words], "module": module}
    ended = _nursery().child("say", variables, longest=LONGEST_SECONDS, cwd=cwd, stdin=stdin, **how)
    return subprocess.CompletedProcess(list(words), ended.status, ended.out, ended.err)
