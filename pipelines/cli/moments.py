"""The commands that look at other moments: diff; and `--as-of` of those that look at the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from pipelines.cli.output import moment, progress
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.run import Workspace
    from pipelines.warehouse import Warehouse

WithSettings = Annotated[
    str,
    typer.Option("--with-settings", metavar="then|now", help="Another moment with the settings of then, or of now."),
]


def chosen(with_settings: str) -> Literal["then", "now"]:
    """Read `--with-settings`.

    Raises:
        UsageError: it is neither.
    """
    if with_settings not in ("then", "now"):
        raise UsageError(f"--with-settings {with_settings}: write then or now.")
    return cast('Literal["then", "now"]', with_settings)


def tables(opened: Workspace, as_of: str | None, with_settings: str = "then") -> Warehouse:
    """Return the tables that stand, or those as of a moment, beside them."""
    at, settings = moment(as_of), chosen(with_settings)
    if at is None:
        return opened.warehouse
    from pipelines.past import tables_at

    with progress() as tell:
        return tables_at(opened.log, opened.warehouse, opened.models, at, settings, tell)
