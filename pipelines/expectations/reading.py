"""When each source was last read, by the clocks of the vendors: what freshness is judged by."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from pipelines.log import Log

SCHEMA = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("read_at", pa.timestamp("us", "UTC")),
        pa.field("behind_hours", pa.int64()),
    ]
)


def readings(log: Log, read_at: datetime) -> pa.Table:
    """Return each source with the moment up to which it was read, and how far that lies before the latest reading."""
    rows = [
        {"source": source, "read_at": at, "behind_hours": int((read_at - at).total_seconds() // 3600)}
        for source, at in sorted(log.sources_read_at().items())
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)
