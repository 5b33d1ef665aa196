"""What is exchanged between plan, apply and a destination: a row to send, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import blake2b
from typing import Any, Literal, Protocol

import duckdb
import orjson

from pipelines.log import Log

UNDOES = "undoes"
"""The word of a row's context that names the run of which it takes something back."""
CALLS_OF_A_JOB = 12
"""To make a job, give it its rows, close it, look after it, and read its three results."""
Status = Literal["published", "rejected", "waiting", "not_done"]
"""`not_done`: the vendor was asked and says that the write never happened; it will be planned again."""


@dataclass(frozen=True)
class Row:
    """One record that a plan would write.

    Attributes:
        key: our key of the record in its object; `vendor_id` the vendor's, where it is known.
        fields: name to new text, None clears. `old`: name to what we know the vendor holds.
        context: what the call needs beside the fields.
    """

    object: str
    operation: str
    key: str
    vendor_id: str | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)
    old: Mapping[str, str | None] = field(default_factory=dict)
    context: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def payload_hash(self) -> str:
        """Identity of what would be sent; a record that was refused is sent again only when this changes."""
        told = [self.object, self.operation, self.key, sorted(self.fields.items()), sorted(self.context.items())]
        return blake2b(orjson.dumps(told), digest_size=12).hexdigest()

    def told(self) -> dict[str, Any]:
        """Return the row as the log keeps it."""
        return {
            "object": self.object,
            "operation": self.operation,
            "key": self.key,
            "vendor_id": self.vendor_id,
            "fields": dict(self.fields),
            "old": {name: self.old.get(name) for name in self.fields},
            "context": dict(self.context),
        }

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Row:
        """Read what `told` wrote."""
        names = ("object", "operation", "key", "vendor_id", "fields", "old", "context")
        return cls(**{name: told[name] for name in names})

    def with_fields(self, fields: Mapping[str, str | None]) -> Row:
        """Return the row with other fields, as the vendor made us change them since it was planned."""
        return replace(self, fields=fields)

    def identified(self, vendor_id: str) -> Row:
        """Return the row with the vendor's id, learned since it was planned."""
        return replace(self, vendor_id=vendor_id)


@dataclass(frozen=True)
class Outcome:
    """What became of one row.

    Attributes:
        key: the key under which the record is known from now on; a created contact's is its id, no longer its address.
        reason: the vendor's words for what it refused, or why it waits.
        sent: the fields that went out, where they are not those that were planned.
        answered: what the vendor told of the record that others need. It may be secret: it is kept in the log, and
            shown nowhere.
    """

    row: Row
    status: Status
    key: str = ""
    vendor_id: str | None = None
    reason: str = ""
    sent: Mapping[str, str | None] | None = None
    answered: Mapping[str, str] | None = None

    def of_row(self, row: Row, sent: Mapping[str, str | None]) -> Outcome:
        """Return the outcome as that of the row that was planned, when other fields were sent for it."""
        return replace(self, row=row, sent=sent)

    def told(self) -> dict[str, Any]:
        """Return the outcome as the log keeps it."""
        return {
            "object": self.row.object,
            "operation": self.row.operation,
            "key": self.key or self.row.key,
            "planned_key": self.row.key,
            "vendor_id": self.vendor_id or self.row.vendor_id,
            "email": self.row.context.get("email") or self.row.fields.get("email"),
            "status": self.status,
            "reason": self.reason,
            "payload_hash": self.row.payload_hash,
            "fields": dict(self.row.fields if self.sent is None else self.sent) if self.status == "published" else {},
            **({"answered": dict(self.answered)} if self.answered else {}),
            **({"undone": {"run": run, "fields": dict(self.row.old)}} if (run := self.row.context.get(UNDOES)) else {}),
        }


