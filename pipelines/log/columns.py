"""Events as a table: made from records without a dictionary for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.events import EVENT_SCHEMA, ID_BYTES, MOMENT
from pipelines.log.news import News


def table(news: News, *, account: str, observed_at: datetime, batch: str) -> pa.Table:
    """Return events as a table of EVENT_SCHEMA."""
    records, count = news.records, len(news.records)
    ids = _hashes(news.ids)
    columns: dict[str, Any] = {
        "event_id": ids,
        "account": _same(account, count),
        "scope": _texts(records.scopes),
        "key": pa.array(records.keys, pa.string()),
        "kind": _texts(records.kinds) if records.kinds else _same("seen", count),
        "occurred_at": records.moments,
        "observed_at": pa.repeat(pa.scalar(observed_at, MOMENT), count),
        "batch": _same(batch, count),
        "digest": ids if news.contents is news.ids else _hashes(news.contents),
        "payload": _payloads(records.payloads)
        if all(records.payloads)
        else pa.array([bytes(content).decode() if content else None for content in records.payloads], pa.string()),
    }
    return pa.table(columns, schema=EVENT_SCHEMA)


def _hashes(values: Sequence[bytes]) -> pa.Array:
    """Return a column of hashes, which are all of one length."""
    offsets = np.arange(0, ID_BYTES * (len(values) + 1), ID_BYTES, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.binary(), len(values), buffers)


def _payloads(values: Sequence[bytes]) -> pa.Array:
    """Return a column of texts that are known to be UTF-8, all in one buffer."""
    joined = b"".join(values)
    if len(joined) >= 1 << 31:
        return pa.array([bytes(value) for value in values], pa.binary()).cast(pa.string())
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=offsets[1:])
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(joined)])


def _texts(values: Sequence[str]) -> pa.Array:
    """Return a column of texts that are often all the same."""
    return _same(values[0], len(values)) if len(set(values)) == 1 else pa.array(values, pa.string())


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)
