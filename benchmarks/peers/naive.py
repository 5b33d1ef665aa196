"""Straightforward DuckDB SQL over the deliveries; see naive_staging.sql and naive_tables.sql."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from benchmarks.peers import OUTPUTS

STAGING, TABLES = (Path(__file__).with_name(name) for name in ("naive_staging.sql", "naive_tables.sql"))
COLUMNS = "key, scope, kind, occurred_at, observed_at, payload"


def build(
    deliveries: Mapping[str, Sequence[str]],
    as_of: datetime,
    out: Path,
    threads: int | None = None,
    *,
    staging: str = "",
) -> None:
    """Compute the published tables, and write each as a Parquet file below `out`.

    Args:
        staging: what to read the deliveries with, where they are no JSON (see typed.py).
    """
    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        db.execute("set preserve_insertion_order = false")
        if threads is not None:
            db.execute(f"set threads = {threads:d}")
        db.execute("set variable as_of = cast(? as timestamptz)", [as_of.isoformat()])
        for name, files in deliveries.items():
            db.execute(
                f"create temp view raw_{name} as select {'*' if staging else COLUMNS} from read_parquet({list(files)!r})"
            )
        db.execute(staging or STAGING.read_text(encoding="utf-8"))
        db.execute(TABLES.read_text(encoding="utf-8"))
        for name in OUTPUTS:
            db.execute(f"copy {name} to '{out / name}.parquet' (format parquet, compression zstd)")
