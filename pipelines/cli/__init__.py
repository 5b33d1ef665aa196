"""The command line: `turnout …`. A thin copy of `pipelines.run`; words for people go to standard error.

Exit status: 0 done; 1 done in part, and what waits is listed; 2 wrong use or settings; 3 nothing done because a
blocking check failed or a plan is stale.
"""

from __future__ import annotations

import sys

import typer

from pipelines.cli import data, demo, steps
from pipelines.cli.output import fail
from pipelines.errors import TurnoutError

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


def main() -> None:
    """Run the command line; what goes wrong on purpose becomes one message and an exit status."""
    try:
        app()
    except TurnoutError as error:
        fail(str(error))
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        fail("stopped. What was committed stands; the next run goes on from there.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
