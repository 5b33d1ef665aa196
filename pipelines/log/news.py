"""Which records are news: looked up in the slice of the log that could hold them already.

A reading goes through a stream batch by batch, so from its second batch on the ids or heads of the whole stream are
kept at hand (`Index`) where looking into the log again would read much of it each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pyarrow as pa

from pipelines.events import Batch, Record, digest, namer

if TYPE_CHECKING:
    from pipelines.log import Log

SLICE = 100_000
"""Facts whose times span more rows of the log than this are looked up in an index, from the second batch on."""
HEAD = "key, scope, event_id, digest, kind, occurred_at, observed_at"


News = tuple[datetime, bytes, Record, bytes]
"""An event to be appended: when it occurred, its id, the record, and its digest."""


class Index:
    """What the log holds of one stream and account at one version, in memory while it is of use.

    Attributes:
        asked: how many batches were looked up.
    """

    def __init__(self, source: str, account: str, stream: str, version: int) -> None:
        self.source, self.account, self.stream, self.version = source, account, stream, version
        self.asked = 0
        self.db: duckdb.DuckDBPyConnection | None = None
        self._columns = ""

    def is_of(self, source: str, account: str, stream: str, version: int) -> bool:
        """Whether this is what the log holds now."""
        return (self.source, self.account, self.stream, self.version) == (source, account, stream, version)

    def build(self, files: list[str], columns: str) -> duckdb.DuckDBPyConnection:
        """Read columns of all files, and return where they are kept: `known`, with the hashes of key and scope."""
        if self.db is None:
            self._columns = columns
            self.db = duckdb.connect()
            self.db.execute("set timezone = 'UTC'")
            self.db.execute(
                f"create table known as select {self._with_hashes()} from read_parquet(?) where account = ?",
                [files, self.account],
            )
        return self.db

    def add(self, rows: pa.Table, version: int) -> None:
        """Take in what was appended."""
        self.version = version
        if self.db is not None:
            self.db.register("added", rows)
            self.db.execute(f"insert into known select {self._with_hashes()} from added")
            self.db.unregister("added")

    def _with_hashes(self) -> str:
        return f"{self._columns}, hash(key) as k, hash(scope) as s" if "key" in self._columns else self._columns

    def close(self) -> None:
        """Give the memory back."""
        if self.db is not None:
            self.db.close()
            self.db = None


def new_facts(log: Log, index: Index, records: Sequence[Record]) -> list[News]:
    """Return the facts that the log does not hold; looks only at the span of their times."""
    name = namer(index.source, index.account, index.stream)
    rows: dict[bytes, News] = {}
    for record in records:
        content = digest(record.payload)
        identity = name(record.key, content)
        if identity not in rows:
            rows[identity] = (record.occurred_at, identity, record, content)
    if rows:
        for identity in _known_ids(log, index, rows):
            del rows[identity]
    return list(rows.values())


def _known_ids(log: Log, index: Index, rows: dict[bytes, News]) -> list[bytes]:
    moments = [row[0] for row in rows.values()]
    first, last = min(moments), max(moments)
    files, count = log.slice(index.source, index.stream, first, last)
    if not files:
        return []
    incoming = pa.table({"event_id": pa.array(list(rows), pa.binary())})
    index.asked += count > SLICE
    if index.db is not None or index.asked > 1:
        db = index.build(log.files(index.source, index.stream), "event_id")
        db.register("incoming", incoming)
        found = db.execute("select event_id from incoming where event_id in (select event_id from known)").fetchall()
        db.unregister("incoming")
    else:
        found = log.query(
            index.source,
            index.stream,
            """
            select event_id from events
            where occurred_at between $first and $last and event_id in (select event_id from incoming)
            """,
            {"first": first, "last": last},
            files=files,
            incoming=incoming,
        )
    return [identity for (identity,) in found]


class _Head(NamedTuple):
    """The latest event of a key."""

    event_id: bytes
    digest: bytes
    kind: str
    occurred_at: datetime
    scope: str


def new_states(log: Log, index: Index, batch: Batch, at: datetime) -> list[News]:
    """Return what has changed since the latest event of each key, and what is absent from complete scopes."""
    name = namer(index.source, index.account, index.stream)
    contents = [digest(record.payload) for record in batch.records]
    wanted, heads, gone = _heads(log, index, batch, contents)
    rows: list[News] = []
    followed: set[str] = set()

    def follow(record: Record, content: bytes) -> None:
        head = heads.get(record.key)
        identity = name(record.key, content, head.event_id if head else None)
        moment = record.occurred_at if head is None else max(at, head.occurred_at, record.occurred_at)
        if head is not None and record.key in followed:  # both are observed at once, so time alone tells their order
            moment = max(moment, head.occurred_at + timedelta(microseconds=1))
        followed.add(record.key)
        heads[record.key] = _Head(identity, content, record.kind, moment, record.scope)
        rows.append((moment, identity, record, content))

    for nth in wanted:
        record, content = batch.records[nth], contents[nth]
        head = heads.get(record.key)
        if head is None and record.kind == "absent" and not record.follows:
            continue
        if head is None or head.digest != content:
            follow(record, content)
    for key in sorted(gone):
        absence = Record(key, at, b"", heads[key].scope, "absent")
        follow(absence, digest(absence.payload))
    return rows


LOOKUP = """
    with heads as (
        select
            key, arg_max(event_id, {order}) as event_id, arg_max(digest, {order}) as digest,
            arg_max(kind, {order}) as kind, max(occurred_at) as occurred_at, arg_max(scope, {order}) as scope
        from events where {met}
        group by key
    )
    select nth, heads.* from incoming left join heads using (key)
    where heads.key is null or heads.digest <> incoming.digest or incoming.is_again
    union all
    select null as nth, * from heads
    where kind = 'seen' and scope in (select scope from scopes) and key not in (select key from present)
