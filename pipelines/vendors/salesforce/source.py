"""Salesforce as a source: which streams there are, and in which order they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pipelines.errors import VendorError
from pipelines.events import Batch, Stream
from pipelines.log import Log
from pipelines.settings import Connection, Ingest
from pipelines.vendors.reading import Notes
from pipelines.vendors.salesforce import reading
from pipelines.vendors.salesforce.client import client_of
from pipelines.vendors.salesforce.fitness import missing_fields
from pipelines.vendors.salesforce.objects import DESCRIBED
from pipelines.vendors.salesforce.reading import Run

NEEDS = ("descriptions",)
STREAMS: tuple[Stream, ...] = (
    Stream("organization", "state", about="the org and its time zone"),
    Stream("descriptions", "state", about="which fields its objects have"),
    Stream("task_statuses", "state", about="which statuses a Task can have"),
    Stream("users", "fact", needs=NEEDS, about="who works in the org"),
    Stream("accounts", "fact", needs=NEEDS, about="accounts"),
    Stream("opportunities", "fact", needs=NEEDS, about="opportunities"),
    Stream("contacts", "fact", needs=NEEDS, about="Contacts, deleted and merged ones too"),
    Stream("leads", "fact", needs=NEEDS, about="Leads, deleted, merged and converted ones too"),
    Stream("tasks", "fact", needs=NEEDS, about="Tasks, from the day on which they are first carried to HubSpot"),
    Stream("events", "fact", needs=NEEDS, about="Events, from the day on which they are first carried to HubSpot"),
)

Reader = Callable[[Run, Log, Mapping[str, Any] | None], Iterator[Batch]]

READERS: dict[str, Reader] = {
    "organization": reading.organization,
    "descriptions": reading.descriptions,
    "task_statuses": reading.task_statuses,
    "users": reading.reader("User"),
    "accounts": reading.reader("Account"),
    "opportunities": reading.reader("Opportunity"),
    "contacts": reading.reader("Contact"),
    "leads": reading.reader("Lead"),
    "tasks": reading.reader("Task", begins_now=True),
    "events": reading.reader("Event", begins_now=True),
}


class SalesforceSource:
    """One Salesforce org. `notes` says what was left out of a reading and why.

    `wanted` are the streams whose switch is on (HS-12); the others are not read. `asked` are further fields of an
    object, which the settings map (HS-15).
    """

    name = "salesforce"
    streams = STREAMS

    def __init__(
        self,
        connection: Connection,
        ingest: Ingest,
        wanted: frozenset[str],
        asked: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        told = Notes()
        self.notes: list[str] = told
        self.client = client_of(connection)
        self._run = Run(self.client, ingest, told, asked)
        self._wanted = wanted

    @property
    def account(self) -> str:
        """The org's id.

        Raises:
            VendorError: Salesforce does not tell it.
        """
        return self._run.account

    @account.setter
    def account(self, org: str) -> None:
        self._run.account = org

    def examine(self) -> list[str]:
        """Ask one small thing of each object, and return what Salesforce says against it, or what it lacks (HS-10)."""
        problems: list[str] = []
        for kind in DESCRIBED:
            try:
                next(iter(self.client.rows(f"SELECT Id FROM {kind} LIMIT 1", doing=f"a look at {kind}")), None)  # noqa: S608
            except VendorError as error:
                problems.append(str(error))
        return [*problems, *missing_fields(self.client)]

    def read(self, stream: str, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Yield what is new in a stream; see `pipelines.ingest.Source`."""
        if stream in ("tasks", "events") and stream not in self._wanted:
            return iter(())
        return READERS[stream](self._run, log, cursor)
