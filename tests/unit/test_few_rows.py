"""Models of few rows are kept in memory for those that read them, as the file says they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from pipelines import models, transform
from pipelines.log import Log
from pipelines.transform import bench
from pipelines.warehouse import Warehouse
from tests.properties.histories import PlainLog

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
HEADER = "-- What?\n-- grain: one row per key\n"
SQL = {
    "staging/stg_x__y.sql": "select key, occurred_at from raw_x__y",
    "intermediate/int_counted.sql": "select key, sum(1) as number from stg_x__y group by key",
    "intermediate/int_told.sql": "select key, typeof(number) as kind from int_counted",
}


def told(log: PlainLog, *keys: str) -> None:
    """Append an event for each key."""
    row = {"account": "a", "scope": "", "kind": "seen", "occurred_at": AS_OF - timedelta(days=1)}
    row |= {"observed_at": AS_OF, "batch": "b", "payload": "{}"}
    log.append(
        "x/y",
        [{**row, "event_id": key.ljust(16).encode(), "digest": key.ljust(16).encode(), "key": key} for key in keys],
    )


@pytest.mark.rule("EV-02")
@pytest.mark.parametrize("few", [0, bench.FEW])
def test_what_follows_reads_the_types_of_the_file_whether_it_was_kept_in_memory_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(bench, "FEW", few)
    for name, sql in SQL.items():
        file = tmp_path / "sql" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{HEADER}{sql}\n", encoding="utf-8")
    log = PlainLog(tmp_path / "home")
    for keys in (("one", "two"), ("three",)):
        told(log, *keys)
        transform.build(cast(Log, log), models.load(tmp_path / "sql"), as_of=AS_OF)
        with Warehouse(log.home).connect() as db:
            kinds = dict(db.execute("select key, kind from int_told").fetchall())
            file_kind = db.execute("select distinct typeof(number) from int_counted").fetchall()
        assert set(kinds.values()) == {file_kind[0][0]} == {"DOUBLE"}
    assert set(kinds) == {"one", "two", "three"}
