"""The commands around the data: sql, verify, doctor, import."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.output import Json, give, progress, say, table, workspace
from pipelines.errors import UsageError, VendorError

SHOWN_ROWS = 100
READING = ("SELECT",)
"""Kinds of statements that only read. The models' folder is open to queries, so COPY, and EXPLAIN ANALYZE of a COPY,
could write into it."""


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
    as_json: Json = False,
) -> None:
    """Query the published tables, read-only: no writing, no files, no network."""
    import duckdb

    opened = workspace()
    if not opened.warehouse.file.exists():
        raise UsageError(f"{opened.warehouse.file} is not there yet. `turnout build` makes it.")
    with duckdb.connect(str(opened.warehouse.file), read_only=True) as db:
        db.execute("set timezone = 'UTC'")
        folder = str(opened.warehouse.root).replace("'", "''")
        db.execute(f"set allowed_directories = ['{folder}']")
        db.execute("set enable_external_access = false")
        db.execute("set python_enable_replacements = false")
        db.execute("set lock_configuration = true")
        try:
            statements = db.extract_statements(query if query is not None else _typed())
            for statement in statements:
                if statement.type.name not in READING:
                    raise UsageError(
                        f"only queries are run here, and this is a statement of the kind {statement.type.name}. "
                        "To keep a result, use --csv or --json and send it to a file."
                    )
                found = db.execute(statement)
                columns = [str(column[0]) for column in found.description or ()]
                _show(columns, found.fetchall(), as_csv, as_json)
        except duckdb.Error as error:
            raise UsageError(f"the query cannot be run: {str(error)[:800]}") from None
    if not statements:
        raise UsageError('there is no query. For example: turnout sql "show tables".')


def _typed() -> str:
    if sys.stdin.isatty():
        say("Type a query, end it with Ctrl-D. `show tables` lists the tables.")
    return sys.stdin.read()


def _show(columns: list[str], rows: list[tuple[Any, ...]], as_csv: bool, as_json: bool) -> None:
    if as_csv:
        import csv

        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows(rows)
        return
    lines = table(rows[:SHOWN_ROWS], columns) if columns else []
    if len(rows) > SHOWN_ROWS:
        lines.append(f"… {len(rows) - SHOWN_ROWS:,} more rows; --csv or --json gives all")
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
    connected = settings.connections(opened.environment)
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
