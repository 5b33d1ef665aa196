"""Holds: what an undo took back is not sent again until it should say something else, or a person lets it (EV-08)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from pipelines.publish.planned import Planned
from pipelines.publish.rows import Row

TAKEN_BACK = "it was taken back by the undo of run"
Place = tuple[str, str]
"""Object and key of a record."""


@dataclass
class Holds:
    """What was taken back at one destination.

    Attributes:
        values: field by field, the text that an undo took away. `gone`: records that it deleted.
        runs: the run that was undone. `whole`: an object to the one whose records it is a part of.
    """

    values: dict[Place, dict[str, str | None]] = field(default_factory=dict)
    gone: set[Place] = field(default_factory=set)
    runs: dict[Place, str] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        db: duckdb.DuckDBPyConnection,
        destination: str,
        parts: Mapping[str, tuple[str, ...]],
        since: datetime | None,
    ) -> Holds:
        """Read what was taken back since it was last let go out again, at any time where that never was."""
        found = cls(whole={part: kind for kind, names in parts.items() for part in names})
        rows = db.execute(
            """
            select object, object_key, operation, undone from stg_turnout__outcomes
            where destination = ? and status = 'published' and undone is not null and (? is null or observed_at > ?)
            order by occurred_at, observed_at, event_id
            """,
            [destination, since, since],
        ).fetchall()
        for kind, key, operation, undone in rows:
            told: dict[str, Any] = orjson.loads(undone)
            found.runs[kind, key] = told["run"]
            if operation == "delete":
                found.gone.add((kind, key))
            else:
                found.values.setdefault((kind, key), {}).update(told["fields"])
        return found

    def applied(self, rows: Planned) -> tuple[Planned, list[tuple[Row, str]]]:
        """Return what may be sent of some rows, and what waits, each with why."""
        if not self.runs:
            return rows, []
        kept: list[int] = []
        less: list[Row] = []
        waiting: list[tuple[Row, str]] = []
        kinds, keys = (rows.table[name].to_pylist() for name in ("object", "object_key"))
        for at, (kind, key) in enumerate(zip(kinds, keys, strict=True)):
            above = (self.whole.get(kind, ""), key.partition("|")[0])
            place = above if above in self.gone else (kind, key)
            if place not in self.runs:
                kept.append(at)
                continue
            row = rows[at]
            left = None if place in self.gone else _without(row, self.values.get(place, {}))
            if left is None:
                waiting.append((row, f"{TAKEN_BACK} {self.runs[place]}; `turnout retry --undone` sends it again"))
            elif left.fields == row.fields:
                kept.append(at)
            else:
                less.append(left)
        tables = [rows.table.take(pa.array(kept, pa.int64())), Planned.of(less).table]
        return Planned(pa.concat_tables(tables)), waiting


def _without(row: Row, taken: Mapping[str, str | None]) -> Row | None:
    """Return a row without the values that were taken back; None where it would change nothing else."""
    moved = {name for name, new in row.fields.items() if (row.old.get(name) or None) != (new or None)}
    held = {name for name in moved if name in taken and (taken[name] or None) == (row.fields[name] or None)}
    if moved == held:
        return None
    if moved == set(row.fields):
        return row.with_fields({name: new for name, new in row.fields.items() if name not in held})
    return row.with_fields({name: row.old.get(name) if name in held else new for name, new in row.fields.items()})
