"""The inbox: what vendors sent by webhook and no run has taken yet, `inbox/` under TURNOUT_HOME.

Deliveries that come together make one file, which is written whole, forced to the disk and never added to. So whoever
writes needs no lock, and a run may hold the log as long as it likes. The next ingest takes the files into the log, then
deletes them; a delivery is known by its own identity, so that a kill between the two doubles nothing.

Deliveries make no rows. They say what moved; that is read again from the vendor, as by every other run.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
import orjson
import pyarrow as pa

from pipelines.errors import LogError, VendorError
from pipelines.events import Batch, Record, Stream, utc
from pipelines.ingest import HasWebinars, IngestReceipt, Progress, Source, has_webinars, ingest
from pipelines.log import DELIVERED, Log
from pipelines.warehouse import write_whole

DELIVERIES = Stream(DELIVERED, "fact", about="what the vendor sent by webhook, as it came")
TAKEN_AT_ONCE = 25_000
"""Deliveries of one commit, about."""
LEFT_PARTS = 3600.0
"""Seconds after which a part of a file is one that a killed server left."""
TRIES = 3
"""So often a webinar that could not be read at all is tried; ordinary reading gets to it too."""


class Delivery(msgspec.Struct, frozen=True):
    """One fact that a vendor sent. `payload` is the text as it came; `key` stays the same when it is sent again."""

    source: str
    account: str
    key: str
    occurred_at: datetime
    payload: str


@dataclass(frozen=True)
class Call:
    """A vendor's request: the address that was called, its headers, its raw body, and when it came."""

    uri: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime


@dataclass(frozen=True)
class Received:
    """What an honest request holds: its signature, its deliveries, and the answer where the vendor waits for one."""

    signature: str
    deliveries: Sequence[Delivery] = ()
    answer: bytes = b""


class Receiver(Protocol):
    """What knows how one vendor signs its webhooks and what is in them."""

    def receive(self, call: Call) -> Received:
        """Check a request and return what is in it.

        Raises:
            DeliveryError: it is not the vendor's, too old, or cannot be read.
        """


class Inbox:
    """The inbox below one TURNOUT_HOME."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "inbox"

    def open(self) -> None:
        """Make the folder, so that it outlives a loss of power.

        Raises:
            LogError: it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _force(self.folder.parent)
        except OSError as error:
            raise LogError(f"{self.folder} cannot be made: {error}. See that the folder can be written.") from None

    def put(self, deliveries: Iterable[Delivery]) -> None:
        """Keep deliveries; when this returns, they are on the disk.

        Raises:
            OSError: the disk refuses; none of them counts as kept.
        """
        path = self.folder / f"{time.time_ns():020d}-{secrets.token_hex(4)}.jsonl"
        write_whole(path, b"".join(msgspec.json.encode(one) + b"\n" for one in deliveries))
        _force(self.folder)

    def files(self) -> list[Path]:
        """Return the files that wait to be taken, oldest first."""
        return sorted(self.folder.glob(f"{'[0-9]' * 20}-*.jsonl"))

    def take(self, log: Log, *, run: str, progress: Progress = lambda _: None) -> int:
        """Bring what waits into the log, then delete it; return how many deliveries were news.

        A file that cannot be read is set aside under another name, and the others are taken.

        Raises:
            LogError: the log cannot be written; what was not committed waits on. LockedError: another run holds it.
        """
        files = self.files()
        if not files:
            return 0
        appended = 0
        with log.locked():
            progress("webhooks")
            waiting: list[Delivery] = []
            taken: list[Path] = []
            for path in files:
                try:
                    waiting += msgspec.json.Decoder(Delivery).decode_lines(path.read_bytes())
                    taken.append(path)
                except FileNotFoundError:
                    continue  # taken before this run had the lock
                except (msgspec.MsgspecError, ValueError):
                    path.rename(path.with_suffix(".damaged"))
                    progress(f"webhooks: {path.name} is damaged and was set aside beside the others")
                except OSError as error:
                    raise LogError(f"{path} cannot be read: {error}. Mend that and run again.") from None
                if len(waiting) >= TAKEN_AT_ONCE:
                    appended += _commit(log, waiting, taken, run)
                    waiting, taken = [], []
            appended += _commit(log, waiting, taken, run)
            for part in self.folder.glob("*.new"):
                if part.stat().st_mtime < time.time() - LEFT_PARTS:
                    part.unlink(missing_ok=True)
        return appended


