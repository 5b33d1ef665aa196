"""The shape of an answer: records at destinations, what counted, and the events behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Account:
    """One record at a destination, or the fields of it that are asked about.

    Attributes:
        fields: each with what the tables want it to hold, and what the destination confirmed last.
        mend: how the reason is mended, where the tables know.
        row: the row of `model` in full; `reads`: the models below it, each with what it reads, down to the log.
        sent: what was sent and what was answered, the latest first.
    """

    destination: str
    object: str
    key: str
    verdict: str | None
    reason: str | None
    since: datetime | None
    mend: str | None
    model: str
    rule: str
    fields: list[dict[str, str | None]]
    row: dict[str, Any]
    reads: dict[str, list[str]]
    sent: list[dict[str, Any]]


@dataclass(frozen=True)
class Explanation:
    """The answer to one question.

    Attributes:
        subject: whom or what the id names.
        accounts: the records that are asked about.
        others: further records of the subject, in short.
        question: what the rows that counted answer, with its rule. `counted`: these rows.
        events: the events that they and the subject are made of; `event_count`: how many there are in all.
        settings: the event of the settings in force.
    """

    what: str
    asked: str
    as_of: str
    subject: dict[str, Any]
    accounts: list[Account] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)
    question: dict[str, str] | None = None
    counted: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    event_count: int = 0
    settings: dict[str, Any] | None = None

    def told(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return vars(self) | {"accounts": [vars(account) for account in self.accounts]}
