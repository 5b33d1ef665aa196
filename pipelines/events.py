"""The event: one fact as a vendor told it, and the schema of the log that keeps it (EV-01).

An event is either `seen` (the vendor's record, verbatim) or `absent` (a record that was there and is there no
more). Streams come in three modes:

- `fact`: a record never changes, or carries the vendor's own stamp of each change. Its id is a hash of its content,
  so the same bytes have the same id on every machine, and other bytes that say the same are no news.
- `state`: a record changes without a stamp. Each state that follows another is an event of its own; its id also
  hashes the state before, so that A, B, A are three events and A, A, A is one.
- `own`: we wrote it ourselves, under a key that never comes twice, so nothing needs to be looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, Literal, overload

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

ID_BYTES = 16
"""Length of an event id and of a content digest: 128 bits."""

Kind = Literal["seen", "absent"]
Mode = Literal["fact", "state", "own"]

MOMENT = pa.timestamp("us", tz="UTC")
"""How a column holds instants."""

EVENT_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.binary(), nullable=False),
        pa.field("account", pa.string(), nullable=False),
        pa.field("scope", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("occurred_at", MOMENT, nullable=False),
        pa.field("observed_at", MOMENT, nullable=False),
        pa.field("batch", pa.string(), nullable=False),
        pa.field("digest", pa.binary(), nullable=False),
        pa.field("payload", pa.string()),
    ]
)
"""Columns of every stream. `scope` is the vendor's container of the record ("" where there is none): the set that
is read whole, so that absence can be told. `digest` is the hash of key and payload as they came (`identities`); in
events of earlier logs, of what the payload says (`digest`)."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as a vendor gave it, before the log knows whether it is news.

    Attributes:
        key: the vendor's identity of the record, unique in its stream and account.
        occurred_at: the vendor's clock (UTC): when it happened, or when this state came to be.
        payload: the record's own bytes, a JSON document in UTF-8; empty for `absent`.
        scope: see EVENT_SCHEMA.
        follows: in a stream of facts, this one follows what the log has of its key, though its content may have been
            there before: a contact that is back, or gone once more.
    """

    key: str
    occurred_at: datetime
    payload: bytes
    scope: str = ""
    kind: Kind = "seen"
    follows: bool = False


class Records(Sequence[Record]):
    """Records column by column, all of one length: what a page holds, without an object for each.

    Attributes:
        moments: when each occurred, as a column of MOMENT without gaps.
        payloads: bytes, or what a decoder cut out of a page and nobody copied yet.
        kinds: None where all are `seen`.
        follows: None where none does.
    """

    __slots__ = ("follows", "keys", "kinds", "moments", "payloads", "scopes")

    def __init__(
        self,
        keys: Sequence[str],
        moments: pa.Array,
        payloads: Sequence[bytes],
        scopes: Sequence[str],
        kinds: Sequence[Kind] | None = None,
        follows: Sequence[bool] | None = None,
    ) -> None:
        self.keys, self.moments, self.payloads, self.scopes = keys, moments, payloads, scopes
        self.kinds, self.follows = kinds, follows

    @classmethod
    def of(cls, records: Sequence[Record]) -> Records:
        """Return records as columns, as they are where they are so."""
        if isinstance(records, Records):
            return records
        kinds = [one.kind for one in records]
        follows = [one.follows for one in records]
        return cls(
            [one.key for one in records],
            pa.array([one.occurred_at for one in records], MOMENT),
            [one.payload for one in records],
            [one.scope for one in records],
            kinds if "absent" in kinds else None,
            follows if True in follows else None,
        )

    @classmethod
    def joined(cls, parts: Sequence[Sequence[Record]]) -> Records:
        """Return the records of all parts, in their order."""
        if any(not isinstance(part, Records) or part.kinds or part.follows for part in parts):
            return cls.of(list(chain.from_iterable(parts)))
        given = [cls.of(part) for part in parts]
        return cls(
            list(chain.from_iterable(one.keys for one in given)),
            pa.chunked_array([one.moments for one in given], MOMENT).combine_chunks(),
            list(chain.from_iterable(one.payloads for one in given)),
            list(chain.from_iterable(one.scopes for one in given)),
        )

    def take(self, places: Sequence[int]) -> Records:
        """Return the records at these places, in this order."""
        moments = self.moments.take(pa.array(places, pa.int64()))
        return self._picked(moments, lambda column: list(map(column.__getitem__, places)))

    def _picked(self, moments: pa.Array, pick: Callable[[Any], Any]) -> Records:
        return Records(
            pick(self.keys),
            moments,
            pick(self.payloads),
            pick(self.scopes),
            pick(self.kinds) if self.kinds else None,
            pick(self.follows) if self.follows else None,
        )

    def absent(self) -> int:
        """Return how many tell that something is there no more."""
        return self.kinds.count("absent") if self.kinds else 0

    def span(self) -> tuple[datetime, datetime]:
        """Return the first and the last of the moments, of one record or more."""
        ends = pc.min_max(self.moments).as_py()
        return ends["min"].astimezone(UTC), ends["max"].astimezone(UTC)

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Record]:
        moments = (moment.astimezone(UTC) for moment in self.moments.to_pylist())
        kinds, follows = self.kinds or repeat("seen"), self.follows or repeat(False)
        return map(Record, self.keys, moments, map(bytes, self.payloads), self.scopes, kinds, follows)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Records: ...
    def __getitem__(self, place: int | slice) -> Record | Records:
        if isinstance(place, slice):
            return self._picked(self.moments[place], itemgetter(place))
        return Record(
            self.keys[place],
            self.moments[place].as_py().astimezone(UTC),
            bytes(self.payloads[place]),
            self.scopes[place],
            self.kinds[place] if self.kinds else "seen",
            self.follows[place] if self.follows else False,
        )


@dataclass(frozen=True)
class Batch:
    """What a source hands to the log at once: records, and the cursor that is true when they are in.

    Attributes:
        cursor: replaces the stream's cursor in the same commit; None leaves it as it is.
        complete_scopes: scopes of which this batch (with earlier batches of the same reading, see `also_present`)
            holds every record; what the log knows there and the batch does not have becomes `absent`.
        also_present: keys of complete scopes that are present although not in `records`.
        at: the vendor's clock when this was read (UTC); stamps absences.
    """

    records: Sequence[Record] = ()
    cursor: Mapping[str, Any] | None = None
    complete_scopes: Collection[str] = ()
    also_present: Collection[str] = ()
    at: datetime | None = None


@dataclass(frozen=True)
class Stream:
    """A kind of record of one vendor, and how the log keeps it."""

    name: str
    mode: Mode = "fact"
    needs: tuple[str, ...] = ()
    """Streams of the same source that must be read before this one, since it looks into them."""
    about: str = ""


def digest(payload: bytes) -> bytes:
    """Return the 128-bit hash of what a JSON document says; the order of its keys and its blanks do not matter.

    Raises:
        ValueError: it is no JSON that every parser takes.
    """
    told = orjson.loads(payload) if payload else None
    try:
        content = orjson.dumps(told, None, orjson.OPT_SORT_KEYS) if payload else b"absent"
    except TypeError:  # nested more than 253 levels deep, which orjson reads and does not write: as it stands
        content = payload
    return blake2b(content, digest_size=ID_BYTES).digest()


def event_id(source: str, account: str, stream: str, key: str, payload: bytes, previous: bytes | None = None) -> bytes:
    """Return the identity of an event, the same on every machine that was told the same bytes.

    Args:
        previous: for a state that follows another, the id of the event before it.
    """
    (alone,) = identities(source, account, stream, [key], [payload])
    return following(alone, previous)


def identities(source: str, account: str, stream: str, keys: Iterable[str], payloads: Iterable[bytes]) -> list[bytes]:
    """Return the hash of each record's key and payload: what it is known by while it follows none."""
    begun = blake2b("\x1f".join((source, account, stream, "")).encode(), digest_size=ID_BYTES).copy
    found: list[bytes] = []
    add = found.append
    for key, payload in zip(keys, payloads, strict=True):
        hasher = begun()  # cheaper than a new one
        hasher.update(f"{key}\x1f".encode())  # JSON has no bare \x1f: where the payload ends is certain
        hasher.update(payload)
        add(hasher.digest())
    return found


def following(alone: bytes, previous: bytes | None) -> bytes:
    """Return the id of an event that follows another, or none, given what it would be known by alone."""
    return blake2b(alone + previous, digest_size=ID_BYTES).digest() if previous else alone


def utc(text: str) -> datetime:
    """Read an ISO 8601 instant; without an offset it is UTC.

    Raises:
        ValueError: it is no ISO 8601 instant.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """Write an instant as UTC with milliseconds and `Z`, as HubSpot and Zoom read it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
