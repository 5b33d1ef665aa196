"""Which records are news: looked up in the slice of the log that could hold them already.

A reading goes through a stream batch by batch, so from its second batch on the ids or heads of the whole stream are
kept at hand (`Index`) where looking into the log again would read much of it each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter, le
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pyarrow as pa

from pipelines import duck
from pipelines.events import Batch, Record, digest, following, identities

if TYPE_CHECKING:
    from pipelines.log import Log

SLICE = 100_000
"""Facts whose times span more rows of the log than this are looked up in an index, from the second batch on."""
FEW = 20_000
"""Events of which the latest of each key is found quicker than those that are asked for."""
HEAD = "key, scope, event_id, digest, kind, occurred_at, observed_at, hash(key) as k, hash(scope) as s"
FACT = "event_id, occurred_at, hash(key) as k"


@dataclass
class News:
    """Events to be appended, column by column: when each occurred, its id, the record, what it is known by alone."""

    moments: Sequence[datetime] = ()
    ids: Sequence[bytes] = ()
    records: Sequence[Record] = ()
    contents: Sequence[bytes] = ()

    def __add__(self, other: News) -> News:
        return News(
            [*self.moments, *other.moments],
            [*self.ids, *other.ids],
            [*self.records, *other.records],
            [*self.contents, *other.contents],
        )

    def in_order(self) -> News:
        """Return them in the order of their moments."""
        if all(map(le, self.moments, self.moments[1:])):
            return self
        order = sorted(range(len(self.moments)), key=self.moments.__getitem__)
        take = itemgetter(*order)  # two or more, or they would be in order
        ids = take(self.ids)
        contents = ids if self.contents is self.ids else take(self.contents)
        return News(take(self.moments), ids, take(self.records), contents)


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
        """Read columns of all files, and return where they are kept: `known`."""
        if self.db is None:
            self._columns = columns
            self.db = duck.look()
            self.db.execute(
                f"create temp table known as select {columns} from read_parquet(?) where account = ?",
                [files, self.account],
            )
        return self.db

    def add(self, rows: pa.Table, version: int) -> None:
        """Take in what was appended."""
        self.version = version
        if self.db is not None:
            self.db.register("added", rows)
            self.db.execute(f"insert into known select {self._columns} from added")
            self.db.unregister("added")

    def close(self) -> None:
        """Give the memory back."""
        if self.db is not None:
            self.db.close()
            self.db = None


def _identities(index: Index, records: Iterable[Record]) -> list[bytes]:
    return identities(index.source, index.account, index.stream, records)


def new_facts(log: Log, index: Index, records: Sequence[Record]) -> News:
    """Return the facts that the log does not hold; looks only at the span of their times.

    Facts that say the same in other bytes (another order of keys, other blanks) are one: the first that was told.
    """
    ids = _identities(index, records)
    rows = dict(zip(ids, records, strict=True))
    if len(rows) < len(ids):
        rows = dict(zip(reversed(ids), reversed(records), strict=True))  # the first of equal ones stays
        rows = {identity: rows[identity] for identity in dict.fromkeys(ids)}
    if len({record.key for record in rows.values()}) < len(rows):
        _drop_told_twice(rows)
    if rows:
        _drop_known(log, index, rows)
    left = list(rows.values())
    ids = list(rows)
    return News([record.occurred_at for record in left], ids, left, ids)


def _drop_told_twice(rows: dict[bytes, Record]) -> None:
    """Drop the later ones of facts that differ in their bytes alone."""
    counts = Counter(record.key for record in rows.values())
    told: set[tuple[str, datetime, bytes]] = set()
    for identity, record in list(rows.items()):
        if counts[record.key] > 1:
            says = (record.key, record.occurred_at, digest(record.payload))
            if says in told:
                del rows[identity]
            told.add(says)


SAME = """
    select incoming.event_id, events.event_id from events as events join incoming on {met}
    where events.event_id = incoming.event_id or events.occurred_at = incoming.occurred_at
"""
"""Facts of a batch, with those of the log that are the same or, by their key and time, may say the same."""


def _drop_known(log: Log, index: Index, rows: dict[bytes, Record]) -> None:
    """Drop what the log holds in the span of the facts' times."""
    moments = [record.occurred_at for record in rows.values()]
    first, last = min(moments), max(moments)
    files, count = log.slice(index.source, index.stream, first, last)
    if not files:
        return
    incoming = pa.table(
        {
            "event_id": pa.array(list(rows), pa.binary()),
            "key": pa.array([record.key for record in rows.values()], pa.string()),
            "occurred_at": pa.array(moments, pa.timestamp("us", tz="UTC")),
        }
    )
    index.asked += count > SLICE
    if index.db is not None or index.asked > 1:
        db = index.build(log.files(index.source, index.stream), FACT)
        db.register("incoming", incoming)
        found = db.execute(SAME.replace("{met}", "k = hash(key)").replace("from events", "from known")).fetchall()
        db.unregister("incoming")
    else:
        met = "events.key = incoming.key and account = $account and events.occurred_at between $first and $last"
        told = {"account": index.account, "first": first, "last": last}
        found = log.query(
            index.source,
            index.stream,
            SAME.replace("{met}", met),
            told,
            files=files,
            incoming=incoming,
        )
    alike: dict[bytes, list[bytes]] = {}
    for identity, held in found:
        if identity == held:
            rows.pop(identity, None)
        else:
            alike.setdefault(identity, []).append(held)
    alike = {identity: held for identity, held in alike.items() if identity in rows}
    if alike:
        says = _says(log, index, files, {one for held in alike.values() for one in held})
        for identity, held in alike.items():
            if any(digest(rows[identity].payload) in says[one] for one in held):
                del rows[identity]


