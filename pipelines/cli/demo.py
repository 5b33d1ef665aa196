"""The commands that need no account anywhere: demo and sandbox."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from pipelines.cli.output import Json, give, progress, say, workspace
from pipelines.cli.steps import lines_run, told_run
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.run import Workspace

Contacts = Annotated[int, typer.Option("--contacts", min=10, help="How many contacts the generated world has.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed makes the same world.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(demo)
    app.command()(sandbox)


def demo(
    contacts: Contacts = 1000,
    seed: Seed = 7,
    ui: Annotated[bool, typer.Option("--ui", help="Then open Dagster on the same data, until interrupted.")] = False,
    ui_port: Annotated[int, typer.Option("--ui-port", help="Where Dagster listens.")] = 3000,
    as_json: Json = False,
) -> None:
    """Start the sandbox, run everything on it, and say what was done and where to look.

    The world is kept in TURNOUT_HOME/sandbox, so that a second demo goes on where the first ended.
    """
    from pipelines.expectations import great
    from pipelines.expectations.page import write_report
    from pipelines.sandbox import Sandbox
    from pipelines.warehouse import write_whole

    started = time.monotonic()
    threading.Thread(target=great.library, daemon=True).start()  # seconds, of which the run waits as many for vendors
    home = workspace().home
    kept = home / "sandbox" / "world.json"
    with progress() as tell:
        tell("making a company" if not kept.exists() else "opening the sandbox")
        world = _world(kept if kept.exists() else None, seed, contacts)
        with Sandbox(world, seed=seed) as running:
            ready = time.monotonic()
            opened = workspace({**os.environ, **running.environment})
            receipt = opened.run(progress=tell)
            seconds = time.monotonic() - ready
            tell("quality report")
            report, page = write_report(opened, tell)
            held = sum(one.passed for one in report.checks)
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_whole(kept, orjson.dumps(running.world()))
            if ui:
                tell("starting Dagster")
                _show_ui(opened, ui_port)
                write_whole(kept, orjson.dumps(running.world()))
    lines = [
        *lines_run(receipt),
        "",
        f"The run took {seconds:.1f} s, {time.monotonic() - started:.1f} s with the sandbox.",
        "Where to look:",
        f"  {opened.warehouse.file}   the tables, for any DuckDB client",
        f"  {home / 'plans'}   what was planned, as Parquet and JSON",
        f"  {kept}   what the vendors hold now",
        f"  {home / 'audit' / 'index.html'}   what of each webinar is not in the CRM, and why",
        f"  {page}   the quality report: {held} of {len(report.checks)} checks hold",
        '  turnout sql "select topic, status, registered_count, attended_count from webinars limit 10"',
        "  turnout segment list    (who is in which segment)",
        "  turnout plan            (shows 0 changes: all of it is there)",
        "  make ui                 (the same in Dagster)",
    ]
    give({**told_run(receipt), "seconds": seconds}, as_json, lines)
    if receipt.is_partial:
        raise typer.Exit(1)


def _show_ui(opened: Workspace, port: int) -> None:
    """Run Dagster's pages and daemon on this workspace until interrupted."""
    from pipelines.models import SQL_ROOT

    root = SQL_ROOT.parent
    dagster_home = opened.home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / "assets" / "dagster.yaml", dagster_home / "dagster.yaml")
    words = [
        sys.executable,
        "-m",
        "dagster",
        "dev",
        "-w",
        str(root / "workspace.yaml"),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    env = {**opened.environment, "DAGSTER_HOME": str(dagster_home), "TURNOUT_HOME": str(opened.home)}
    process = subprocess.Popen(words, cwd=root, env=env, start_new_session=True)  # noqa: S603
    say(f"Dagster opens at http://127.0.0.1:{port}/asset-groups in about 20 seconds. Ctrl-C ends it.")
    stop = threading.Event()
    threading.Thread(target=start_jobs, args=(port, stop), daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set() and process.poll() is None:
        stop.wait(0.5)
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()


def start_jobs(port: int, stop: threading.Event, jobs: Sequence[str] = ("sync", "quality")) -> list[str]:
    """Start jobs in Dagster once it answers, so that each asset shows what it holds; return the ids of their runs.

    Nothing is left to write after the demo's own run, and Dagster knows nothing of that one.
    """
    from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError

    while not stop.is_set():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2.0).close()
            client = DagsterGraphQLClient("127.0.0.1", port_number=port)
            return [client.submit_job_execution(job) for job in jobs]
        except OSError:  # nobody listens yet
            stop.wait(1.0)
        except DagsterGraphQLClientError as error:
            say(f"Dagster does not take the jobs {' and '.join(jobs)}: {str(error)[:300]}. Start them on its page.")
            break
    return []


def sandbox(
    world: Annotated[Path | None, typer.Option("--world", help="Start from this world file.")] = None,
    port: Annotated[int, typer.Option("--port", help="Control port; the vendors follow. 0: any free ones.")] = 8700,
    seed: Seed = 7,
    contacts: Contacts = 2000,
) -> None:
    """Run the vendors on this machine until interrupted, and print the variables that connect turnout to them."""
    from pipelines.sandbox import Sandbox

    state: dict[str, Any] = _world(world, seed, contacts)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    running = Sandbox(state, port=port, seed=seed)
    try:
        running.start()
    except OSError as error:
        raise UsageError(f"{error.strerror}. Name another with --port; 0 takes any free ones.") from None
    try:
        for name, value in running.environment.items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
        sys.stdout.flush()
        say(f"The sandbox answers; its control is at {running.control_url}/_sandbox/world. Ctrl-C stops it.")
        stop.wait()
    finally:
        running.stop()


def _world(path: Path | None, seed: int, contacts: int) -> dict[str, Any]:
    from pipelines.sandbox import WorldError, generate, load

    if path is None:
        return dict(generate(seed=seed, contacts=contacts))
    try:
        return dict(load(path))
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such world file.") from None
    except OSError as error:
        raise UsageError(f"{path}: the world file cannot be read: {error.strerror}.") from None
    except WorldError as error:
        raise UsageError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
