"""Events as whole columns: made from records without a dictionary for each."""

from __future__ import annotations

from array import array
from datetime import datetime
from itertools import accumulate
from typing import Any

import pyarrow as pa

from pipelines.events import EVENT_SCHEMA
from pipelines.log.news import News


def table(news: News, *, account: str, observed_at: datetime, batch: str) -> pa.Table:
    """Return events as a table of EVENT_SCHEMA."""
    records, count = news.records, len(news.records)
    payloads = [record.payload for record in records]
    columns: dict[str, Any] = {
        "event_id": _bytes(news.ids, pa.binary()),
        "account": _same(account, count),
        "scope": _texts([record.scope for record in records]),
        "key": pa.array([record.key for record in records], pa.string()),
        "kind": _texts([record.kind for record in records]),
        "occurred_at": pa.array(news.moments, pa.timestamp("us", tz="UTC")),
        "observed_at": pa.array([observed_at], pa.timestamp("us", tz="UTC")).take(_zeros(count)),
        "batch": _same(batch, count),
        "digest": _bytes(news.contents, pa.binary()),
        "payload": _bytes(payloads, pa.string())
        if all(payloads)
        else pa.array([content.decode() if content else None for content in payloads], pa.string()),
    }
    return pa.table(columns, schema=EVENT_SCHEMA)


def _bytes(values: list[bytes], kind: pa.DataType) -> pa.Array:
    """Return a column of bytes (text that is known to be UTF-8), all in one buffer."""
    joined = b"".join(values)
    if len(joined) >= 1 << 31:
        return pa.array(values, pa.binary()).cast(kind)
    offsets = array("i", accumulate(map(len, values), initial=0))
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(offsets), pa.py_buffer(joined)])


def _texts(values: list[str]) -> pa.Array:
    """Return a column of texts that are often all the same."""
    return _same(values[0], len(values)) if len(set(values)) == 1 else pa.array(values, pa.string())


def _same(text: str, count: int) -> pa.Array:
    return pa.array([text], pa.string()).take(_zeros(count))


def _zeros(count: int) -> pa.Array:
    return pa.array(bytes(count), pa.uint8()) if count else pa.array([], pa.uint8())
