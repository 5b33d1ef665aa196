"""What changed between two tables: each row as often as it came, or went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.log import Log
from pipelines.models import CAME, CHANGED, GONE, Model
from pipelines.transform.bench import Bench
from pipelines.warehouse import Catalog, Warehouse

MODEL = Model("told", "intermediate", Path("told.sql"), "", "")
COLUMNS = "(k bigint, name varchar, told_at timestamptz, many varchar[], one struct(a bigint))"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench on nothing."""
    with duckdb.connect() as db:
        yield Bench(db, Log(tmp_path), Warehouse(tmp_path), Catalog(), datetime(2026, 1, 1, tzinfo=UTC), 1)


def found(bench: Bench, fresh: str, stale: str) -> tuple[int, list[Counter[int | None]]]:
    """Return how many rows differ, and how often each key changed, came and went."""
    for name, rows in (("fresh", fresh), ("stale", stale)):
        bench.db.execute(f"create table work.{name} {COLUMNS}")
        if rows:
            bench.db.execute(f"insert into work.{name} values {rows}")
    count = bench.difference(MODEL, "work.fresh", "from work.stale")
    if not count:
        return 0, []
    told = (bench.db.execute(f"select k from changed.told{suffix}").fetchall() for suffix in (CHANGED, CAME, GONE))
    return count, [Counter(key for (key,) in rows) for rows in told]


def row(key: object, name: object = "'a'", one: str = "{'a': 1}") -> str:
    """Return a row as SQL."""
    return f"({key}, {name}, timestamptz '2026-01-01 00:00:00+00', ['x', null], {one})"


def test_rows_that_came_and_rows_that_went(bench: Bench) -> None:
    fresh = ", ".join([row(1), row(2, "'b'"), row("null", "null"), row(4, one="{'a': null}")])
    stale = ", ".join([row(1), row(2), row("null", "null"), row(3)])
    assert found(bench, fresh, stale) == (4, [Counter([2, 2, 3, 4]), Counter([2, 4]), Counter([2, 3])])


def test_each_as_often_as_it_came_or_went(bench: Bench) -> None:
    fresh = ", ".join([row(1)] * 5 + [row(2)] * 2 + [row(3)])
    stale = ", ".join([row(1)] * 2 + [row(2)] * 2 + [row(4)] * 3)
    assert found(bench, fresh, stale) == (
        7,
        [Counter([1] * 3 + [3] + [4] * 3), Counter([1, 1, 1, 3]), Counter([4] * 3)],
    )


@pytest.mark.parametrize("rows", ["", row(1), ", ".join([row("null", "null")] * 2)])
def test_the_same_rows_differ_in_nothing_and_leave_nothing(bench: Bench, rows: str) -> None:
    assert found(bench, rows, rows) == (0, [])
    assert found_tables(bench) == []


def found_tables(bench: Bench) -> list[str]:
    """Return what is in the schema of changes."""
    sql = "select table_name from information_schema.tables where table_schema = 'changed'"
    return [str(name) for (name,) in bench.db.execute(sql).fetchall()]
