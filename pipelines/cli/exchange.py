"""The commands around Salesforce: report, setup."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.moments import WithSettings, tables
from pipelines.cli.output import AsOf, Json, give, table, workspace
from pipelines.errors import UsageError

SHOWN_ROWS = 100


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(report)
    setups = typer.Typer(help="Write what an administrator of a vendor deploys.", no_args_is_help=True)
    setups.command(name="salesforce")(setup_salesforce)
    app.add_typer(setups, name="setup")


def _day(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{option}: {text!r} is no day; write it like 2026-01-31.") from None


def report(
    name: Annotated[str, typer.Argument(metavar="NAME", help="activities_with_contacts or activities_with_leads.")],
    kind: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="One activity type alone.")] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, in the org's zone.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, included.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="F", help="Write the rows to this CSV file.")] = None,
    as_of: AsOf = None,
    with_settings: WithSettings = "then",
    as_json: Json = False,
) -> None:
    """Show activities that stand in Salesforce, on Contacts or on Leads, by type and day."""
    from pyarrow import csv as arrow_csv

    from pipelines import reports
    from pipelines.settings import ACTIVITY_TYPES

    if kind is not None and kind not in ACTIVITY_TYPES:
        raise UsageError(f"--type: there is no activity type {kind!r}; there is {', '.join(ACTIVITY_TYPES)}.")
    first, last = _day(start, "--from"), _day(end, "--to")
    found = reports.rows(tables(workspace(), as_of, with_settings), name, kind=kind, start=first, end=last)
    if csv is not None:
        try:
            arrow_csv.write_csv(found, csv)
        except OSError as error:
            raise UsageError(f"--csv: {csv} cannot be written: {error.strerror or error}.") from None
        give({"rows": found.num_rows, "file": str(csv)}, as_json, [f"{found.num_rows:,} rows written to {csv}"])
        return
    shown = [tuple(row.values()) for row in found.slice(0, SHOWN_ROWS).to_pylist()]
    lines = table(shown, found.column_names)
    more = found.num_rows - len(shown)
    lines.append(f"{found.num_rows:,} rows" + (f", the first {len(shown)} shown; --csv F writes all" if more else ""))
    give(found.to_pylist() if as_json else None, as_json, lines)


def setup_salesforce(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write it.")] = Path(
        "turnout-salesforce"
    ),
    as_json: Json = False,
) -> None:
    """Write the metadata of our fields and a permission set, ready for `sf project deploy start`."""
    from pipelines.vendors.salesforce.metadata import write_metadata

    try:
        files = write_metadata(out)
    except OSError as error:
        raise UsageError(f"--out: {out} cannot be written: {error.strerror or error}.") from None
    lines = [
        *(f"wrote {file}" for file in files),
        "",
        "Deploy it, give the permission set to the integration user, then look:",
        f"  cd {out} && sf project deploy start --target-org YOUR_ORG",
        "  sf org assign permset --name Turnout --target-org YOUR_ORG",
        "  turnout doctor",
    ]
    give({"files": [str(file) for file in files]}, as_json, lines)
