"""Which records are news: looked up in the slice of the log that could hold them already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.events import Batch, Record, digest, event_id

if TYPE_CHECKING:
    from pipelines.log import Log


@dataclass(frozen=True)
class _Head:
    """The latest event of a key."""

    event_id: bytes
    digest: bytes
    kind: str
    occurred_at: datetime
    scope: str


def new_facts(log: Log, source: str, account: str, stream: str, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return the rows of facts that the log does not hold; looks only at the span of their times."""
    rows: dict[bytes, dict[str, Any]] = {}
    for record in records:
        content = digest(record.payload)
        identity = event_id(source, account, stream, record.key, content)
        rows.setdefault(identity, _row(record, identity, content))
    if not rows:
        return []
    moments = [row["occurred_at"] for row in rows.values()]
    known = log.query(
        source,
        stream,
        """
        select event_id from events
        where occurred_at between $first and $last and event_id in (select event_id from incoming)
        """,
        {"first": min(moments), "last": max(moments)},
        incoming=pa.table({"event_id": pa.array(list(rows), pa.binary())}),
        since=min(moments),
    )
    for (identity,) in known:
        del rows[identity]
    return list(rows.values())


def new_states(log: Log, source: str, account: str, stream: str, batch: Batch, at: datetime) -> list[dict[str, Any]]:
    heads = _heads(log, source, account, stream, batch)
    present = set(batch.also_present)
    rows: list[dict[str, Any]] = []

    def follow(record: Record, content: bytes) -> None:
        head = heads.get(record.key)
        identity = event_id(source, account, stream, record.key, content, head.event_id if head else None)
        row = _row(record, identity, content)
        if head is not None:
            row["occurred_at"] = max(at, head.occurred_at, record.occurred_at)
        heads[record.key] = _Head(identity, content, record.kind, row["occurred_at"], record.scope)
        rows.append(row)

    for record in batch.records:
        present.add(record.key)
        content = digest(record.payload)
        head = heads.get(record.key)
        if head is None and record.kind == "absent":
            continue
        if head is None or head.digest != content:
            follow(record, content)
    scopes = set(batch.complete_scopes)
    for key, head in sorted(heads.items()):
        if head.scope in scopes and key not in present and head.kind == "seen":
            gone = Record(key, at, b"", head.scope, "absent")
            follow(gone, digest(gone.payload))
    return rows


def _heads(log: Log, source: str, account: str, stream: str, batch: Batch) -> dict[str, _Head]:
    rows = log.query(
        source,
        stream,
        """
        select key, arg_max(event_id, {order}), arg_max(digest, {order}), arg_max(kind, {order}),
            max(occurred_at), arg_max(scope, {order})
        from events
        where account = $account
            and (scope in (select scope from scopes) or key in (select key from incoming))
        group by key
        """,
        {"account": account},
        scopes=pa.table({"scope": pa.array(sorted(batch.complete_scopes), pa.string())}),
        incoming=pa.table({"key": pa.array([record.key for record in batch.records], pa.string())}),
    )
    return {key: _Head(*rest) for key, *rest in rows}


def own_events(source: str, account: str, stream: str, records: Sequence[Record]) -> list[dict[str, Any]]:
    contents = [digest(record.payload) for record in records]
    return [
        _row(record, event_id(source, account, stream, record.key, content), content)
        for record, content in zip(records, contents, strict=True)
    ]


def _row(record: Record, identity: bytes, content: bytes) -> dict[str, Any]:
    return {
        "event_id": identity,
        "scope": record.scope,
        "key": record.key,
        "kind": record.kind,
        "occurred_at": record.occurred_at,
        "digest": content,
        "payload": record.payload.decode() if record.payload else None,
    }