@dataclass(frozen=True)
class Phase:
    """One step of applying: all rows of an object and some operations, in calls of at most `batch_size` rows.

    Attributes:
        grouped_by: context names whose values the rows of one call share.
        only: a context name and the value that a row must have to belong here.
        learns: the object's new vendor ids serve later phases, by address.
        at_once: calls that may be under way together.
        sorted_by: names of context or fields by which a plan puts rows in order, so that those of one call are near.
        bulk_from: more rows than this go as jobs of `bulk_size` rows, None never.
    """

    object: str
    operations: tuple[str, ...]
    batch_size: int = 100
    grouped_by: tuple[str, ...] = ()
    only: tuple[str, str] | None = None
    learns: bool = False
    at_once: int = 4
    sorted_by: tuple[str, ...] = ()
    bulk_from: int | None = None
    bulk_size: int = 0

    def takes(self, row: Row) -> bool:
        """Whether a row belongs to this phase."""
        is_apart = self.only is not None and row.context.get(self.only[0]) != self.only[1]
        return row.object == self.object and row.operation in self.operations and not is_apart

    def size(self, count: int) -> int:
        """Return how many of so many rows go into one call, or one job."""
        is_bulk = self.bulk_from is not None and count > self.bulk_from
        return self.bulk_size if is_bulk else self.batch_size

    def calls(self, count: int) -> int:
        """Return how many calls it takes to send so many rows that need not be grouped."""
        size = self.size(count)
        return -(-count // size) * (1 if size == self.batch_size else CALLS_OF_A_JOB)

    def batches(self, rows: Sequence[Row]) -> list[list[Row]]:
        """Return the rows, in their order, in as few calls as the vendor's batch size allows."""
        groups: dict[tuple[str | None, ...], list[Row]] = {}
        for row in rows:
            groups.setdefault(tuple(row.context.get(name) for name in self.grouped_by), []).append(row)
        size = self.size(len(rows))
        return [group[at : at + size] for group in groups.values() for at in range(0, len(group), size)]


class Notebook(Protocol):
    """Where a destination notes a job before it gets its rows, so that a later run can ask what became of it."""

    def note(self, job: str, keys: Sequence[str]) -> None:
        """Write a job down, with the keys of its rows."""

    def jobs(self, keys: Collection[str]) -> list[str]:
        """Return the jobs that hold any of these keys, the oldest first."""

    def calls(self, within: timedelta) -> Sequence[Mapping[str, Any]]:
        """Return what was sent of late, or may have been: each row with `planned_at`, `called_at` and `status`.

        `called_at` is when, by the vendor's clock, and `status` what became of it; None where nobody knows. What was
        surely never sent is left out.
        """


class Destination(Protocol):
    """One account of one vendor, as we write to it."""

    name: str
    phases: tuple[Phase, ...]
    storage: Mapping[str, int]
    """Bytes that a new record of an object takes of the vendor's storage, where it is short."""
    reads: tuple[str, ...]
    """Models that `prepare` reads."""
    lasting: Mapping[str, str]
    """Objects of which nothing can be taken back, each with why."""
    parts: Mapping[str, tuple[str, ...]]
    """An object to those whose records go with its own: their keys are its key, or begin with it and `|`."""
    returning: frozenset[str]
    """Objects of which what was deleted can simply be made again: memberships."""

    def begin(self, notebook: Notebook) -> None:
        """Make ready for sending or asking, with the book for jobs."""

    def prepare(self, db: duckdb.DuckDBPyConnection) -> list[Row]:
        """Return what must exist before anything else, as rows: property definitions that the vendor lacks."""

    def unknown(self, log: Log) -> list[str]:
        """Return what must be known before anything is written and was never read whole, a sentence each."""

    def send(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        """Send one batch, and return one outcome for each row.

        Raises:
            UnknownOutcomeError: it was sent, and nobody knows whether it was done.
            VendorError: it was not done, and the rest of the phase cannot be done now either.
        """

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Ask what became of rows whose sending was broken off: `published` or `not_done`, nothing else.

        Raises:
            VendorError: it cannot be asked now; the rows stay unknown.
        """

    def changed(self, rows: Sequence[Row]) -> list[dict[str, str | None] | None]:
        """Return for each row the fields that hold something else than it told, with that; None where it is gone.

        Raises:
            VendorError: it cannot be asked now.
        """

    def quota_left(self) -> int | None:
        """Return how many calls the vendor's daily quota still has, None where it did not say."""
