"""The command of the workbench: a page on this machine, until interrupted."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from pipelines.cli.output import say, workspace
from pipelines.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(workbench)


def workbench(port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="Where it listens.")] = 8720) -> None:
    """Write SQL in the browser, see how many, who and a chart, and save it as a segment."""
    from pipelines.workbench import NOTEBOOK

    opened = workspace()
    if not opened.warehouse.file.exists():
        raise UsageError(f"{opened.warehouse.file} is not there yet. `turnout build` makes it.")
    if find_spec("marimo") is None:
        raise UsageError(
            "the workbench needs marimo: install turnout with its extra `workbench`, or `pip install marimo`."
        )
    token = secrets.token_urlsafe(12)
    words = [sys.executable, "-m", "marimo", "run", str(NOTEBOOK), "--headless", "--no-check", "--no-skew-protection"]
    words += ["--host", "127.0.0.1", "--port", str(port), "--token", "--token-password-file", "-"]
    quiet = {"MARIMO_SKIP_UPDATE_CHECK": "1", "TURNOUT_HOME": str(opened.home)}
    served = subprocess.Popen(  # noqa: S603
        words, env={**os.environ, **quiet}, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert served.stdin is not None
    served.stdin.write(f"{token}\n")
    served.stdin.close()
    say(f"The workbench opens at http://127.0.0.1:{port}/?access_token={token} in some seconds. Ctrl-C ends it.")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: served.terminate())
    if served.wait() > 0:
        raise typer.Exit(1)
