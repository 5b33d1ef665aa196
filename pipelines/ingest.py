"""Read sources into the log: one commit a batch, its cursor inside, one broken stream holding up no other."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard

from pipelines.errors import CredentialsError, UnreachableError, UsageError, VendorError
from pipelines.events import Batch, Stream
from pipelines.log import AppendReceipt, Log


class Source(Protocol):
    """One account of one vendor, as we read it. Yields records as they are; what they mean is SQL's to say."""

    name: str
    account: str
    streams: tuple[Stream, ...]
    notes: list[str]
    """What a person should know of this reading (a user without a plan, a report that is too old), no errors."""

    def examine(self) -> list[str]:
        """Ask the vendor who we are and what we may read; return what is missing, a sentence each."""

    def read(self, stream: str, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Yield what is new in a stream since the cursor, each batch with the cursor that is true after it.

        Raises:
            VendorError: the rest cannot be read now; batches yielded before stand.
        """


class HasWebinars(Protocol):
    """A source of which one webinar can be read again, all of it (HZ-31)."""

    name: str
    account: str

    def knows(self, webinar_id: str, log: Log) -> bool:
        """Whether the account has the webinar, or the log has it of this account.

        Raises:
            VendorError: the account cannot be asked.
        """

    def of_webinar(self, webinar_id: str) -> Source:
        """Return what reads this webinar alone, whatever was read before; it leaves every cursor as it is."""

    def named_by(self, delivery: Any) -> str:
        """Return the id of the webinar that a delivery by webhook says has moved, "" where it names none."""


def has_webinars(source: Source) -> TypeGuard[HasWebinars]:
    """Whether a source has webinars to read again: its class tells, so no vendor is asked for an account's name."""
    return hasattr(type(source), "of_webinar")


Progress = Callable[[str], None]


@dataclass
class IngestReceipt:
    """What reading one source did: per stream the receipt, or what went wrong."""

    source: str
    account: str
    streams: dict[str, AppendReceipt] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fail(self, streams: Sequence[Stream], error: VendorError) -> None:
        """Give up on streams for one reason, told of the first: the vendor would say the same of each."""
        first = streams[0].name if streams else ""
        for stream in streams:
            self.failed[stream.name] = str(error) if stream.name == first else f"not read, since {first} could not be"

    @property
    def appended(self) -> int:
        """Events that were news."""
        return sum(receipt.appended for receipt in self.streams.values())

    @property
    def read(self) -> int:
        """Records that the vendor gave."""
        return sum(receipt.read for receipt in self.streams.values())


@contextmanager
def _few_sweeps() -> Iterator[None]:
    """Let the collector of garbage run seldom: batches are many small objects without circles."""
    usual = gc.get_threshold()
    gc.set_threshold(1_000_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def ingest(
    source: Source,
    log: Log,
    *,
    run: str,
    streams: Collection[str] | None = None,
    progress: Progress = lambda _: None,
) -> IngestReceipt:
    """Read a source's streams in their order, and append what is news.

    A stream that fails is named in the receipt; so are those that need it. All others are read, unless the vendor
    cannot be reached or refuses who we are.

    Raises:
        UsageError: a stream is asked for that the source does not have.
        LogError: the log cannot be written. LockedError: another run holds it.
    """
    known = [stream.name for stream in source.streams]
    if unknown := sorted(set(streams or ()) - set(known)):
        raise UsageError(f"{source.name} has no stream {', '.join(unknown)}; it has {', '.join(known)}.")
    wanted = [stream for stream in source.streams if streams is None or stream.name in streams]
    receipt = IngestReceipt(source.name, "")
    try:
        receipt.account = source.account
    except VendorError as error:
        receipt.fail(wanted, error)
        return receipt
    with log.locked(), _few_sweeps():
        for at, stream in enumerate(wanted):
            if broken := [need for need in stream.needs if need in receipt.failed]:
                receipt.failed[stream.name] = f"not read, since {broken[0]} could not be"
                continue
            progress(f"{source.name}: {stream.name}")
            total = AppendReceipt(version=log.version(source.name, stream.name))
            try:
                for batch in source.read(stream.name, log, log.cursor(source.name, stream.name, source.account)):
                    total += log.append(source.name, source.account, stream, batch, run=run)
                    progress(f"{source.name}: {stream.name}: {total.read:,} read, {total.appended:,} new")
            except VendorError as error:
                receipt.fail([stream], error)
                if isinstance(error, UnreachableError | CredentialsError):
                    receipt.streams[stream.name] = total
                    receipt.fail(wanted[at:], error)
                    break
            receipt.streams[stream.name] = total
    receipt.notes = list(source.notes)
    return receipt
