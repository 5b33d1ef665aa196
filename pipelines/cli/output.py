"""How commands speak: results on standard output, words for people on standard error, colours on a terminal alone."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.run import Workspace

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for machines.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="T", help="The UTC moment that everything describes; by default the last reading."),
]
QUIET_SECONDS = 2.0
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ARROW = re.compile(r"\s*(?:\033\[\d+m)?↳(?:\033\[\d+m)?\s*")
FULL_STOP = re.compile(r"\s*\n\.(?=\s)")
"""How an engine lays out the cause of an error, in lines and colours of its own."""


def workspace(environment: Mapping[str, str] | None = None) -> Workspace:
    """Open TURNOUT_HOME. What that needs is imported here, so that `--help` and wrong words are answered at once."""
    from pipelines.run import Workspace

    return Workspace(environment)


def moment(text: str | None, option: str = "--as-of") -> datetime | None:
    """Read `--as-of`, or another option that is a moment.

    Raises:
        UsageError: it is no ISO 8601 instant.
    """
    from pipelines.events import utc

    if text is None:
        return None
    try:
        return utc(text)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text}: write an ISO 8601 instant, for example 2026-01-31T12:00:00Z.") from None


def visible(text: str) -> str:
    """Return a text in which nothing moves a terminal: vendors' words stand in what people are shown."""
    return UNSEEN.sub(lambda found: repr(found[0])[1:-1], text)


def say(text: str) -> None:
    """Tell a person something."""
    sys.stderr.write(visible(text) + "\n")


def fail(text: str) -> None:
    """Tell a person what went wrong; red on a terminal."""
    is_plain = not sys.stderr.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    red, plain = ("", "") if is_plain else ("\033[31m", "\033[0m")
    sys.stderr.write(f"{red}turnout:{plain} {visible(FULL_STOP.sub('.', ARROW.sub(': ', text)))}\n")


def give(result: Any, as_json: bool, lines: Sequence[str] = ()) -> None:
    """Print a result: as JSON for machines, or as lines for a person."""
    if as_json:
        sys.stdout.write(orjson.dumps(result, option=orjson.OPT_INDENT_2, default=_plain).decode() + "\n")
    elif lines:
        sys.stdout.write("\n".join(map(visible, lines)) + "\n")


def _plain(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def table(rows: Sequence[Sequence[Any]], headings: Sequence[str]) -> list[str]:
    """Return rows as lines in columns; numbers to the right."""
    cells = [list(headings), *[["" if value is None else str(value) for value in row] for row in rows]]
    widths = [max(len(row[at]) for row in cells) for at in range(len(headings))]
    right = [all(isinstance(row[at], int | float) for row in rows) for at in range(len(headings))]
    return [
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show what is going on: one moving line on a terminal, a line every few seconds elsewhere."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.text import Text

        with Console(stderr=True).status("starting") as status:
            yield lambda text: status.update(Text(text))
        return
    last = time.monotonic()

    def tell(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= QUIET_SECONDS:
            last = time.monotonic()
            say(f"… {text}")

    yield tell
