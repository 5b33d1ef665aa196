"""What the readers of all vendors share: pages kept byte for byte, many objects asked at once, good batches."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar, cast

import msgspec
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from pipelines.errors import VendorError
from pipelines.events import MOMENT, Batch, Record, Records, utc

BATCH = 25_000
"""Records of one commit, at most."""
BATCH_OF_SMALL = 50_000
"""The same where a record is a few hundred bytes: a file is read best in pieces of so many."""

Kind = TypeVar("Kind")
Item = TypeVar("Item")
Result = TypeVar("Result")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CALENDAR = range(1900, 2201)
"""Years of which a vendor's record can be."""
_FROM_EPOCH = range(int(datetime(2200, 1, 1, tzinfo=UTC).timestamp()) * 1000)
"""Milliseconds of those that are no doubt in the calendar."""
_YEARS = tuple(datetime(year, 1, 1, tzinfo=UTC) for year in (CALENDAR.start, CALENDAR.stop))
_IN_CALENDAR = range(*((year - EPOCH) // timedelta(microseconds=1) for year in _YEARS))
"""Microseconds of all that are."""

_USUAL = {len("2026-01-01T00:00:00Z"), len("2026-01-01T00:00:00.000Z")}
"""How long an instant is as vendors write it; Arrow reads none of these otherwise than Python."""

_NUMBER_TOO_LARGE = re.compile(rb"[0-9][eE]\+?[0-9]{3}|[0-9.]{200}")
_NUMBER = b"0123456789."
_BEFORE_NUMBER = b":,[ \t\r\n"
_STEP = 25
_LONG = b"\1" * (200 // _STEP - 1)
"""Digits alone where a long number is looked at in steps."""
_LONG_NUMBER = re.compile(rb"[0-9.]{200}")
_STRING_OR_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?', re.DOTALL)
_DEEPEST = 1_000
"""Brackets of a document that no parser finds too deep, however they stand."""
_LONG_ENOUGH = 2 * _DEEPEST
"""Bytes that so many brackets take, as what is opened is closed, too."""
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
            found = decoder.decode(body)
            found = found if _is_sound(body) else decoder.decode(mend(body))
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        except msgspec.DecodeError:
            mended = mend(body)
            if mended == body:
                raise
            found = decoder.decode(mended)
        if any(map(_is_too_deep, _unread(found))):
            raise ValueError("it is nested too deeply")
        return found

    return read


def _openings(body: bytes) -> int:
    return body.count(b"[") + body.count(b"{")


def _unread(found: Any) -> Iterator[msgspec.Raw]:
    """Yield what a decoder passed by without looking into it, if it is long enough to be too deep."""
    if isinstance(found, msgspec.Raw):
        if len(found) >= _LONG_ENOUGH:
            yield found
    elif isinstance(found, msgspec.Struct):
        for value in msgspec.structs.astuple(found):
            yield from _unread(value)
    elif isinstance(found, list | tuple):
        if set(map(type, found)) != {msgspec.Raw}:
            for value in found:
                yield from _unread(value)
        elif max(map(len, found)) >= _LONG_ENOUGH:  # most are short, and a step into each costs more than this look
            yield from (value for value in found if len(value) >= _LONG_ENOUGH)


def _is_too_deep(raw: msgspec.Raw) -> bool:
    """Whether a document is deeper than strict parsers go."""
    content = bytes(raw)
    if _openings(content) <= _DEEPEST:
        return False
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return True
    return False


def _is_sound(body: bytes) -> bool:
    """Whether strict parsers take all of a body that a decoder took, who reads past bytes and numbers unlooked at."""
    try:
        body.isascii() or body.decode()
    except UnicodeDecodeError:
        return False
    codes = np.frombuffer(body, np.uint8)
    if any(body[max(0, at - 200) : at].rstrip(_NUMBER).rstrip(b"-")[-1:] in _BEFORE_NUMBER for at in _exponents(codes)):
        return False
    is_number = (codes[::_STEP] - ord(".")) < 12  # what is less than "." wraps around; "/" counts too
    return _LONG not in is_number.tobytes() or not _LONG_NUMBER.search(body)


def _exponents(codes: npt.NDArray[np.uint8]) -> list[int]:
    """Return where an `e` stands after a digit that may be a number's, and before what may be three digits."""
    is_digit = (codes - ord("0")) < 10
    found = (codes[1:-3] | 32) == ord("e")
    found &= is_digit[:-4]
    found &= is_digit[3:-1]
    at = np.flatnonzero(found) + 1
    at = at[is_digit[at + 3] & (is_digit[at + 1] | (codes[at + 1] == ord("+"))) & (codes[at - 2] < ord("a"))]
    places: list[int] = at.tolist()
    return places


class RecordReader(Generic[Kind]):
    """Reads a record's keys; a key of another shape than it should have counts as missing."""

    def __init__(self, kind: type[Kind]) -> None:
        self._kind = kind
        self._read, self._decode = reads(kind), msgspec.json.Decoder(kind).decode
        self._fields = [(field.name, field.type) for field in msgspec.structs.fields(cast(Any, kind))]

    def __call__(self, content: bytes) -> Kind:
        try:
            return self._decode(content)
        except (msgspec.DecodeError, RecursionError):
            pass
        with suppress(ValueError):
            return self._read(content)
        told = _object(content)
        good: dict[str, Any] = {}
        for name, shape in self._fields:
            with suppress(ValueError, RecursionError):
                good[name] = msgspec.convert(told.get(name), shape, strict=False)
        return self._kind(**good)

    def each(self, contents: Sequence[bytes]) -> list[Kind]:
        """Read many records; where all are as they should be, without a step of Python for each."""
        try:
            return list(map(self._decode, contents))
        except (msgspec.DecodeError, RecursionError):
            return [self(bytes(content)) for content in contents]


def _object(content: bytes) -> dict[str, Any]:
    """Return a record as an object, an empty one where it is none."""
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def mend(body: bytes) -> bytes:
    """Return JSON text that every parser takes.

    What is no Unicode (half a surrogate pair, bytes that are no UTF-8) becomes U+FFFD, and a number beyond all that a
    double holds becomes a text.
    """
    text = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body.decode("utf-8", "replace").encode())
    if _NUMBER_TOO_LARGE.search(text):
        return _STRING_OR_NUMBER.sub(lambda found: b'"%s"' % found[0] if _is_too_large(found[0]) else found[0], text)
    return text


def _is_too_large(token: bytes) -> bool:
    return token[:1] != b'"' and math.isinf(float(token))


payload = bytes
"""What gives a record's own bytes of a `msgspec.Raw`, apart from the page they came in; `reads` has seen that they are
JSON."""


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


def instant(told: Any) -> datetime | None:
    """Read an instant in ISO 8601 or epoch milliseconds; None where it is missing, unreadable or of no real year."""
    kind = type(told)
    if kind is int and told in _FROM_EPOCH:  # the usual case: a double tells it to the microsecond
        return datetime.fromtimestamp(told / 1000, UTC)
    if kind is not str and kind is not int:
        return None
    try:
        found = from_ms(int(told)) if kind is int or told.isdigit() else utc(told)
    except (ValueError, OverflowError):
        return None
    return found if found.year in CALENDAR else None


def instants(told: Sequence[Any]) -> pa.Array:
    """Read many instants, as `instant` does, into a column of MOMENT; where one is missing or unreadable is a gap."""
    kinds = set(map(type, told))
    if kinds == {int}:
        with suppress(OverflowError):
            numbers = np.frombuffer(array("q", told), np.int64)
            if int(numbers.min()) in _FROM_EPOCH and int(numbers.max()) in _FROM_EPOCH:
                return pa.Array.from_buffers(MOMENT, len(told), [None, pa.py_buffer(numbers * 1000)])
    if kinds == {str} and set(map(len, told)) <= _USUAL:
        with suppress(pa.ArrowInvalid):  # no day of the calendar
            found = pa.array(told, pa.string()).cast(MOMENT)
            numbers = found.view(pa.int64()).to_numpy()
            if int(numbers.min()) in _IN_CALENDAR and int(numbers.max()) in _IN_CALENDAR:
                return found
    return pa.array([instant(one) for one in told], MOMENT)


def gathered(
    names: Sequence[str], moments: pa.Array, contents: Sequence[bytes], left_out: Callable[[], None], scope: str = ""
) -> Records:
    """Return the records that have a name and a moment; tell of each other one that it was left out."""
    if all(names) and not moments.null_count:
        return Records(names, moments, contents, [scope] * len(names))
    are_there = moments.is_valid().to_pylist()
    kept = [nth for nth, name in enumerate(names) if name and are_there[nth]]
    for _ in range(len(names) - len(kept)):
        left_out()
    some = [names[nth] for nth in kept], moments.take(pa.array(kept, pa.int64())), [contents[nth] for nth in kept]
    return gathered(*some, left_out, scope)


def moments(told: Sequence[Any], otherwise: datetime) -> pa.Array:
    """Read many instants; where one is missing or unreadable it is `otherwise`."""
    return instants(told).fill_null(pa.scalar(otherwise, MOMENT))


def moment(told: Any, otherwise: datetime) -> datetime:
    """Read an instant; where it is missing or unreadable it is `otherwise`."""
    return instant(told) or otherwise


def from_ms(milliseconds: int) -> datetime:
    """Return the instant of epoch milliseconds, exactly."""
    return EPOCH + timedelta(milliseconds=milliseconds)


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


class Notes(list[str]):
    """What a person should know of a reading. Records that have no key to be known by are counted, a note a kind."""

    def __init__(self) -> None:
        super().__init__()
        self._left_out: Counter[tuple[str, str]] = Counter()

    def once(self, text: str) -> None:
        """Tell something, once."""
        if text not in self:
            self.append(text)

    def left_out(self, what: str, lacks: str) -> None:
        """Count a record that cannot be kept: `left_out("zoom: users", "an id")`."""
        before, self._left_out[what, lacks] = self._left_out[what, lacks], self._left_out[what, lacks] + 1
        text = f"{what} without {lacks}, which were left out until the vendor tells it: "
        if before:
            self[self.index(f"{text}{before:,}.")] = f"{text}{before + 1:,}."
        else:
            self.append(f"{text}1.")


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
    parts: list[Sequence[Record]] = []
    room = size
    scopes: list[str] = []
    present: list[str] = []

    def batch() -> Batch:
        nonlocal room
        made = Batch(Records.joined(parts), cursor(), tuple(scopes), tuple(present), at())
        room = size
        parts.clear()
        scopes.clear()
        present.clear()
        return made

    try:
        for whole in wholes:
            rows = whole.records
            earlier: list[str] = []
            while len(rows) > room:
                parts.append(rows[:room])
                earlier += Records.of(parts[-1]).keys
                rows = rows[room:]
                yield batch()
            parts.append(rows)
            room -= len(rows)
            if whole.is_complete:
                scopes.append(whole.scope)
                present += earlier
            follow(whole)
    except VendorError:
        yield batch()
        raise
    yield batch()
