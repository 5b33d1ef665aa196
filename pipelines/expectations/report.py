"""The report about quality: Great Expectations validates, the log remembers, and a page shows it (EV-12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import orjson
import pyarrow.parquet as pq

from pipelines import duck
from pipelines.checks import Check, Lineage, lenient, run_audits
from pipelines.events import Batch, Record, Stream, utc
from pipelines.expectations import PLAN, READINGS
from pipelines.expectations.judging import candidates
from pipelines.expectations.reading import readings
from pipelines.expectations.suites import clock_of, judge_plan_table, judge_tables
from pipelines.log import OURS, Log
from pipelines.models import Model
from pipelines.warehouse import Catalog, Warehouse

VALIDATIONS = Stream("validations", "own", about="what Great Expectations found, each time it was asked")
REMEMBERED = 60
"""Validations that the chart shows."""


@dataclass(frozen=True)
class Validation:
    """One validation, as the log remembers it: how many checks held, and the names of the others."""

    at: datetime
    held: int
    failed: tuple[str, ...]
    warned: tuple[str, ...]


@dataclass
class Report:
    """All that the page shows.

    Attributes:
        disagreeing: checks on which Great Expectations and the run's own judgement differ: there should be none.
        quarantined: (source, stream, reason) to records set aside. history: validations, the latest last.
    """

    at: datetime
    checks: list[Check]
    disagreeing: list[str] = field(default_factory=list)
    quarantined: dict[tuple[str, str, str], int] = field(default_factory=dict)
    history: list[Validation] = field(default_factory=list)


def validate_all(
    log: Log,
    warehouse: Warehouse,
    models: Mapping[str, Model],
    *,
    run: str,
    warn: Collection[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Judge everything, let Great Expectations validate the same, and remember what it found.

    Raises:
        ModelError: something could not be evaluated. LogError: the log or the disk refuses.
    """
    from pipelines.expectations import great

    with log.locked():
        clock, lineage = clock_of(log, warehouse), Lineage(models)
        audits = run_audits(warehouse, models)
        findings = judge_tables(log, warehouse, models, whole=True)
        plan = last_plan(log.home, warehouse.catalog())
        with database(log, warehouse, models, plan) as file:
            if plan is not None:
                with duckdb.connect(str(file)) as db:
                    findings += judge_plan_table(db, clock["as_of"])
            told = great.validate(file, findings, clock, progress)
        checks = lenient([*audits, *(found.check(lineage) for found in findings)], warn)
        differ = sorted(one.name for one in checks if one.name in told and told[one.name] != one.passed)
        report = Report(clock["read_at"], checks, differ, quarantined(warehouse))
        remember(log, report, run)
        report.history = history(log)
        return report


def last_plan(home: Path, catalog: Catalog) -> Path | None:
    """Return the Parquet of the latest plan, where it was made of the tables as they stand."""
    for summary in sorted((home / "plans").glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        told = orjson.loads(summary.read_bytes())
        path = summary.with_suffix(".parquet")
        return path if path.exists() and utc(told["as_of"]) == utc(catalog.as_of) else None
    return None


@contextmanager
def database(log: Log, warehouse: Warehouse, models: Mapping[str, Model], plan: Path | None) -> Iterator[Path]:
    """Give a file of views over the Parquet of all that suites read, while the block lasts."""
    folder = log.home / "quality"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / ".views.duckdb"
    leftovers = [file, file.with_suffix(".duckdb.wal")]
    catalog = warehouse.catalog()
    try:
        for path in leftovers:
            path.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as db:
            for name, entry in catalog.entries.items():
                if entry.files:
                    db.execute(f"create view {name} as {warehouse.relation(entry)}")
            db.register("told", readings(log, clock_of(log, warehouse)["read_at"]))
            db.execute(f"create table {READINGS} as from told")
            db.execute(f"create view candidates as {candidates(models, catalog)}")
            if plan is not None:
                db.execute(f"create view {PLAN} as select * from read_parquet({duck.text(plan)})")
        yield file
    finally:
        for path in leftovers:
            path.unlink(missing_ok=True)


def quarantined(warehouse: Warehouse) -> dict[tuple[str, str, str], int]:
    """Return (source, stream, reason) to the records that are set aside: counts, and nothing of the records."""
    entry = warehouse.catalog().entries.get("quarantine")
    if entry is None or not warehouse.is_whole(entry):
        return {}
    table = pq.read_table(warehouse.root / entry.files[0], columns=["source", "stream", "reason"])
    return dict(sorted(Counter(zip(*(column.to_pylist() for column in table.columns), strict=True)).items()))


def remember(log: Log, report: Report, run: str) -> None:
    """Append a validation to the log."""
    amiss = [check for check in report.checks if not check.passed]
    told = {
        "at": report.at.isoformat(),
        "held": len(report.checks) - len(amiss),
        "failed": sorted(check.name for check in amiss if check.is_blocking),
        "warned": sorted(check.name for check in amiss if not check.is_blocking),
        "quarantined": sum(report.quarantined.values()),
        "found": {check.name: [check.failing, check.considered] for check in report.checks if check.failing},
    }
    log.append(OURS, OURS, VALIDATIONS, Batch([Record(run, report.at, orjson.dumps(told))], at=report.at), run=run)


def history(log: Log) -> list[Validation]:
    """Return the validations that the log remembers, the latest last."""
    rows = log.query(
        OURS,
        VALIDATIONS.name,
        f"select payload from events order by observed_at desc, event_id limit {REMEMBERED}",
        {},
    )
    told = [orjson.loads(payload) for (payload,) in reversed(rows)]
    return [Validation(utc(one["at"]), one["held"], tuple(one["failed"]), tuple(one["warned"])) for one in told]
