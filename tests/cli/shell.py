"""The command line as a shell sees it: words in, three things out, in a process of its own."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from tests.commands import command
from tests.company import ROOT
from tests.worlds import contact, joined, registrant, session, webinar, world

ONE = 84759841045
ADA, BOB = "ada@x.example", "bob@x.example"
ANSI = re.compile(r"\x1b\[")
Answer = subprocess.CompletedProcess[str]
DETAILS = (
    "Attended,User Name (Original Name),First Name,Last Name,Email,Registration Time,Approval Status,Join Time,"
    "Leave Time,Time in Session (minutes)"
)
REPORT = f"""Attendee Report
Report Generated:,"03/02/2021 10:20:22 AM"
Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registered,# Cancelled,Unique Viewers,Total Users
"Tour","928 1234 5678","03/01/2021 02:58:22 PM","64","2","0","1","3"
Host Details
Attended,User Name (Original Name),Email,Join Time,Leave Time,Time in Session (minutes)
"Yes","Hana Host","hana@host.example","03/01/2021 02:58:22 PM","03/01/2021 04:02:00 PM","64"
Attendee Details
{DETAILS}
Yes,Ada L,Ada,L,ada@x.example,02/25/2021 09:00:00 AM,approved,03/01/2021 03:00:00 PM,03/01/2021 03:30:00 PM,30
Yes,Bob B,Bob,B,bob@x.example,02/25/2021 09:00:00 AM,approved,yesterday,03/01/2021 03:30:00 PM,30
No,Cy C,Cy,C,cy@x.example,02/26/2021 09:00:00 AM,approved,--,--,--
"""


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
    stdin: str = "",
) -> Answer:
    """Run a command with exactly these variables (and PATH), and see that it left no traceback and no colours."""
    answer = command(words, env, cwd=cwd, stdin=stdin, module=module)
    said = answer.stdout + answer.stderr
    assert "Traceback" not in said, said
    assert not ANSI.search(said), said
    return answer


def told(answer: Answer) -> Any:
    """Return what `--json` printed: standard output holds it and nothing else."""
    return orjson.loads(answer.stdout)


def wait_for(process: subprocess.Popen[str], sign: str, stream: str) -> str:
    """Return what a process has said on a stream as soon as it has said a sign."""
    pipe = getattr(process, stream)
    waiting = selectors.DefaultSelector()
    waiting.register(pipe, selectors.EVENT_READ)
    said = ""
    deadline = time.monotonic() + 60
    while sign not in said:
        assert time.monotonic() < deadline, said
        if waiting.select(1):
            line = pipe.readline()
            assert line, f"it ended: {said}"
            said += line
    return said


def begun(*words: str, env: dict[str, str], cwd: Path = ROOT) -> subprocess.Popen[str]:
    """Start a command and do not wait for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
        cwd=cwd,
        text=True,
        bufsize=1,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
