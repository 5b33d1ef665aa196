"""All suites: of what came in, of what was computed, of what is about to go out; and how a run judges them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from pipelines.checks import Check, Lineage, lenient, run_audits
from pipelines.events import utc
from pipelines.expectations import PLAN, Suite, incoming, outgoing
from pipelines.expectations.judging import Clock, Finding, judge, judge_all
from pipelines.expectations.reading import readings
from pipelines.log import Log
from pipelines.models import Model
from pipelines.publish import Plan
from pipelines.publish.planned import SCHEMA, Planned
from pipelines.warehouse import Warehouse

SUITES: tuple[Suite, ...] = (*incoming.SUITES, *outgoing.SUITES)


def clock_of(log: Log, warehouse: Warehouse) -> Clock:
    """Return the moments that expectations ask for: the log's last reading, and what the tables describe."""
    as_of = utc(warehouse.catalog().as_of)
    return {"read_at": log.last_read_at() or as_of, "as_of": as_of}


def judge_tables(log: Log, warehouse: Warehouse, models: Mapping[str, Model], *, whole: bool = False) -> list[Finding]:
    """Judge what came in and what was computed, as it stands; what held over the same rows is not asked again.

    Args:
        whole: as in `judge_all`.
    """
    clock = clock_of(log, warehouse)
    return judge_all(warehouse, models, SUITES, readings(log, clock["read_at"]), clock, whole=whole)


def check_tables(
    log: Log, warehouse: Warehouse, models: Mapping[str, Model], *, warn: Collection[str] = ()
) -> list[Check]:
    """Run the audits, and judge what is expected of what came in and of what was computed.

    Args:
        warn: names of checks that hold nothing back.
    """
    lineage = Lineage(models)
    found = run_audits(warehouse, models)
    found += [one.check(lineage) for one in judge_tables(log, warehouse, models)]
    return lenient(found, warn)


def check_plan(
    db: duckdb.DuckDBPyConnection, models: Mapping[str, Model], plan: Plan, *, warn: Collection[str] = ()
) -> list[Check]:
    """Judge what is about to go out."""
    lineage = Lineage(models)
    return lenient([one.check(lineage) for one in judge_plan(db, plan.rows, plan.as_of)], warn)


def plan_table(rows: Mapping[str, Planned]) -> pa.Table:
    """Return the rows of a plan as one table, as its Parquet has them."""
    columns = pa.schema([pa.field("destination", pa.string()), *SCHEMA])
    tables = [
        some.table.add_column(0, columns.field(0), pa.array([name] * len(some), pa.string()))
        for name, some in rows.items()
    ]
    return pa.concat_tables([columns.empty_table(), *tables])


def judge_plan(db: duckdb.DuckDBPyConnection, rows: Mapping[str, Planned], as_of: datetime) -> list[Finding]:
    """Judge what is about to go out."""
    db.register(PLAN, plan_table(rows))
    return judge_plan_table(db, as_of, {name for name, some in rows.items() if some})


def judge_plan_table(
    db: duckdb.DuckDBPyConnection, as_of: datetime, names: Collection[str] | None = None
) -> list[Finding]:
    """Judge a plan that a connection shows; of these destinations, or of all."""
    clock = {"as_of": as_of.astimezone(UTC)}
    wanted = [suite for suite in SUITES if suite.table == PLAN and (names is None or suite.destination in names)]
    return [one for found in judge(db, wanted, clock).values() for one in found]
