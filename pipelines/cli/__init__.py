"""The command line: `turnout …`. A thin copy of `pipelines.run`; words for people go to standard error.

Exit status: 0 done; 1 done in part, and what waits is listed; 2 wrong use or settings; 3 nothing done because a
blocking check failed or a plan is stale.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import click
import typer

from pipelines.cli import (
    data,
    demo,
    exchange,
    listening,
    mending,
    moments,
    reasons,
    segments,
    steps,
    webinars,
    workbench,
)
from pipelines.cli.output import fail
from pipelines.errors import TurnoutError

INTERRUPTED = 130

app = typer.Typer(
    name="turnout",
    help="Carries what people do in webinars and emails into the CRMs where sales and marketing work.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
demo.add_to(app)
steps.add_to(app)
data.add_to(app)
exchange.add_to(app)
webinars.add_to(app)
listening.add_to(app)
segments.add_to(app)
workbench.add_to(app)
reasons.add_to(app)
mending.add_to(app)
moments.add_to(app)


def main() -> None:
    """Run the command line; what goes wrong on purpose becomes one message and an exit status."""
    signal.signal(signal.SIGINT, _interrupted)
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except TurnoutError as error:
        fail(str(error))
        status = error.exit_status
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except BrokenPipeError:  # whoever read us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except _storage_errors() as error:
        fail(f"{str(error)[:400]}. What was committed stands; see that the disk has room, then run again.")
        status = 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}. What was committed stands; mend it and run again.")
        status = 1
    sys.exit(status)


def _storage_errors() -> tuple[type[Exception], ...]:
    """Return what the engines raise where a disk refuses, of those that were loaded: most commands start without."""
    engines = (sys.modules.get("duckdb"), sys.modules.get("deltalake.exceptions"))
    return tuple(
        found for engine in engines for name in ("Error", "DeltaError") if (found := getattr(engine, name, None))
    )


def _interrupted(*_: Any) -> None:
    """End at once: calls under way are not waited for, since a run may be killed anywhere and loses nothing."""
    shown_again = "\033[?25h\n" if sys.stderr.isatty() else ""  # the cursor, hidden while progress is shown
    os.write(
        2, f"{shown_again}turnout: stopped. What was committed stands; the next run goes on from there.\n".encode()
    )
    os._exit(INTERRUPTED)