"""
"""Records that cannot be passed over, with the latest event of their key, and keys that are there no more."""


def _heads(
    log: Log, index: Index, batch: Batch, contents: list[bytes]
) -> tuple[Sequence[int], dict[str, _Head], list[str]]:
    """Return which records to look at, the latest events of their keys, and the keys that have vanished."""
    files = log.files(index.source, index.stream)
    if not files:
        return range(len(batch.records)), {}, []
    keys = [record.key for record in batch.records]
    counts = Counter(keys) if len(set(keys)) < len(keys) else {}
    tables = {
        "incoming": pa.table(
            {
                "nth": pa.array(range(len(keys)), pa.int64()),
                "key": pa.array(keys, pa.string()),
                "digest": pa.array(contents, pa.binary()),
                "is_again": pa.array([counts.get(key, 0) > 1 for key in keys], pa.bool_()),
            }
        ),
        "scopes": pa.table({"scope": pa.array(sorted(batch.complete_scopes), pa.string())}),
        "present": pa.table({"key": pa.array([*keys, *batch.also_present], pa.string())}),
    }
    index.asked += 1
    if index.asked > 1:
        db = index.build(files, HEAD)
        met = "k in (select hash(key) from incoming) or s in (select hash(scope) from scopes)"
        for name, rows in tables.items():
            db.register(name, rows)
        sql = LOOKUP.replace("{met}", met).replace("from events", "from known")
        found = db.execute(sql.replace("{order}", log.order)).fetchall()
        for name in tables:
            db.unregister(name)
    else:
        met = "account = $account and (scope in (select scope from scopes) or key in (select key from incoming))"
        sql = LOOKUP.replace("{met}", met)
        found = log.query(index.source, index.stream, sql, {"account": index.account}, files=files, **tables)
    heads = {key: _Head(*rest) for _, key, *rest in found if key is not None}
    wanted = sorted(nth for nth, *_ in found if nth is not None)
    return wanted, heads, [key for nth, key, *_ in found if nth is None]


def own_events(index: Index, records: Sequence[Record]) -> list[News]:
    """Return what we wrote ourselves, under keys that never come twice."""
    name = namer(index.source, index.account, index.stream)
    contents = [digest(record.payload) for record in records]
    return [
        (record.occurred_at, name(record.key, content), record, content)
        for record, content in zip(records, contents, strict=True)
    ]
