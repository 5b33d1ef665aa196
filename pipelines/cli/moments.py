"""The commands that look at other moments: diff; and `--as-of` of those that look at the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from pipelines.cli.output import Json, give, moment, progress, workspace
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.differing import Differences
    from pipelines.run import Workspace
    from pipelines.warehouse import Warehouse

WithSettings = Annotated[
    str,
    typer.Option("--with-settings", metavar="then|now", help="Another moment with the settings of then, or of now."),
]


SHOWN = 20


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(diff)


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


def diff(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table of a mart, a segment or a sync model.")],
    start: Annotated[str, typer.Option("--from", metavar="T1", help="The earlier moment.")],
    end: Annotated[str | None, typer.Option("--to", metavar="T2", help="The later one; by default now.")] = None,
    with_settings: WithSettings = "then",
    as_json: Json = False,
) -> None:
    """Say which rows and columns of a table changed between two moments, and which events did it."""
    from pipelines.differing import differences

    opened = workspace()
    first, last = moment(start, "--from"), moment(end, "--to") or opened.now()
    assert first is not None
    if first >= last:
        raise UsageError(f"--from {start} is not before --to {last.isoformat()}.")
    before, after = tables(opened, start, with_settings), tables(opened, last.isoformat(), with_settings)
    with progress() as tell:
        tell(f"comparing {table}")
        found = differences(opened.log, opened.models, before, after, table, start=first, end=last)
    give(found.told(), as_json, lines_diff(found))


def lines_diff(found: Differences) -> list[str]:
    """Return differences for a person."""
    counts = ", ".join(f"{count:,} {what}" for what, count in found.counts.items())
    lines = [f"{found.table} from {found.start.isoformat()} to {found.end.isoformat()}: {counts}"]
    events = {one["event_id"]: one for one in found.events}
    for row in found.rows[:SHOWN]:
        named = ", ".join(f"{name} {value}" for name, value in row["key"].items())
        lines += ["", f"{row['change']}: {named}".rstrip(": ")]
        lines += [f"    {name}: {_old_new(row['change'], *pair)}" for name, pair in row["columns"].items()]
        told = [events[name] for name in row["events"] if name in events]
        lines += [
            f"    by {one['stream']} {one['key']}, {one['occurred_at']:%Y-%m-%d %H:%M:%S} UTC, in {one['file']}"
            for one in told
        ]
        if len(row["events"]) > len(told):
            lines.append(f"    and {len(row['events']) - len(told):,} more events")
        if not row["events"]:
            lines.append("    by time alone: no event of it occurred between")
    if sum(found.counts.values()) > SHOWN:
        lines.append(f"… {sum(found.counts.values()) - SHOWN:,} more rows; --json tells the first 500")
    return lines


def _old_new(change: str, old: Any, new: Any) -> str:
    if change == "changed":
        return f"{'–' if old is None else old} → {'–' if new is None else new}"
    return str(new if change == "came" else old)
