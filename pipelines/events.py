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

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal

import msgspec
import orjson
import pyarrow as pa

ID_BYTES = 16
"""Length of an event id and of a content digest: 128 bits."""

Kind = Literal["seen", "absent"]
Mode = Literal["fact", "state", "own"]

EVENT_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.binary(), nullable=False),
        pa.field("account", pa.string(), nullable=False),
        pa.field("scope", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("occurred_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("observed_at", pa.timestamp("us", tz="UTC"), nullable=False),
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
    (alone,) = identities(source, account, stream, [Record(key, datetime.min.replace(tzinfo=UTC), payload)])
    return following(alone, previous)


def identities(source: str, account: str, stream: str, records: Iterable[Record]) -> list[bytes]:
    """Return the hash of each record's key and payload: what it is known by while it follows none."""
    begun = blake2b("\x1f".join((source, account, stream, "")).encode(), digest_size=ID_BYTES).copy
    found: list[bytes] = []
    add = found.append
    for record in records:
        hasher = begun()  # cheaper than a new one
        hasher.update(f"{record.key}\x1f".encode())  # JSON has no bare \x1f: where the payload ends is certain
        hasher.update(record.payload)
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
