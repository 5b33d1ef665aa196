"""The same straightforward SQL, given a head start: every field it asks for is a typed column, no JSON is left to parse.

`naive_staging.sql` is taken as it stands; each `payload ->> '$.path'`, and the cast around it, becomes the column of that
name (a stream of a few thousand rows that is read in two steps keeps its JSON). Redeliveries, rows to be deduplicated and addresses as people typed them are still there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

FIELD = re.compile(r"cast\(payload ->> '\$\.([\w.]+)' as (\w+)\)|payload (->>?) '\$\.([\w.]+)'")
FROM = re.compile(r"\bfrom raw_(\w+)")
FIXED = "key, scope, kind, occurred_at, observed_at"


def fields(sql: str) -> dict[str, dict[str, str]]:
    """Return for each stream the fields that a staging script asks for: column name to the expression that gives it."""
    found: dict[str, dict[str, str]] = {}
    for statement in sql.split(";"):
        for stream in FROM.findall(statement):
            for field in FIELD.finditer(statement):
                found.setdefault(stream, {})[field[1] or field[4]] = field[0]
            found.setdefault(stream, {})
    return found


def over_columns(sql: str) -> str:
    """Return the script with columns instead of JSON, in each statement that reads a stream itself."""
    return ";".join(
        FIELD.sub(lambda field: f'"{field[1] or field[4]}"', statement) if FROM.search(statement) else statement
        for statement in sql.split(";")
    )


def prepare(deliveries: Mapping[str, Sequence[str]], sql: str, folder: Path) -> dict[str, list[str]]:
    """Write each stream with typed columns as one Parquet file, and return where; what is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = fields(sql)
    files: dict[str, list[str]] = {}
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        for stream, some in deliveries.items():
            path = folder / f"{stream}.parquet"
            files[stream] = [str(path)]
            if path.exists():
                continue
            listed = "" if asked.get(stream) else ", payload"
            listed += "".join(f', {expression} as "{name}"' for name, expression in asked.get(stream, {}).items())
            fresh = path.with_suffix(".new")
            db.execute(
                f"copy (select {FIXED}{listed} from read_parquet({list(some)!r})) to '{fresh}' "
                "(format parquet, compression zstd, compression_level 1, row_group_size 60000)"
            )
            fresh.replace(path)
    return files
