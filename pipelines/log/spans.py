"""When the events of each file of the log occurred, so that who asks for some days reads the files of those."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from deltalake import DeltaTable

from pipelines.log.commit import folder_of

STATS_COARSENESS = timedelta(milliseconds=1)
"""Delta's statistics are cut to milliseconds, so a file may hold events up to this much after its stated maximum."""


@dataclass(frozen=True)
class Span:
    """The span of time of one file's events, as its statistics tell it; None where they do not."""

    path: str
    rows: int
    first: datetime | None
    last: datetime | None

    def may_hold(self, first: datetime, last: datetime) -> bool:
        """Whether something that occurred between two moments may be here."""
        if self.first is None or self.last is None:
            return True
        return self.first <= last and self.last + STATS_COARSENESS >= first


def spans_of(table: DeltaTable) -> list[Span]:
    """Return the span of each file of a table."""
    actions = table.get_add_actions(flatten=True)
    root = folder_of(table)
    paths = [str(root / path) for path in actions["path"].to_pylist()]
    rows = actions["num_records"].to_pylist()
    names = actions.schema.names
    unknown = [None] * len(paths)
    first = actions["min.occurred_at"].to_pylist() if "min.occurred_at" in names else unknown
    last = actions["max.occurred_at"].to_pylist() if "max.occurred_at" in names else unknown
    return [Span(*one) for one in zip(paths, rows, first, last, strict=True)]
