"""Mending what was published: take back what a run wrote (EV-08), try again what waits (EV-07)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pipelines import publish
from pipelines.errors import UsageError
from pipelines.publish import Plan
from pipelines.run import Progress, RunReceipt, Workspace, silent

OUTCOMES = "stg_turnout__outcomes"


def runs(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the runs that wrote anything, the latest first, and what each wrote.

    Raises:
        UsageError: there are no tables yet.
    """
    if OUTCOMES not in workspace.warehouse.catalog().entries:
        raise UsageError(f"{workspace.warehouse.file} is not there yet. `turnout build` makes it.")
    with workspace.warehouse.connect([OUTCOMES]) as db:
        return publish.runs(db)


def undo(workspace: Workspace, run: str, progress: Progress = silent) -> tuple[Plan, list[str]]:
    """Make the plan that takes back what a run wrote; return it with lines for a person. Nothing is written outside.

    Raises:
        UsageError: that run wrote nothing. VendorError: a destination cannot be asked what it holds now.
    """
    with workspace.log.locked():
        settled = publish.resolve(
            workspace.log,
            workspace.destinations,
            run=workspace.run_id,
            settings=workspace.settings_id,
            at=workspace.now(),
        )
        workspace.build(progress=progress)
        progress("asking what is there now")
        with workspace.warehouse.connect([OUTCOMES]) as db:
            plan = publish.make_undo(
                db,
                workspace.log,
                run,
                as_of=workspace.now(),
                positions=workspace.log.positions(),
                settings=workspace.settings_id,
                connected=workspace.destinations,
                unclear=[
                    (told["destination"], publish.Row.of(told)) for _, told in publish.unknown_intents(workspace.log)
                ],
            )
        return plan, settled


def retry(
    workspace: Workspace,
    names: Collection[str] = (),
    *,
    is_undone: bool = False,
    allow: bool = False,
    progress: Progress = silent,
) -> RunReceipt:
    """Try again what the destinations refused, and with `is_undone` what was taken back: plan, and apply at once.

    Raises:
        UsageError: there is no such destination. ChecksFailed, FuseError: nothing was published.
    """
    if unknown := sorted(set(names) - set(workspace.targets)):
        raise UsageError(f"there is no destination {', '.join(unknown)}; there is {', '.join(workspace.targets)}.")
    with workspace.log.locked():
        receipt = RunReceipt(workspace.run_id, workspace.now())
        wanted = sorted(names) or workspace.targets
        publish.write_retry(workspace.log, wanted, is_undone=is_undone, run=workspace.run_id, at=workspace.now())
        receipt.plan, receipt.lines = workspace.plan(wanted, progress=progress)
        workspace.save(receipt.plan)
        if receipt.plan.total:
            receipt.applied = workspace.apply(receipt.plan, allow=allow, progress=progress)
        return receipt
