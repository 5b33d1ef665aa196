"""Which records are news: looked up in the slice of the log that could hold them already.

A reading goes through a stream batch by batch, so from its second batch on the ids or heads of the whole stream are
kept at hand (`Index`) where looking into the log again would read much of it each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import structs

from pipelines import duck
from pipelines.events import Batch, Record, Records, digest, following, identities
from pipelines.log.asking import ORDER, having

if TYPE_CHECKING:
    from pipelines.log import Log

SLICE = 100_000
"""Facts whose times span more rows of the log than this are looked up in an index, from the second batch on."""
FEW = 20_000
"""Events of which the latest of each key is found quicker than those that are asked for."""
HEAD = "key, scope, event_id, digest, kind, occurred_at, observed_at, hash(key) as k, hash(scope) as s"
FACT = "event_id, occurred_at, hash(key) as k"


@dataclass(frozen=True)
class News:
    """Events to be appended: the records, the id of each, and what it is known by alone."""

    records: Records
    ids: Sequence[bytes]
    contents: Sequence[bytes]

    def __add__(self, other: News) -> News:
        return News(
            Records.joined([self.records, other.records]),
            [*self.ids, *other.ids],
            [*self.contents, *other.contents],
        )


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
            with having(self.db, {"added": rows}):
                self.db.execute(f"insert into known select {self._columns} from added")

    def close(self) -> None:
        """Give the memory back."""
        if self.db is not None:
            self.db.close()
            self.db = None


def _identities(index: Index, records: Records) -> list[bytes]:
    return identities(index.source, index.account, index.stream, records.keys, records.payloads)


def new_facts(log: Log, index: Index, records: Records) -> News:
    """Return the facts that the log does not hold; looks only at the span of their times.

    Facts that say the same in other bytes (another order of keys, other blanks) are one: the first that was told.
    """
    ids = _identities(index, records)
    if len(set(ids)) < len(ids):
        first = dict(zip(reversed(ids), reversed(range(len(ids))), strict=True))  # of equal ones
        records, ids = _left(records, ids, sorted(first.values()))
    if len(set(records.keys)) < len(ids):
        records, ids = _left(records, ids, _told_once(records))
    if ids and (known := _known(log, index, records, ids)):
        records, ids = _left(records, ids, [nth for nth, identity in enumerate(ids) if identity not in known])
    return News(records, ids, ids)


def _left(records: Records, ids: list[bytes], places: Sequence[int]) -> tuple[Records, list[bytes]]:
    """Return the records at these places, and their ids."""
    return _only(records, places), [ids[nth] for nth in places]


def _only(records: Records, places: Sequence[int]) -> Records:
    """Return the records at these places, each of which is there once."""
    return records if len(places) == len(records) else records.take(places)


def _told_once(records: Records) -> list[int]:
    """Return all places but those of facts that differ from an earlier one in their bytes alone."""
    counts = Counter(records.keys)
    moments = records.moments.cast(pa.int64()).to_pylist()
    alike: dict[tuple[str, int], list[int]] = {}
    for nth, key in enumerate(records.keys):
        if counts[key] > 1:
            alike.setdefault((key, moments[nth]), []).append(nth)
    again: set[int] = set()
    for places in alike.values():
        told: set[bytes] = set()
        for nth in places if len(places) > 1 else ():
            says = digest(bytes(records.payloads[nth]))
            if says in told:
                again.add(nth)
            told.add(says)
    return [nth for nth in range(len(records)) if nth not in again]


SAME = """
    select incoming.event_id, events.event_id from events as events join incoming on {met}
    where events.event_id = incoming.event_id or events.occurred_at = incoming.occurred_at
