"""The commands of segments: list, new, preview, show."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.output import Json, give, table, workspace
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.models import Model
    from pipelines.run import Workspace
    from pipelines.segments.looking import Contact

WIDTH = 40
"""Characters of the longest bar."""
EXAMPLE = "select contact_id\nfrom contact_metrics\nwhere webinars_attended_30d >= 1"


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    group = typer.Typer(help="Segments: files that say who is in, delivered as lists.", no_args_is_help=True)
    group.command(name="list")(list_segments)
    group.command(name="new")(new)
    group.command(name="preview")(preview)
    group.command(name="show")(show)
    app.add_typer(group, name="segment")


def list_segments(as_json: Json = False) -> None:
    """List the segments: how many are in, where they go, and what is wrong with those that failed."""
    from pipelines.models import segments_folder
    from pipelines.segments import catalog

    opened = workspace()
    found = catalog(opened.warehouse)
    rows = [
        (one.segment, one.name, one.member_count, ", ".join(one.deliver) or "nowhere", one.owner)
        if one.state == "ok"
        else (one.segment, one.name, "failed", ", ".join(one.deliver) or "nowhere", one.owner)
        for one in found
    ]
    lines = table(rows, ["segment", "name", "members", "delivered to", "owner"]) if rows else []
    lines += [f"failed: {one.reason}" for one in found if one.state != "ok"]
    built = {one.segment for one in found}
    fresh = [model.name for model in opened.models.values() if model.is_segment and model.name not in built]
    lines += [f"{name} is not built yet; `turnout build` does it" for name in fresh]
    folder = segments_folder(opened.environment)
    give([asdict(one) for one in found], as_json, lines or [f"there are no segments in {folder}"])


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the file: keen_but_silent.")],
    query: Annotated[str, typer.Option("--sql", help="Its query; without it, one to begin with.")] = EXAMPLE,
    question: Annotated[str, typer.Option("--question", help="The question that it answers.")] = "",
    title: Annotated[str, typer.Option("--title", help="What the list is called in the CRM.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.")] = "",
    deliver: Annotated[
        list[str] | None, typer.Option("--deliver", help="Where to: hubspot, salesforce, marketo.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the file of a new segment."""
    from pipelines.models import DELIVERED, segments_folder
    from pipelines.segments import written

    if strange := [word for word in deliver or () if word not in DELIVERED]:
        raise UsageError(f"--deliver {', '.join(strange)}: there is {', '.join(DELIVERED)}.")
    folder = segments_folder(workspace().environment)
    path = written(folder, name, question=question, title=title, owner=owner, deliver=deliver or (), sql=query)
    said = [f"{path} is written. `turnout segment preview {path.stem}` looks at it, the next run delivers it."]
    give({"file": str(path)}, as_json, said)


def preview(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A segment, or a file of SQL; - reads it from input.")],
    as_json: Json = False,
) -> None:
    """Say how many a segment would have, who, what would change, and whom it shares with others; write nothing."""
    from pipelines.segments import look

    opened = workspace()
    found = look(opened.warehouse, opened.models, _segment(opened, name))
    lines = [f"{found.member_count:,} contacts, in {found.seconds:.2f} s", *_people(found.sample, found.member_count)]
    for word, count, sample in (
        ("enter", found.entering_count, found.entering),
        ("leave", found.leaving_count, found.leaving),
    ):
        lines.append(f"{count:,} would {word}")
        lines += _people(sample, count) if found.member_count != count else []
    lines += [f"{count:,} are in {other}, too" for other, count in found.overlaps.items()]
    give(asdict(found), as_json, lines)


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A segment.")],
    as_json: Json = False,
) -> None:
    """Show a segment: what it asks, who is in, how large it was, and what became of its deliveries."""
    from pipelines.segments import show as found_of

    found = found_of(workspace().warehouse, name)
    told = found.told
    lines = [told.name, told.question, *([told.description] if told.description else [])]
    lines.append(f"owner: {told.owner or 'nobody'}; delivered to: {', '.join(told.deliver) or 'nowhere'}")
    if told.state == "ok":
        lines += [f"{told.member_count:,} contacts", *_people(found.sample, told.member_count or 0)]
    else:
        lines.append(f"failed: {told.reason}")
    if found.sizes:
        most = max(1, *(members for _, members, _, _ in found.sizes))
        rows = [
            (day.isoformat(), members, f"+{entered}", f"-{left}", "█" * round(WIDTH * members / most))
            for day, members, entered, left in found.sizes
        ]
        lines += ["", *table(rows, ["day (UTC)", "members", "in", "out", ""])]
    if found.deliveries:
        rows_of = [(*row[:3], row[4], row[3] or "") for row in found.deliveries]
        lines += ["", *table(rows_of, ["destination", "object", "verdict", "records", ""])]
    give(found.as_json(), as_json, lines)


def _segment(opened: Workspace, name: str) -> Model:
    """Return a segment by its name, or that of a file's SQL.

    Raises:
        UsageError: there is neither.
    """
    import duckdb

    from pipelines.models import PREFIX, UNFIT, segment

    for known in (name, f"{PREFIX['segments']}{name}"):
        if known in opened.models and opened.models[known].is_segment:
            return opened.models[known]
    path = Path(name)
    if name != "-" and not path.is_file():
        there = ", ".join(one.name for one in opened.models.values() if one.is_segment) or "none"
        raise UsageError(f"there is no segment {name!r} and no such file; there is {there}.")
    sql = sys.stdin.read() if name == "-" else path.read_text(encoding="utf-8", errors="replace")
    header = "" if sql.lstrip().startswith("--") else "-- Who is in it?\n-- grain: one row per contact_id\n"
    stem = UNFIT.sub("_", path.stem.lower()).removeprefix(PREFIX["segments"])
    with duckdb.connect() as db:
        return segment(db, path, f"{PREFIX['segments']}{stem}", header + sql)


def _people(sample: Sequence[Contact], count: int) -> list[str]:
    lines = [f"    {contact}  {email}  {called}".rstrip() for contact, email, called in sample]
    return lines + ([f"    … and {count - len(sample):,} more"] if count > len(sample) else [])
