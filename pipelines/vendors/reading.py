"""What the readers of all vendors share: pages kept byte for byte, many objects asked at once, good batches."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import orjson

from pipelines.errors import VendorError
from pipelines.events import Batch, Record, utc

BATCH = 10_000
"""Records of one commit, at most."""

Kind = TypeVar("Kind")
Item = TypeVar("Item")
Result = TypeVar("Result")

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def reads(kind: type[Kind]) -> Callable[[bytes], Kind]:
    """Return a reader of bodies of one shape; what it cannot read is a ValueError.

    A name cut in the middle of an emoji comes as half a surrogate pair, which no strict parser takes: such a body is
    mended, and only such a body.
    """
    decoder = msgspec.json.Decoder(kind)

    def read(body: bytes) -> Kind:
        try:
            return decoder.decode(body)
        except msgspec.DecodeError:
            mended = mend(body)
            if mended == body:
                raise
            return decoder.decode(mended)

    return read


def record_reader(kind: type[Kind]) -> Callable[[bytes], Kind]:
    """Return a reader of a record's keys; of a record of another shape it returns what has no keys."""
    read = reads(kind)

    def keys(content: bytes) -> Kind:
        try:
            return read(content)
        except ValueError:
            return kind()

    return keys


def mend(body: bytes) -> bytes:
    """Return JSON text with what is no Unicode (half a surrogate pair, bytes that are no UTF-8) as U+FFFD."""
    text = body.decode("utf-8", "replace").encode()
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


def payload(raw: msgspec.Raw) -> bytes:
    """Return a record's own bytes, apart from the page they came in."""
    content = bytes(raw)
    try:
        content.decode()
    except UnicodeDecodeError:
        return mend(content)
    return content


def document(body: bytes) -> bytes:
    """Return a whole body as one record's payload.

    Raises:
        ValueError: it is no JSON object.
    """
    text = body
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        text = mend(body)
        told = orjson.loads(text)
    if not isinstance(told, dict):
        raise ValueError("a JSON object was expected")
    return text


def instant(told: str | int | None) -> datetime | None:
    """Read an instant in ISO 8601 or epoch milliseconds; None where it is missing or unreadable."""
    try:
        if isinstance(told, int) or (told and told.isdigit()):
            return from_ms(int(told))
        return utc(told) if told else None
    except (ValueError, OverflowError):
        return None


def moment(told: str | int | None, otherwise: datetime) -> datetime:
    """Read an instant; where it is missing or unreadable it is `otherwise`."""
    return instant(told) or otherwise


def from_ms(milliseconds: int) -> datetime:
    """Return the instant of epoch milliseconds, exactly."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def in_order(read: Callable[[Item], Result], items: Iterable[Item], at_once: int) -> Iterator[tuple[Item, Result]]:
    """Apply `read` to each item, `at_once` at a time, and yield the results in the items' order.

    Raises:
        what `read` raises, at that item's turn; what was asked after it is given up.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="reading")
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(read, item)))
            if len(waiting) > 2 * at_once:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Whole:
    """All records that a scope has now.

    Attributes:
        is_complete: False where absence must not be concluded from it.
        mark: what the reader's cursor remembers it by.
    """

    scope: str
    records: Sequence[Record]
    is_complete: bool = True
    mark: str = ""


def batches(
    wholes: Iterable[Whole],
    at: Callable[[], datetime],
    *,
    follow: Callable[[Whole], None] = lambda _: None,
    cursor: Callable[[], Mapping[str, Any] | None] = lambda: None,
    size: int = BATCH,
) -> Iterator[Batch]:
    """Gather scopes into batches of at most `size` records.

    A larger scope goes in slices, and is complete with the last of them. `follow` is called for each scope once all of
    it has been gathered, and `cursor` when a batch is made. When reading breaks off, what was gathered is handed over
    before the error goes on.
    """
    records: list[Record] = []
    scopes: list[str] = []
    present: list[str] = []

    def batch() -> Batch:
        made = Batch(tuple(records), cursor(), tuple(scopes), tuple(present), at())
        records.clear()
        scopes.clear()
        present.clear()
        return made

    try:
        for whole in wholes:
            rows = list(whole.records)
            earlier: list[str] = []
            while len(records) + len(rows) > size:
                room = size - len(records)
                earlier += (record.key for record in rows[:room])
                records += rows[:room]
                rows = rows[room:]
                yield batch()
            records += rows
            if whole.is_complete:
                scopes.append(whole.scope)
                present += earlier
            follow(whole)
    except VendorError:
        yield batch()
        raise
    yield batch()
