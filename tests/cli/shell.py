"""The command line as a shell sees it: words in, three things out, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from tests.company import ROOT
from tests.worlds import contact, joined, registrant, session, webinar, world

ONE = 84759841045
ADA, BOB = "ada@x.example", "bob@x.example"
ANSI = re.compile(r"\x1b\[")
Answer = subprocess.CompletedProcess[str]


def small(**portal: Any) -> dict[str, Any]:
    """A webinar with Ada, who is a contact, and Bob, who is none."""
    people = [ADA, BOB]
    rows = [joined(email, "10:00", "10:30") for email in people]
    one = webinar(
        ONE,
        registrants=[registrant(email) for email in people],
        instances=[session("u1==", "10:00", "11:00", rows)],
    )
    return world(one, **{"contacts": [contact(1, ADA)], **portal})


def turnout(
    *words: str,
    env: Mapping[str, str],
    cwd: Path = ROOT,
    module: str = "pipelines.cli",
    stdin: str | None = None,
) -> Answer:
    """Run a command with exactly these variables (and PATH), and see that it left no traceback and no colours."""
    answer = subprocess.run(
        [sys.executable, "-m", module, *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
        input=stdin,
        timeout=120,
    )
    said = answer.stdout + answer.stderr
    assert "Traceback" not in said, said
    assert not ANSI.search(said), said
    return answer


def told(answer: Answer) -> Any:
    """Return what `--json` printed: standard output holds it and nothing else."""
    return orjson.loads(answer.stdout)
