"""Marketo as a source: which streams there are, and in which order they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipelines.errors import VendorError
from pipelines.events import Batch, Stream
from pipelines.log import Log
from pipelines.settings import Connection, Ingest
from pipelines.vendors.marketo import reading
from pipelines.vendors.marketo.client import client_of
from pipelines.vendors.marketo.reading import Run
from pipelines.vendors.reading import Notes

STREAMS: tuple[Stream, ...] = (
    Stream("channels", "state", about="the statuses that members of a program can have, and their steps"),
    Stream("activity_types", "state", about="which number each type of activity has"),
    Stream("programs", "state", needs=("channels",), about="programs with their tags and dates"),
    Stream(
        "activities", "fact", needs=("activity_types",), about="changes of status, merged leads, forms, opens, clicks"
    ),
    Stream("members", "state", needs=("programs", "activities"), about="who is in which event, with which status"),
    Stream("leads", "fact", needs=("members",), about="the people who are members of an event"),
)

Reader = Callable[[Run, Log, Mapping[str, Any] | None], Iterator[Batch]]

READERS: dict[str, Reader] = {
    "channels": reading.channels,
    "activity_types": reading.activity_types,
    "programs": reading.programs,
    "activities": reading.activities,
    "members": reading.members,
    "leads": reading.leads,
}
LOOKS: dict[str, tuple[str, dict[str, str]]] = {
    "the channels": ("/rest/asset/v1/channels.json", {"maxReturn": "1"}),
    "the types of activities": ("/rest/v1/activities/types.json", {}),
    "the fields of members": ("/rest/v1/programs/members/describe.json", {}),
}
"""One small thing that each permission is needed for: assets, activities, leads."""


class MarketoSource:
    """One Marketo instance. `notes` says what was left out of a reading and why."""

    name = "marketo"
    streams = STREAMS

    def __init__(self, connection: Connection, ingest: Ingest) -> None:
        told = Notes()
        self.notes: list[str] = told
        self.client = client_of(connection)
        self._run = Run(self.client, ingest, told)

    @property
    def account(self) -> str:
        """The instance's Munchkin id, or at a host of another name the id of the custom service."""
        return self._run.account

    @account.setter
    def account(self, instance: str) -> None:
        self._run.account = instance

    def examine(self) -> list[str]:
        """Ask one small thing for each permission, and return what Marketo says against it."""
        problems: list[str] = []
        for doing, (path, params) in LOOKS.items():
            try:
                self.client.get(path, params, doing=doing)
            except VendorError as error:
                problems.append(str(error))
        return problems

    def read(self, stream: str, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Yield what is new in a stream; see `pipelines.ingest.Source`."""
        return READERS[stream](self._run, log, cursor)
