"""Reports: queries of `sql/reports/` with a type and a range of days, over the tables as they stand (HS-11)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.errors import ModelError, UsageError
from pipelines.models import SQL_ROOT
from pipelines.warehouse import Warehouse

ROOT = SQL_ROOT / "reports"


@dataclass(frozen=True)
class Report:
    """A report: its name, the question it answers, and its query."""

    name: str
    question: str
    sql: str


def load(root: Path = ROOT) -> dict[str, Report]:
    """Read the reports, by name.

    Raises:
        ModelError: a file begins with no question.
    """
    found: dict[str, Report] = {}
    for path in sorted(root.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        first = text.partition("\n")[0]
        if not first.startswith("-- "):
            raise ModelError(f"{path}: a report begins with the question that it answers, as a comment.")
        found[path.stem] = Report(path.stem, first.removeprefix("-- "), text)
    return found


def rows(
    warehouse: Warehouse, name: str, *, kind: str | None = None, start: date | None = None, end: date | None = None
) -> pa.Table:
    """Run a report and return its rows.

    Args:
        kind: an activity type, None for all.
        start, end: days in the org's time zone, both included; None leaves that side open.

    Raises:
        UsageError: there is no such report, or there are no tables yet.
        ModelError: its query failed.
    """
    reports = load()
    if name not in reports:
        raise UsageError(f"there is no report {name!r}; there is {', '.join(reports)}.")
    if not warehouse.is_there:
        raise UsageError(f"{warehouse.file} is not there yet. `turnout build` makes it.")
    told: Mapping[str, str | None] = {
        "report_type": kind,
        "report_from": start.isoformat() if start else None,
        "report_to": end.isoformat() if end else None,
    }
    with warehouse.connect(set(re.findall(r"\w+", reports[name].sql))) as db:
        for variable, value in told.items():
            db.execute(f"set variable {variable} = cast($value as varchar)", {"value": value})
        try:
            table: pa.Table = db.sql(reports[name].sql).to_arrow_table()
        except duckdb.Error as error:
            raise ModelError(f"report {name}: {str(error)[:400]}") from None
    return table
