"""Whether two engines said the same: rows and a sum of hashes over all columns, whatever the order of rows and columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import duckdb


def checksum(db: duckdb.DuckDBPyConnection, relation: str, only: Collection[str] = ()) -> dict[str, Any]:
    """Return rows and sum of a relation: a view, a table, or `read_parquet(…)`; of some columns, or all."""
    columns = sorted(
        (str(row[0]), str(row[1]))
        for row in db.execute(f"describe select * from {relation}").fetchall()
        if not only or row[0] in only
    )
    texts = [f'"{name}"' if kind == "VARCHAR" else _text(name, kind) for name, kind in columns]
    # a list keeps nulls and boundaries apart
    found = db.execute(f"select count(*), coalesce(sum(hash([{', '.join(texts)}])), 0) from {relation}").fetchall()[0]
    return {"rows": int(found[0]), "sum": str(found[1]), "columns": [name for name, _ in columns]}


def _text(name: str, kind: str) -> str:
    if kind.startswith("TIMESTAMP"):
        return f"""cast(epoch_us("{name}") as varchar)"""
    if kind.startswith("DECIMAL") or kind in ("DOUBLE", "FLOAT"):
        return f"""cast(cast(round(cast("{name}" as decimal(38, 6)) * 1000000) as hugeint) as varchar)"""
    return f"""cast(cast("{name}" as bigint) as varchar)""" if "INT" in kind else f"""cast("{name}" as varchar)"""


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the names whose checksums differ."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
