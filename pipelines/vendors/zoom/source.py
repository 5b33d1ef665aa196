"""Zoom as a source: which streams there are, and in which order they are read.

Each stream's reader is a function `(run, log, cursor) -> batches` in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipelines.events import Batch, Stream
from pipelines.log import Log
from pipelines.settings import Connection, Ingest
from pipelines.vendors.zoom import attendance, people, webinars
from pipelines.vendors.zoom.client import ZoomClient
from pipelines.vendors.zoom.run import Run, everything

STREAMS: tuple[Stream, ...] = (
    Stream("users", "state", about="hosts: active, inactive and pending"),
    Stream("instances", "state", about="sessions of the account's history, month by month"),
    Stream("webinars", "state", needs=("users",), about="details of each webinar, with its occurrences"),
    Stream("session_reports", "state", needs=("webinars",), about="sessions that the account's history lacks"),
    Stream("registrants", "state", needs=("webinars",), about="who registered, in every status"),
    Stream("registrations_by_occurrence", "state", needs=("webinars",), about="who registered for which occurrence"),
    Stream("panelists", "state", needs=("webinars",), about="who is on the panel"),
    Stream("questions", "state", needs=("webinars",), about="what the registration form asks"),
    Stream("participants", "state", about="joins and leaves of ended sessions"),
    Stream("report_reads", "fact", about="which reports were read when, and whether they are settled"),
    Stream("recordings", "state", about="recordings of ended sessions"),
)

Reader = Callable[[Run, Log, Mapping[str, Any] | None], Iterator[Batch]]

READERS: dict[str, Reader] = {
    "users": webinars.users,
    "instances": webinars.instances,
    "webinars": webinars.webinars,
    "session_reports": webinars.session_reports,
    "registrants": people.registrants,
    "registrations_by_occurrence": people.registrations_by_occurrence,
    "panelists": people.panelists,
    "questions": people.questions,
    "participants": attendance.participants,
    "report_reads": attendance.report_reads,
    "recordings": attendance.recordings,
}


class ZoomSource:
    """One Zoom account. `notes` says what was left out of a reading and why."""

    name = "zoom"
    streams = STREAMS

    def __init__(
        self, connection: Connection, ingest: Ingest, is_wanted: Callable[[str, str], bool] = everything
    ) -> None:
        self.account = connection.account
        self.notes: list[str] = []
        self.client = ZoomClient(connection)
        self._run = Run(self.client, ingest, connection.account, self.notes, is_wanted)

    def read(self, stream: str, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Yield what is new in a stream; see `pipelines.ingest.Source`."""
        return READERS[stream](self._run, log, cursor)
