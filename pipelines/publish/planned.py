"""Planned rows as columns: a plan of a million records takes the memory of its text, not of a million objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.publish.rows import Phase, Row

SCHEMA = pa.schema(
    [
        pa.field("object", pa.string()),
        pa.field("operation", pa.string()),
        pa.field("object_key", pa.string()),
        pa.field("vendor_id", pa.string()),
        pa.field("changes", pa.string()),
        pa.field("context", pa.string()),
    ]
)
"""`changes` is a JSON object of field to `[old, new]`, `context` one of name to text."""
CHUNK = 10_000


class Planned(Sequence[Row]):
    """Rows of one destination, in order. A row is made when it is looked at, and is the same each time."""

    def __init__(self, table: pa.Table | None = None) -> None:
        told = SCHEMA.empty_table() if table is None else table.select(SCHEMA.names)
        self.table: pa.Table = told if told.schema.equals(SCHEMA) else told.cast(SCHEMA)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Planned:
        """Return rows that were made one by one."""
        told = [
            {
                "object": row.object,
                "operation": row.operation,
                "object_key": row.key,
                "vendor_id": row.vendor_id,
                "changes": orjson.dumps({name: [row.old.get(name), new] for name, new in row.fields.items()}).decode(),
                "context": orjson.dumps(dict(row.context)).decode(),
            }
            for row in rows
        ]
        return cls(pa.Table.from_pylist(told, schema=SCHEMA))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Row]:
        for batch in self.table.to_batches(CHUNK):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield _row(*values)

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> Planned: ...

    def __getitem__(self, place: int | slice) -> Row | Planned:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step == 1:
                return Planned(self.table.slice(start, max(0, stop - start)))
            return Planned(self.table.take(pa.array(range(start, stop, step), pa.int64())))
        return _row(*(column[place].as_py() for column in self.table.columns))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    def counts(self) -> dict[str, dict[str, int]]:
        """Return object to operation to number of rows."""
        found: dict[str, dict[str, int]] = {}
        grouped = self.table.group_by(["object", "operation"]).aggregate([([], "count_all")])
        for entry in sorted(grouped.to_pylist(), key=lambda one: (one["object"], one["operation"])):
            found.setdefault(entry["object"], {})[entry["operation"]] = entry["count_all"]
        return found

    def of_phase(self, phase: Phase) -> Planned:
        """Return the rows that a phase takes, in their order."""
        kinds, operations = self.table["object"], pa.array(phase.operations, pa.string())
        is_mine = pc.and_(pc.equal(kinds, phase.object), pc.is_in(self.table["operation"], value_set=operations))
        mine = self if pc.all(is_mine).as_py() else Planned(self.table.filter(is_mine))
        if phase.only is None:
            return mine
        return Planned(mine.table.filter(pa.array([phase.takes(row) for row in mine], pa.bool_())))

    def texts(self) -> Iterator[bytes]:
        """Yield all that the rows say, in order and in pieces that depend on nothing else, for a hash."""
        for at in range(0, len(self), CHUNK):
            for column in self.table.slice(at, CHUNK).columns:
                yield orjson.dumps(column.to_pylist())

    def calls(self, phases: Sequence[Phase]) -> int:
        """Return how many calls it takes to send all rows, as far as it can be told before."""
        counts, total = self.counts(), 0
        for phase in phases:
            if phase.grouped_by or phase.only:
                total += len(phase.batches(list(self.of_phase(phase))))
            else:
                total += phase.calls(sum(counts.get(phase.object, {}).get(name, 0) for name in phase.operations))
        return total


def _row(kind: str, operation: str, key: str, vendor_id: str | None, changes: str, context: str) -> Row:
    told: dict[str, tuple[str | None, str | None]] = orjson.loads(changes)
    there: dict[str, Any] = orjson.loads(context)
    return Row(
        kind,
        operation,
        key,
        vendor_id,
        {name: pair[1] for name, pair in told.items()},
        {name: pair[0] for name, pair in told.items()},
        there,
    )
