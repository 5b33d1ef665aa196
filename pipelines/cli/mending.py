"""The commands that mend what was published: undo, retry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.output import Json, give, progress, say, table, workspace
from pipelines.cli.steps import Allow, lines_apply, lines_plan, told_apply

if TYPE_CHECKING:
    from pipelines.publish import Plan

SHOWN = 20


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(undo)
    app.command()(retry)


def undo(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="A run; without it, the runs are listed.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the plan to this Parquet file.")] = None,
    as_json: Json = False,
) -> None:
    """Make a plan that takes back what a run wrote; `turnout apply` sends it."""
    from pipelines import mending

    opened = workspace()
    if run is None:
        found = mending.runs(opened)
        give(found, as_json, _lines_runs(found))
        return
    with progress() as tell:
        plan, lines = mending.undo(opened, run, tell)
    if out is not None and out.suffix != ".parquet":
        out = out.with_name(out.name + ".parquet")
    path = opened.save(plan, out)
    for line in lines:
        say(line)
    give(
        {**plan.summary(), "file": str(path)},
        as_json,
        [*lines_plan(plan), *_lines_left(plan), f"plan {plan.plan_id} is in {path}; `turnout apply` sends it"],
    )


def _lines_runs(found: list[dict[str, Any]]) -> list[str]:
    rows = [
        (
            one["run"] if not at else "",
            f"{one['at']:%Y-%m-%d %H:%M}" if not at else "",
            f"undo of {one['undoes']}" if one["undoes"] and not at else "",
            *wrote.values(),
        )
        for one in found[:SHOWN]
        for at, wrote in enumerate(one["wrote"])
    ]
    lines = table(rows, ["run", "as of (UTC)", "", "destination", "object", "operation", "records"]) if rows else []
    if len(found) > SHOWN:
        lines.append(f"… {len(found) - SHOWN:,} earlier runs; --json gives all")
    return lines or ["No run has written anything yet."]


def _lines_left(plan: Plan) -> list[str]:
    """Return what stays as it is, record by record where they are few, and counted for each reason."""
    by_reason: dict[tuple[str, str, str], list[str]] = {}
    for name, row, why in plan.left:
        by_reason.setdefault((name, row.object, why), []).append(row.key)
    lines = []
    for (name, kind, why), keys in by_reason.items():
        shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3:,} more" if len(keys) > 3 else "")
        lines.append(f"stays: {name} {kind} {shown}: {why}")
    return lines


def retry(
    destination: Annotated[list[str] | None, typer.Argument(help="Where; by default everywhere.")] = None,
    is_undone: Annotated[bool, typer.Option("--undone", help="Also send again what was taken back by undo.")] = False,
    allow: Allow = False,
    as_json: Json = False,
) -> None:
    """Try again what a destination refused and what still waits: plan, and send it at once."""
    from pipelines import mending

    opened = workspace()
    with progress() as tell:
        receipt = mending.retry(opened, destination or (), is_undone=is_undone, allow=allow, progress=tell)
    waiting = [
        {"destination": name, "object": row.object, "key": row.key, "reason": why}
        for name, rows in (receipt.plan.waiting if receipt.plan else {}).items()
        for row, why in rows
    ]
    for line in receipt.lines:
        say(line)
    lines = lines_apply(receipt.applied) if receipt.applied else ["nothing was sent"]
    lines += [f"waits: {one['destination']} {one['object']} {one['key']}: {one['reason']}" for one in waiting[:SHOWN]]
    told = {
        "run": receipt.run,
        "plan": receipt.plan.summary() if receipt.plan else None,
        "applied": told_apply(receipt.applied) if receipt.applied else None,
        "waiting": waiting,
    }
    give(told, as_json, lines)
    if receipt.is_partial or waiting:
        raise typer.Exit(1)