def _commit(log: Log, deliveries: list[Delivery], files: list[Path], run: str) -> int:
    """Append the deliveries that the log does not know, then delete their files."""
    grouped: dict[tuple[str, str], dict[str, Record]] = {}
    for one in deliveries:
        record = Record(one.key, one.occurred_at, one.payload.encode())
        grouped.setdefault((one.source, one.account), {}).setdefault(one.key, record)
    appended = 0
    for (source, account), records in grouped.items():
        known = log.query(
            source,
            DELIVERED,
            "select distinct key from events where account = $account and key in (select key from delivered)",
            {"account": account},
            delivered=pa.table({"key": pa.array(records, pa.string())}),
        )
        for (key,) in known:  # sent again with other words: another token, another count of attempts
            del records[key]
        appended += log.append(source, account, DELIVERIES, Batch(list(records.values())), run=run).appended
    for path in files:
        path.unlink(missing_ok=True)
    return appended


def read_moved(
    sources: Iterable[Source], log: Log, *, run: str, progress: Progress = lambda _: None
) -> list[IngestReceipt]:
    """Read again each webinar that was named by a delivery since this was last done, and remember that it was.

    The cursor of the deliveries moves when all is read: a kill in between reads the same webinars once more.
    """
    receipts: list[IngestReceipt] = []
    for source in sources:
        if has_webinars(source):
            receipts += _read_moved(source, log, run, progress)
    return receipts


def _read_moved(source: HasWebinars, log: Log, run: str, progress: Progress) -> list[IngestReceipt]:
    cursor: Mapping[str, Any] = log.cursor(source.name, DELIVERED, source.account) or {}
    after = utc(cursor.get("through", "1970-01-01T00:00:00Z"))
    rows = log.query(
        source.name,
        DELIVERED,
        "select payload, observed_at from events "
        "where account in ($account, '') and observed_at > $after order by occurred_at",
        {"account": source.account, "after": after},
    )
    tried: dict[str, int] = dict(cursor.get("again", {}))
    for payload, observed in rows:
        after = max(after, observed.astimezone(UTC))
        if webinar := source.named_by(orjson.loads(payload)):
            tried[webinar] = 0
    if not rows and not tried:
        return []
    receipts: list[IngestReceipt] = []
    unread: dict[str, int] = {}
    waiting = list(tried)
    while waiting:
        webinar = waiting.pop(0)
        receipt = _read_again(source, webinar, log, run, progress)
        if receipt is None:
            continue
        receipts.append(receipt)
        if receipt.failed and not any(name not in receipt.failed for name in receipt.streams):
            unread = {name: tried[name] for name in waiting}  # the vendor would say the same of each
            if tried[webinar] + 1 < TRIES:
                unread[webinar] = tried[webinar] + 1
            break
    moved = {"through": after.isoformat(), "again": unread}
    log.append(source.name, source.account, DELIVERIES, Batch(cursor=moved), run=run)
    return receipts


def _read_again(source: HasWebinars, webinar: str, log: Log, run: str, progress: Progress) -> IngestReceipt | None:
    """Read one webinar again; None where the account does not know it, such as a meeting that was recorded."""
    try:
        if not source.knows(webinar, log):
            return None
    except VendorError as error:
        return IngestReceipt(source.name, source.account, failed={DELIVERED: f"webinar {webinar}: {error}"})
    return ingest(source.of_webinar(webinar), log, run=run, progress=progress)


def _force(folder: Path) -> None:
    """Force a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
