"""Our side of the measure of ingest: the readers' own path from the bytes of an answer to the durable log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.company import END
from benchmarks.pages import Page
from pipelines.events import Batch, Stream
from pipelines.ingest import ingest as read_source
from pipelines.log import Log
from pipelines.settings import Settings
from pipelines.vendors.hubspot import marketing
from pipelines.vendors.hubspot.client import read_page as read_contacts
from pipelines.vendors.hubspot.contacts import Contacts
from pipelines.vendors.reading import BATCH_OF_SMALL, batches
from pipelines.vendors.zoom import attendance
from pipelines.vendors.zoom.client import read_page as read_report
from pipelines.vendors.zoom.known import Session


class Recorded:
    """A client that answers with recorded pages of email events, in the first window it is asked for."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self._bodies = [body for body in bodies]

    def path(self, name: str) -> str:
        """Return any path."""
        return name

    def get(self, path: str, *, doing: str, params: dict[str, Any], decode: Callable[[bytes], Any]) -> Any:
        """Return the next page."""
        is_before = params["startTimestamp"] < 1_300_000_000_000
        body = b'{"hasMore":false,"events":[]}' if is_before or not self._bodies else self._bodies.pop(0)
        return SimpleNamespace(data=decode(body))


class Pages:
    """A source that reads what was recorded."""

    name, account = "vendor", "one"
    streams = (Stream("email_events"), Stream("contacts"), Stream("participants", "state"))

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = pages
        self.notes: list[str] = []

    def examine(self) -> list[str]:
        """Find nothing missing."""
        return []

    def read(self, stream: str, log: Log, cursor: Any) -> Iterator[Batch]:
        """Yield batches as the vendors' own readers make them."""
        pages = [page for page in self._pages if page[0] == stream]
        run: Any = SimpleNamespace(
            now=lambda: END, ingest=Settings().ingest, overlap=END - END, lag=END - END, left_out=lambda *_: None
        )
        run.client = Recorded([body for _, _, body in pages])
        if stream == "email_events":
            yield from marketing.email_events(run, log, None)
        elif stream == "participants":
            yield from batches(_sessions(pages, run), run.now, size=BATCH_OF_SMALL)
        else:
            reader = Contacts(run, ())
            for at in range(0, len(pages), 30):
                contents = (one for _, _, body in pages[at : at + 30] for one in read_contacts(body).results)
                yield Batch(reader._records(contents), {"after": str(at)}, at=END)


def ingest(pages: Sequence[Page], home: Path) -> int:
    """Append all records of all pages; return the events that were news."""
    return read_source(Pages(pages), Log(home), run="bench").appended


def _sessions(pages: Sequence[Page], run: Any) -> Iterator[Any]:
    reports = (page for page in pages if page[0] == "participants")
    for uuid, some in groupby(reports, key=lambda page: page[1]):
        rows = [raw for _, _, body in some for raw in read_report(body).participants or []]
        session = Session(uuid, "1", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC))
        yield attendance._attendance(run, session, attendance.Report(rows), None)[0]
