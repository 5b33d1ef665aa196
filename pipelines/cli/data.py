"""The commands around the data: sql, verify, doctor, import."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.moments import WithSettings, tables
from pipelines.cli.output import AsOf, Json, give, progress, say, table, workspace
from pipelines.errors import UsageError, VendorError

if TYPE_CHECKING:
    from pipelines.asking import Answer

SHOWN_ROWS = 100


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(name="sql")(sql)
    app.command()(verify)
    app.command()(doctor)
    imports = typer.Typer(help="Take in files that a vendor's portal exports.", no_args_is_help=True)
    imports.command(name="zoom-report")(zoom_report)
    app.add_typer(imports, name="import")


def sql(
    query: Annotated[
        str | None, typer.Argument(help="One query; without it, lines are read until the end of input.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the result as CSV.")] = False,
    as_of: AsOf = None,
    with_settings: WithSettings = "then",
    as_json: Json = False,
    parquet: Annotated[Path | None, typer.Option("--parquet", help="Write the result to this Parquet file.")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="How long a query may take.")] = 60.0,
) -> None:
    """Query the published tables, read-only: no writing, no files, no network."""
    from pipelines.asking import Desk

    with Desk(tables(workspace(), as_of, with_settings), seconds=seconds) as desk:

        def take(answer: Answer) -> None:
            if parquet is not None:
                _write_parquet(answer, parquet)
            elif as_csv:
                _write_csv(answer)
            else:
                _show(answer, as_json)

        if query is None and sys.stdin.isatty():
            from pipelines.cli.prompt import converse

            converse(desk, take)
        else:
            desk.ask(query if query is not None else sys.stdin.read(), take)


def _write_csv(answer: Answer) -> None:
    import csv

    columns, rows = answer.rows()
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows(rows)


def _write_parquet(answer: Answer, path: Path) -> None:
    """Write a result as it comes; a file that is there stays until the new one is whole.

    Raises:
        UsageError: it cannot be written, or has columns that Parquet does not take.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.asking import is_limit

    fresh = path.with_name(f"{path.name}.new")
    count, reader = 0, answer.reader()
    try:
        with pq.ParquetWriter(fresh, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
                count += batch.num_rows
        fresh.replace(path)
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        fresh.unlink(missing_ok=True)
        if is_limit(str(error)):
            raise
        raise UsageError(f"{path} cannot be written: {str(error)[:300]}") from None
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    say(f"{count:,} rows are in {path}")


def _show(answer: Answer, as_json: bool) -> None:
    columns, found = answer.rows()
    rows = list(found)
    lines = table(rows[:SHOWN_ROWS], columns) if columns else []
    if len(rows) > SHOWN_ROWS:
        lines.append(f"… {len(rows) - SHOWN_ROWS:,} more rows; --csv, --json or --parquet gives all")
    give([dict(zip(columns, row, strict=True)) for row in rows], as_json, lines)


def verify(as_json: Json = False) -> None:
    """Check that the event log is whole: files, ids, cursors."""
    from pipelines.verify import verify as verify_log

    opened = workspace()
    findings = verify_log(opened.log)
    streams = opened.log.streams()
    lines = [f"{found.stream}: {found.problem}" for found in findings]
    lines.append(f"{len(streams)} streams looked at, {len(findings)} problems found")
    give([{"stream": found.stream, "problem": found.problem} for found in findings], as_json, lines)
    if findings:
        raise typer.Exit(1)


def doctor(as_json: Json = False) -> None:
    """Say what is connected, which permissions are missing, and what would be read."""
    from pipelines import settings

    opened = workspace()
    further = opened.settings.connections.zoom
    connected = settings.connections(opened.environment, further)
    signed, variables = settings.webhook_secrets(opened.environment, further), settings.signed_with(further)
    brands = {one.account: one.brand for one in connected["zoom"].others} if further else {}
    told: list[dict[str, Any]] = []
    for source in opened.sources:
        problems: list[str] = []
        account = ""
        with progress() as tell:
            tell(f"{source.name}: asking")
            try:
                problems = source.examine()
                account = source.account
            except VendorError as error:
                problems = [str(error)]
        told.append(
            {
                "vendor": source.name,
                "connected": bool(account),
                "account": account,
                "problems": problems,
                "streams": {stream.name: stream.about for stream in source.streams},
            }
        )
        address = settings.address_of(source.name, brands.get(source.account, "") if source.name == "zoom" else "")
        if address in variables:
            told[-1] |= {"address": address, "webhooks": address in signed}
    for vendor, needed in settings.NEEDED.items():
        if vendor not in connected:
            told.append({"vendor": vendor, "connected": False, "problems": [], "needs": list(needed)})
    lines: list[str] = []
    for one in told:
        state = "connected" if one["connected"] else "not connected"
        lines.append(f"{one['vendor']}: {state}" + (f", account {one['account']}" if one.get("account") else ""))
        if one.get("needs"):
            lines.append(f"    set {', '.join(one['needs'])} to connect it")
        lines += [f"    {problem}" for problem in one["problems"]]
        if one["connected"]:
            lines += [f"    reads {name}: {about}" for name, about in one["streams"].items()]
        if "webhooks" in one:
            how = "can be taken" if one["webhooks"] else f"set {variables[one['address']]} to take them"
            lines.append(f"    webhooks: {how}")
    lines += [f"home: {opened.home}", f"log: {len(opened.log.streams())} streams"]
    give(told, as_json, lines)
    if any(one["problems"] for one in told):
        raise typer.Exit(1)


def zoom_report(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV files that Zoom's portal exported.")],
    timezone: Annotated[
        str, typer.Option("--timezone", metavar="TZ", help="Zone of the times in the files: Europe/Paris.")
    ],
    as_json: Json = False,
) -> None:
    """Read attendee, participant and registration reports into the event log, for those without API access."""
    from pipelines.imports.zoom_report import import_reports

    opened = workspace()
    with progress() as tell:
        receipts = import_reports(files, timezone, opened.log, run=opened.run_id, progress=tell)
    lines = [line for receipt in receipts for line in receipt.lines()]
    give([receipt.told() for receipt in receipts], as_json, lines)
    if any(receipt.set_aside for receipt in receipts):
        raise typer.Exit(1)
