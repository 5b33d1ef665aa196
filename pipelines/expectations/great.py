"""The suites as Great Expectations knows them, validated over DuckDB and Parquet. The only door to that library.

Importing it takes seconds: whoever only wants to know whether to publish asks `judging`, which asks the same.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import ModelError
from pipelines.expectations import Expectation, Suite
from pipelines.expectations.judging import Clock, Finding


class Dialect(str):
    """DuckDB's name where the library keeps a list of its own: one that is equal to the text, and has a value."""

    @property
    def value(self) -> str:
        """The name."""
        return str(self)


HALF = 0.5
"""Between two counts: how far below the share of rows that hold the limit is set, so that no rounding moves it."""


def validate(
    file: Path,
    findings: Sequence[Finding],
    clock: Clock,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, bool]:
    """Let Great Expectations validate what was judged; return name to whether it holds.

    Args:
        file: a DuckDB file that shows every table under its name; nothing else has it open.
        findings: what was judged before, which tells how many rows each share is of.

    Raises:
        ModelError: an expectation could not be evaluated; says which, and why.
    """
    gx = library()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_sql("warehouse", connection_string=f"duckdb:///{file}")
    held: dict[str, bool] = {}
    for suite, found in _by_suite(findings).items():
        progress(f"quality: {suite.name}")
        batch = source.add_query_asset(suite.name, query=suite.rows()).add_batch_definition_whole_table("all")
        expectations = context.suites.add(gx.ExpectationSuite(suite.name))
        for one in found:
            expectations.add_expectation(_expectation(gx, suite, one, clock))
        checked = gx.ValidationDefinition(name=suite.name, data=batch, suite=expectations)
        result = context.validation_definitions.add(checked).run(
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": 0}
        )
        for told in result.results:
            name = str(told.expectation_config.meta["name"])
            if told.exception_info.get("raised_exception", any(_raised(told.exception_info))):
                raise ModelError(f"Great Expectations cannot evaluate {name}: {str(told.exception_info)[-700:]}")
            held[name] = bool(told.success)
    return held


def _raised(info: Mapping[str, Any]) -> Iterable[bool]:
    return (bool(one.get("raised_exception")) for one in info.values() if isinstance(one, Mapping))


def _by_suite(findings: Sequence[Finding]) -> dict[Suite, list[Finding]]:
    found: dict[Suite, list[Finding]] = {}
    for one in findings:
        found.setdefault(one.suite, []).append(one)
    return found


def library() -> Any:
    """Import the library, silent and without a word to anybody outside; let it read DuckDB's rows before it closes."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
        from great_expectations.execution_engine import sqlalchemy_execution_engine as engine
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    dialects = engine._PERSISTED_CONNECTION_DIALECTS
    if "duckdb" not in dialects:
        engine._PERSISTED_CONNECTION_DIALECTS = (*dialects, Dialect("duckdb"))  # type: ignore[assignment]
    return great_expectations


def _expectation(gx: Any, suite: Suite, found: Finding, clock: Clock) -> Any:
    """Return one expectation in the library's own words."""
    asked = found.expectation
    kinds = gx.expectations
    told: dict[str, Any] = {"meta": {"name": asked.name}, "description": asked.claim}
    column = asked.columns[0] if asked.columns else ""
    if asked.kind in ("complete", "within", "known"):
        told |= {"column": column, "mostly": _mostly(asked, found.considered)}
    if asked.kind == "complete":
        return kinds.ExpectColumnValuesToNotBeNull(**told)
    if asked.kind == "within":
        return kinds.ExpectColumnValuesToBeBetween(min_value=asked.low, max_value=asked.high, **told)
    if asked.kind == "known":
        values = [int(value) if value.isdigit() else value for value in asked.values]
        return kinds.ExpectColumnValuesToBeInSet(value_set=values, **told)
    if asked.kind == "unique" and len(asked.columns) > 1:
        return kinds.ExpectCompoundColumnsToBeUnique(column_list=list(asked.columns), **told)
    if asked.kind == "unique":
        return kinds.ExpectColumnValuesToBeUnique(column=column, **told)
    sql = asked.sql
    if asked.kind == "true":
        limit = f"greatest({asked.few}, row_count * {asked.share} // 100)"
        sql = (
            "select odd_count from (select count(*) as row_count, "
            f"count(*) filter (where {asked.failing()}) as odd_count from {{batch}}) where odd_count > {limit}"
        )
    return kinds.UnexpectedRowsExpectation(unexpected_rows_query=suite.stated(sql, clock), **told)


def _mostly(asked: Expectation, considered: int) -> float:
    """Return the share of rows that must hold: all but as many as are tolerated."""
    return max(0.0, (considered - asked.tolerated(considered) - HALF) / considered) if considered else 0.0
