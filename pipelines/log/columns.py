"""Events as whole columns: made from records without a dictionary for each."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

import pyarrow as pa

from pipelines.events import EVENT_SCHEMA
from pipelines.log.news import News

MOMENT = pa.timestamp("us", tz="UTC")


def table(news: News, *, account: str, observed_at: datetime, batch: str) -> pa.Table:
    """Return events as a table of EVENT_SCHEMA."""
    records, count = news.records, len(news.records)
    payloads = [record.payload for record in records]
    ids = _bytes(news.ids, pa.binary())
    columns: dict[str, Any] = {
        "event_id": ids,
        "account": _same(account, count),
        "scope": _texts([record.scope for record in records]),
        "key": pa.array([record.key for record in records], pa.string()),
        "kind": _texts([record.kind for record in records]),
        "occurred_at": pa.array(news.moments, MOMENT),
        "observed_at": pa.repeat(pa.scalar(observed_at, MOMENT), count),
        "batch": _same(batch, count),
        "digest": ids if news.contents is news.ids else _bytes(news.contents, pa.binary()),
        "payload": _bytes(payloads, pa.string())
        if all(payloads)
        else pa.array([content.decode() if content else None for content in payloads], pa.string()),
    }
    return pa.table(columns, schema=EVENT_SCHEMA)


def _bytes(values: Sequence[bytes], kind: pa.DataType) -> pa.Array:
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
    return pa.repeat(pa.scalar(text, pa.string()), count)
