"""The commands that read, compute and publish: ingest, build, check, plan, apply, run, rebuild."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.output import AsOf, Json, give, moment, progress, say, table, workspace

if TYPE_CHECKING:
    from pipelines.checks import Check
    from pipelines.ingest import IngestReceipt
    from pipelines.publish import ApplyReceipt, Plan, Row
    from pipelines.run import RunReceipt, Workspace
    from pipelines.transform import BuildReceipt

Allow = Annotated[bool, typer.Option("--allow", help="Let a plan through whose shape a fuse would stop.")]
SHOWN = 12
SECRET = frozenset({"webinarUrl", "join_url"})
SAMPLES = 3
"""Changes of each kind that a person is shown of a plan; the whole of it is in its Parquet."""


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (ingest, build, check, plan, apply, run, rebuild):
        app.command()(command)


def ingest(
    source: Annotated[
        list[str] | None, typer.Argument(help="Vendors to read; by default all that are connected.")
    ] = None,
    stream: Annotated[list[str] | None, typer.Option("--stream", help="Only these streams.")] = None,
    as_json: Json = False,
) -> None:
    """Read what is new at the vendors into the event log."""
    opened = workspace()
    with progress() as tell:
        receipts = opened.ingest(source or (), stream, tell)
    give([told_ingest(receipt) for receipt in receipts], as_json, lines_ingest(receipts))
    if not source:
        _say_who_is_missing(opened)
    if any(receipt.failed for receipt in receipts):
        raise typer.Exit(1)


def build(as_of: AsOf = None, as_json: Json = False) -> None:
    """Bring the tables up to the event log."""
    at = moment(as_of)
    opened = workspace()
    with progress() as tell:
        receipt = opened.build(at, progress=tell)
    give(told_build(receipt), as_json, lines_build(receipt))


def rebuild(as_of: AsOf = None, as_json: Json = False) -> None:
    """Drop everything that is derived, and build it again from the event log."""
    opened = workspace()
    with progress() as tell:
        receipt = opened.rebuild(moment(as_of), tell)
    give(told_build(receipt), as_json, lines_build(receipt))


def check(
    quick: Annotated[bool, typer.Option("--quick", help="Only say what holds, and write no report.")] = False,
    as_json: Json = False,
) -> None:
    """Check what came in, was computed and goes out; a failed check holds back what it concerns. Write the report."""
    opened = workspace()
    checks = opened.check()
    if not quick:
        from pipelines.expectations.page import write_report

        with progress() as tell:
            report, path = write_report(opened, tell)
        checks = report.checks
        say(f"The quality report is {path}")
        if report.disagreeing:
            say(f"Great Expectations finds otherwise: {', '.join(report.disagreeing)}")
    give([told_check(found) for found in checks], as_json, lines_checks(checks))
    if any(found.is_blocking and not found.passed for found in checks):
        raise typer.Exit(3)


def plan(
    destination: Annotated[list[str] | None, typer.Argument(help="Where to; by default everywhere.")] = None,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the plan to this Parquet file.")] = None,
    as_json: Json = False,
) -> None:
    """Show what would be written, field by field, and write nothing."""
    opened = workspace()
    with progress() as tell:
        made, lines = opened.plan(destination or (), moment(as_of), tell)
    if out is not None and out.suffix != ".parquet":
        out = out.with_name(out.name + ".parquet")
    path = opened.save(made, out)
    for line in lines:
        say(line)
    give({**made.summary(), "file": str(path)}, as_json, [*lines_plan(made), f"plan {made.plan_id} is in {path}"])


def apply(
    plan_name: Annotated[str, typer.Argument(metavar="PLAN", help="A plan's id, or the path of its Parquet.")],
    allow: Allow = False,
    as_json: Json = False,
) -> None:
    """Write exactly one plan, once; a plan that has gone stale is refused."""
    from pipelines.audit.page import renew
    from pipelines.publish import load_plan

    opened = workspace()
    made = load_plan(opened.home, plan_name)
    with progress() as tell:
        receipt = opened.apply(made, allow=allow, progress=tell)
        tell("audit")
        renew(opened.warehouse, made.as_of)
    give(told_apply(receipt), as_json, lines_apply(receipt))
    if receipt.stopped or receipt.rejected or receipt.waiting:
        raise typer.Exit(1)


def run(as_of: AsOf = None, allow: Allow = False, as_json: Json = False) -> None:
    """Read, compute, check, plan and publish: all of it, in order."""
    opened = workspace()
    with progress() as tell:
        receipt = opened.run(moment(as_of), allow=allow, progress=tell)
    give(told_run(receipt), as_json, lines_run(receipt))
    _say_who_is_missing(opened)
    if receipt.is_partial:
        raise typer.Exit(1)


def _say_who_is_missing(opened: Workspace) -> None:
    """Tell which vendors are not connected; everything else was done without them."""
    from pipelines.settings import NEEDED

    missing = sorted(set(NEEDED) - {source.name for source in opened.sources})
    if len(missing) == len(NEEDED):
        say("No vendor is connected, so nothing was read. `turnout doctor` lists what connects one.")
    elif missing:
        say(f"{', '.join(missing)} is not connected, so it was not read. `turnout doctor` lists what connects it.")


def told_ingest(receipt: IngestReceipt) -> dict[str, Any]:
    """Return a reading as `--json` prints it."""
    return {
        "source": receipt.source,
        "account": receipt.account,
        "streams": {
            name: {"read": one.read, "appended": one.appended, "absent": one.absent, "version": one.version}
            for name, one in receipt.streams.items()
        },
        "failed": receipt.failed,
        "notes": receipt.notes,
    }


def lines_ingest(receipts: list[IngestReceipt]) -> list[str]:
    """Return readings for a person."""
    rows = [
        (receipt.source, name, one.read, one.appended, "failed" if name in receipt.failed else "")
        for receipt in receipts
        for name, one in receipt.streams.items()
    ]
    lines = table(rows, ["source", "stream", "read", "new", ""]) if rows else []
    for receipt in receipts:
        lines += [f"note: {note}" for note in receipt.notes]
        for why in dict.fromkeys(receipt.failed.values()):
            names = ", ".join(name for name, reason in receipt.failed.items() if reason == why)
            lines.append(f"not read: {receipt.source} {names}: {why.removeprefix('not read, ')}")
    return lines


def told_build(receipt: BuildReceipt) -> dict[str, Any]:
    """Return a build as `--json` prints it."""
    return {
        "as_of": receipt.as_of,
        "rebuilt": receipt.rebuilt,
        "models": {
            name: {"rows": one.rows, "written": one.written, "seconds": round(one.seconds, 3), "reused": one.is_reused}
            for name, one in receipt.models.items()
        },
    }


def lines_build(receipt: BuildReceipt) -> list[str]:
    """Return a build for a person."""
    rows = [
        (name, one.rows, "unchanged" if one.is_reused else f"{one.seconds:.2f} s")
        for name, one in receipt.models.items()
    ]
    return [*table(rows, ["model", "rows", ""]), f"{receipt.rebuilt} built, as of {receipt.as_of.isoformat()}"]


def told_check(found: Check) -> dict[str, Any]:
    """Return a check as `--json` prints it."""
    return {
        "check": found.name,
        "claim": found.claim,
        "table": found.table,
        "door": found.door,
        "passed": found.passed,
        "blocking": found.is_blocking,
        "failing": found.failing,
        "tolerated": found.tolerated,
        "considered": found.considered,
        "named": list(found.named),
        "holds": sorted(found.holds),
    }


def lines_checks(checks: list[Check]) -> list[str]:
    """Return checks for a person."""
    marks = {True: "ok", False: "FAILED"}
    rows = [
        (marks[one.passed] if one.passed or one.is_blocking else "warns", one.name, _found(one), one.table)
        for one in checks
    ]
    return table(rows, ["", "check", "", "table"])


def _found(check: Check) -> str:
    """Return what a check found, where it found anything."""
    odd = "; ".join(check.named) or (f"{check.failing:,} rows" if check.failing else "")
    held = f"; holds back {', '.join(sorted(check.holds))}" if check.is_blocking and not check.passed else ""
    return f"{odd} (tolerated)" if odd and check.passed else odd + held


def _samples(planned: Sequence[Row]) -> list[Row]:
    """Return the first few rows of each object and operation."""
    seen: dict[tuple[str, str], int] = {}
    samples = []
    for row in planned:
        kind = row.object, row.operation
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= SAMPLES:
            samples.append(row)
    return samples


def _shown(name: str, value: str | None) -> str:
    """Return a field's value as it may be shown: a person's own join link lets anybody in who has it."""
    return "–" if not value else "[join link]" if name in SECRET else value


def lines_plan(made: Plan) -> list[str]:
    """Return a plan for a person: counts, and the first changes field by field."""
    rows = [
        (destination, kind, operation, count)
        for destination, by_object in made.counts().items()
        for kind, by_operation in by_object.items()
        for operation, count in by_operation.items()
    ]
    lines = table(rows, ["destination", "object", "operation", "records"]) if rows else []
    for destination, planned in made.rows.items():
        samples = _samples(planned)
        for row in samples:
            lines.append(f"{destination} {row.object} {row.key}: {row.operation}")
            lines += [
                f"    {name}: {_shown(name, row.old.get(name))} → {_shown(name, new)}"
                for name, new in row.fields.items()
                if (row.old.get(name) or None) != (new or None)
            ]
        if len(planned) > len(samples):
            lines.append(f"… and {len(planned) - len(samples):,} more at {destination}")
    for destination, waiting in made.waiting.items():
        lines += [f"waits: {destination} {row.object} {row.key}: {why}" for row, why in waiting[:SHOWN]]
    lines += lines_held(made)
    calls = ", ".join(f"{name} {count}" for name, count in made.calls.items() if count)
    lines.append(f"{made.total:,} changes" + (f"; API calls needed: {calls}" if calls else ""))
    for name, size in made.storage.items():
        lines.append(f"new records at {name} take about {size / 1_000_000:,.1f} MB of its storage")
    for name, left in made.quota_left.items():
        if left is not None and made.calls.get(name, 0) > left:
            lines.append(f"{name} has {left:,} calls left, fewer than the plan needs: the rest goes out as it opens")
    return lines


def lines_held(made: Plan) -> list[str]:
    """Return what failed checks hold back, for a person."""
    lines: list[str] = []
    for name, rows in made.held.items():
        lines += [f"held back: {len(rows):,} records for {name}, since a check failed:", f"  {made.held_by[name]}"]
    return lines


def told_apply(receipt: ApplyReceipt) -> dict[str, Any]:
    """Return an application as `--json` prints it."""
    return {
        "plan": receipt.plan,
        "published": receipt.published,
        "outcomes": receipt.outcomes,
        "rejected": [{"object": row.object, "key": row.key, "reason": why} for row, why in receipt.rejected],
        "waiting": [{"object": row.object, "key": row.key, "reason": why} for row, why in receipt.waiting],
        "stopped": receipt.stopped,
        "calls": receipt.calls,
    }


def lines_apply(receipt: ApplyReceipt) -> list[str]:
    """Return an application for a person."""
    rows = [
        (
            kind,
            counts.get("published", 0),
            counts.get("rejected", 0),
            counts.get("waiting", 0) + counts.get("not_done", 0),
        )
        for kind, counts in receipt.outcomes.items()
    ]
    lines = table(rows, ["object", "published", "rejected", "waiting"]) if rows else []
    lines += [f"rejected: {row.object} {row.key}: {why}" for row, why in receipt.rejected[:SHOWN]]
    apart = [(row, why) for row, why in receipt.waiting if why not in receipt.stopped.values()]
    lines += [f"waits: {row.object} {row.key}: {why}" for row, why in apart[:SHOWN]]
    for name, why in receipt.stopped.items():
        lines += [f"stopped: {name}: {why}", f"    {len(receipt.waiting):,} records wait for the next run"]
    lines.append(f"{receipt.published:,} published in {receipt.calls} calls")
    return lines


def told_run(receipt: RunReceipt) -> dict[str, Any]:
    """Return a run as `--json` prints it."""
    return {
        "run": receipt.run,
        "as_of": receipt.as_of,
        "ingested": [told_ingest(one) for one in receipt.ingested],
        "built": receipt.built.rebuilt if receipt.built else 0,
        "checks": [told_check(one) for one in receipt.checks],
        "plan": receipt.plan.summary() if receipt.plan else None,
        "applied": told_apply(receipt.applied) if receipt.applied else None,
        "verdicts": receipt.verdicts,
    }


def lines_run(receipt: RunReceipt) -> list[str]:
    """Return a run for a person."""
    lines = [f"run {receipt.run}, as of {receipt.as_of.isoformat()}", ""]
    lines += lines_ingest(receipt.ingested)
    if receipt.built:
        lines += ["", f"{receipt.built.rebuilt} of {len(receipt.built.models)} models built"]
    passed = sum(one.passed for one in receipt.checks)
    lines += [f"{passed} of {len(receipt.checks)} checks passed", *receipt.lines]
    if receipt.plan:
        lines += [f"plan {receipt.plan.plan_id}: {receipt.plan.total:,} changes", *lines_held(receipt.plan), ""]
    if receipt.applied:
        lines += lines_apply(receipt.applied)
    verdicts = ", ".join(f"{count:,} {name}" for name, count in receipt.verdicts.items())
    lines += ["", f"verdicts: {verdicts}"]
    return lines
