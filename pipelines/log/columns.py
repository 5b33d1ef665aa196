"""Events as a table: made from records without a dictionary for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.events import EVENT_SCHEMA, ID_BYTES, MOMENT
from pipelines.log.news import News

MOST_BYTES = (1 << 31) - 1
"""What one piece of a column of texts can hold."""


def table(news: News, *, account: str, observed_at: datetime, batch: str) -> pa.Table:
    """Return events as a table of EVENT_SCHEMA, in the order of their moments; those of one stay in their order."""
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
    }
    rows, payloads = pa.table(columns), records.payloads
    if count > 1 and not pc.all(pc.less_equal(records.moments[:-1], records.moments[1:])).as_py():
        order = pc.sort_indices(records.moments)
        rows, payloads = rows.take(order), [payloads[nth] for nth in order.to_pylist()]
    return pa.table([*rows.columns, _payloads(payloads)], schema=EVENT_SCHEMA)


def _hashes(values: Sequence[bytes]) -> pa.Array:
    """Return a column of hashes, which are all of one length."""
    offsets = np.arange(0, ID_BYTES * (len(values) + 1), ID_BYTES, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.binary(), len(values), buffers)


def _payloads(values: Sequence[bytes]) -> pa.Array:
    """Return a column of texts that are known to be UTF-8, all in one buffer; an empty one is a gap."""
    lengths = np.fromiter(map(len, values), np.int32, len(values))
    if not lengths.all() or lengths.sum(dtype=np.int64) > MOST_BYTES:
        return pa.array([bytes(value) if value else None for value in values], pa.binary()).cast(pa.string())
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    )


def _texts(values: Sequence[str]) -> pa.Array:
    """Return a column of texts that are often all the same."""
    return _same(values[0], len(values)) if len(set(values)) == 1 else pa.array(values, pa.string())


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)