"""
"""Facts of a batch, with those of the log that are the same or, by their key and time, may say the same."""


def _known(log: Log, index: Index, records: Records, ids: Sequence[bytes]) -> set[bytes]:
    """Return the ids of those that the log holds, in the span of the facts' times."""
    first, last = records.span()
    files, count = log.slice(index.source, index.stream, first, last)
    if not files:
        return set()
    incoming = pa.table(
        {
            "event_id": pa.array(ids, pa.binary()),
            "key": pa.array(records.keys, pa.string()),
            "occurred_at": records.moments,
        }
    )
    index.asked += count > SLICE
    if index.db is not None or index.asked > 1:
        db = index.build(log.files(index.source, index.stream), FACT)
        with having(db, {"incoming": incoming}):
            found = db.execute(SAME.replace("{met}", "k = hash(key)").replace("from events", "from known")).fetchall()
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
    known = {identity for identity, held in found if identity == held}
    alike: dict[bytes, list[bytes]] = {}
    for identity, held in found:
        if identity not in known:
            alike.setdefault(identity, []).append(held)
    if alike:
        payloads = dict(zip(ids, records.payloads, strict=True))
        says = _says(log, index, files, {one for held in alike.values() for one in held})
        known.update(
            identity
            for identity, held in alike.items()
            if any(digest(bytes(payloads[identity])) in says[one] for one in held)
        )
    return known


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
    records = Records.of(batch.records)
    contents = _identities(index, records)
    wanted, heads, gone = _heads(log, index, batch, records.keys, contents)
    if not heads and len(set(records.keys)) == len(records):
        return _first_states(records, contents, wanted)
    events: list[tuple[Record, bytes, bytes]] = []
    followed: set[str] = set()
    says = _heads_say(log, index, [(records.keys[nth], contents[nth]) for nth in wanted], heads)

    def follow(record: Record, content: bytes) -> None:
        head = heads.get(record.key)
        identity = following(content, head.event_id if head else None)
        moment = record.occurred_at if head is None else max(at, head.occurred_at, record.occurred_at)
        if head is not None and record.key in followed:  # both are observed at once, so time alone tells their order
            moment = max(moment, head.occurred_at + timedelta(microseconds=1))
        followed.add(record.key)
        heads[record.key] = _Head(identity, content, record.kind, moment, record.scope, record.payload)
        events.append((structs.replace(record, occurred_at=moment), identity, content))

    for nth, record in zip(wanted, _only(records, wanted), strict=True):
        head = heads.get(record.key)
        if head is None and record.kind == "absent" and not record.follows:
            continue
        if head is None or not (head.digest == contents[nth] or _is_said(record.payload, head, says)):
            follow(record, contents[nth])
    absences = [Record(key, at, b"", heads[key].scope, "absent") for key in sorted(gone)]
    for absence, content in zip(absences, _identities(index, Records.of(absences)), strict=True):
        follow(absence, content)
    told, ids, known_by = zip(*events, strict=True) if events else ((), (), ())
    return News(Records.of(told), ids, known_by)


def _first_states(records: Records, contents: Sequence[bytes], wanted: Sequence[int]) -> News:
    """Return states that follow none, each of another key; what is absent and was never there is no news."""
    fresh = wanted
    if records.kinds:
        fresh = [nth for nth in wanted if records.kinds[nth] == "seen" or (records.follows and records.follows[nth])]
    ids = contents if len(fresh) == len(contents) else [contents[nth] for nth in fresh]
    return News(_only(records, fresh), ids, ids)


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
    log: Log, index: Index, batch: Batch, keys: Sequence[str], contents: Sequence[bytes]
) -> tuple[Sequence[int], dict[str, _Head], list[str]]:
    """Return which records to look at, the latest events of their keys, and the keys that have vanished."""
    if not keys and not batch.complete_scopes:
        return (), {}, []
    files = log.files(index.source, index.stream)
    if not files:
        return range(len(keys)), {}, []
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
        sql = LOOKUP.replace("{met}", met).replace("from events", "from known")
        with having(db, tables):
            found: pa.Table = db.sql(sql.replace("{order}", ORDER)).to_arrow_table()
    else:
        met = "account = $account"
        if log.count(index.source, index.stream) > FEW:
            scoped = f"select key from events where {met} and scope in (select scope from scopes)"
            met += f" and (key in (select key from incoming) or key in ({scoped}))"
        sql = LOOKUP.replace("{met}", met)
        found = log.look(files, sql, {"account": index.account}, **tables)
    known = found.filter(pc.is_valid(found["key"])).to_pylist()
    wanted = found["nth"].drop_null().sort().to_pylist()
    heads = {
        row["key"]: _Head(row["event_id"], row["digest"], row["kind"], row["occurred_at"], row["scope"])
        for row in known
    }
    return wanted, heads, [row["key"] for row in known if row["nth"] is None]


def own_events(index: Index, records: Records) -> News:
    """Return what we wrote ourselves, under keys that never come twice."""
    ids = _identities(index, records)
    return News(records, ids, ids)