def _says(log: Log, index: Index, files: list[str], ids: Iterable[bytes]) -> dict[bytes, tuple[bytes, bytes]]:
    """Return what events of the log say: the digest of each payload, and the one that was written beside it."""
    wanted = pa.table({"event_id": pa.array(list(ids), pa.binary())})
    sql = "select event_id, payload, digest from events where event_id in (select event_id from wanted)"
    found = log.query(index.source, index.stream, sql, {}, files=files, wanted=wanted)
    return {identity: (digest((payload or "").encode()), content) for identity, payload, content in found}


class _Head(NamedTuple):
    """The latest event of a key."""

    event_id: bytes
    digest: bytes
    kind: str
    occurred_at: datetime
    scope: str
    payload: bytes | None = None
    """Where it came in the batch at hand."""


def new_states(log: Log, index: Index, batch: Batch, at: datetime) -> News:
    """Return what has changed since the latest event of each key, and what is absent from complete scopes.

    A state in other bytes (another order of keys, other blanks) that says the same has not changed.
    """
    contents = _identities(index, batch.records)
    wanted, heads, gone = _heads(log, index, batch, contents)
    if not heads and len({record.key for record in batch.records}) == len(batch.records):
        return _first_states(batch.records, contents, wanted)
    events: list[tuple[datetime, bytes, Record, bytes]] = []
    followed: set[str] = set()
    says = _heads_say(log, index, [(batch.records[nth].key, contents[nth]) for nth in wanted], heads)

    def follow(record: Record, content: bytes) -> None:
        head = heads.get(record.key)
        identity = following(content, head.event_id if head else None)
        moment = record.occurred_at if head is None else max(at, head.occurred_at, record.occurred_at)
        if head is not None and record.key in followed:  # both are observed at once, so time alone tells their order
            moment = max(moment, head.occurred_at + timedelta(microseconds=1))
        followed.add(record.key)
        heads[record.key] = _Head(identity, content, record.kind, moment, record.scope, record.payload)
        events.append((moment, identity, record, content))

    for nth in wanted:
        record, content = batch.records[nth], contents[nth]
        head = heads.get(record.key)
        if head is None and record.kind == "absent" and not record.follows:
            continue
        if head is None or not (head.digest == content or _is_said(record.payload, head, says)):
            follow(record, content)
    absences = [Record(key, at, b"", heads[key].scope, "absent") for key in sorted(gone)]
    for absence, content in zip(absences, _identities(index, absences), strict=True):
        follow(absence, content)
    return News(*zip(*events, strict=True)) if events else News()


def _first_states(records: Sequence[Record], contents: Sequence[bytes], wanted: Iterable[int]) -> News:
    """Return states that follow none, each of another key; what is absent and was never there is no news."""
    fresh = [nth for nth in wanted if records[nth].kind == "seen" or records[nth].follows]
    ids = [contents[nth] for nth in fresh]
    return News([records[nth].occurred_at for nth in fresh], ids, [records[nth] for nth in fresh], ids)


def _heads_say(
    log: Log, index: Index, told: Sequence[tuple[str, bytes]], heads: dict[str, _Head]
) -> dict[bytes, tuple[bytes, bytes]]:
    """Return what the heads say that were told in other bytes; reads only the files of their times."""
    differing = [heads[key] for key, content in told if key in heads and heads[key].digest != content]
    if not differing:
        return {}
    moments = [head.occurred_at for head in differing]
    files, _ = log.slice(index.source, index.stream, min(moments), max(moments))
    return _says(log, index, files, {head.event_id for head in differing})


def _is_said(payload: bytes, head: _Head, says: dict[bytes, tuple[bytes, bytes]]) -> bool:
    """Whether a head says what a payload says."""
    made = head.payload
    return digest(payload) in (says[head.event_id] if made is None else (digest(made),))


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
"""Records that cannot be passed over, with the latest event of their key, and keys that are there no more. A key may
have moved to another scope since it was seen in this one, so all its events are looked at."""


def _heads(
    log: Log, index: Index, batch: Batch, contents: list[bytes]
) -> tuple[Sequence[int], dict[str, _Head], list[str]]:
    """Return which records to look at, the latest events of their keys, and the keys that have vanished."""
    if not batch.records and not batch.complete_scopes:
        return (), {}, []
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
        scoped = "select k from events where s in (select hash(scope) from scopes)"
        met = f"k in (select hash(key) from incoming) or k in ({scoped})"
        for name, rows in tables.items():
            db.register(name, rows)
        sql = LOOKUP.replace("{met}", met).replace("from events", "from known")
        found = db.execute(sql.replace("{order}", log.order)).fetchall()
        for name in tables:
            db.unregister(name)
    else:
        met = "account = $account"
        if log.count(index.source, index.stream) > FEW:
            scoped = f"select key from events where {met} and scope in (select scope from scopes)"
            met += f" and (key in (select key from incoming) or key in ({scoped}))"
        sql = LOOKUP.replace("{met}", met)
        found = log.query(index.source, index.stream, sql, {"account": index.account}, files=files, **tables)
    heads = {key: _Head(*rest) for _, key, *rest in found if key is not None}
    wanted = sorted(nth for nth, *_ in found if nth is not None)
    return wanted, heads, [key for nth, key, *_ in found if nth is None]


def own_events(index: Index, records: Sequence[Record]) -> News:
    """Return what we wrote ourselves, under keys that never come twice."""
    ids = _identities(index, records)
    return News([record.occurred_at for record in records], ids, list(records), ids)
