"""Bulk API 2.0: many rows as one job that Salesforce works on by itself.

Facts, from https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/ (read 2026-11):

- create (Open) → one upload of CSV, at most 150 MB in base64, so 100 MB → UploadComplete → InProgress →
  JobComplete | Failed | Aborted. Nothing runs before UploadComplete.
- `contentUrl` has no leading slash. The end of a line must be the one that the job names.
- An empty cell leaves a field as it is; `#N/A` clears it.
- Results come in three lists, in no order: what was done, what failed (`CODE:message:fields --`), what was never tried.
- A job is forgotten seven days after it ended.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.errors import TransientError
from pipelines.vendors.salesforce.client import SalesforceClient

ENDED = ("JobComplete", "Failed", "Aborted")
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 20.0
LONGEST_JOB_SECONDS = 3_600.0
CLEARED = "#N/A"


@dataclass
class Results:
    """What became of a job's rows, by our key.

    Attributes:
        done: key to the vendor's id.
        failed: key to (code, words).
        untried: keys of rows that Salesforce never came to.
    """

    done: dict[str, str] = field(default_factory=dict)
    failed: dict[str, tuple[str, str]] = field(default_factory=dict)
    untried: set[str] = field(default_factory=set)


class Jobs:
    """Jobs that upsert or update one object. `by` is the column that tells rows apart."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    def create(self, kind: str, operation: str, by: str) -> str:
        """Open a job and return its id; nothing happens until it has rows and is closed."""
        told: dict[str, Any] = {"object": kind, "operation": operation, "contentType": "CSV", "lineEnding": "LF"}
        if operation == "upsert":
            told["externalIdFieldName"] = by
        answer = self._client.call("POST", "/jobs/ingest", doing="a bulk job", json=told)
        name = answer.data.get("id") if isinstance(answer.data, dict) else None
        if not name:
            raise TransientError("salesforce made a bulk job and gave no id of it.", vendor="salesforce")
        return str(name)

    def upload(self, job: str, rows: Sequence[Mapping[str, str | None]]) -> None:
        """Give a job its rows, and let it run."""
        self._client.call(
            "PUT",
            f"/jobs/ingest/{job}/batches",
            doing=f"{len(rows)} rows of bulk job {job}",
            body=as_csv(rows),
            headers={"Content-Type": "text/csv"},
            repeatable=False,
        )
        self._close(job, "UploadComplete")

    def state(self, job: str) -> str:
        """Return where a job stands, "" where Salesforce has forgotten it."""
        answer = self._client.get(f"/jobs/ingest/{job}", doing=f"bulk job {job}", accept=(404,))
        told = answer.data if isinstance(answer.data, dict) else {}
        return "" if answer.status == 404 else str(told.get("state", ""))

    def ended(self, job: str) -> str:
        """Wait for a job's end, and return how it ended; one that never got its rows is aborted.

        Raises:
            TransientError: it goes on for longer than we wait; the next run asks again.
        """
        waited, wait = 0.0, FIRST_WAIT_SECONDS
        while True:
            state = self.state(job)
            if state == "Open":
                self._close(job, "Aborted")
                continue
            if state in ENDED or not state:
                return state
            if waited >= LONGEST_JOB_SECONDS:
                raise TransientError(
                    f"salesforce still works on bulk job {job}; the next run asks.", vendor="salesforce"
                )
            self._client.api.sleep(wait)
            waited, wait = waited + wait, min(wait * 1.6, LONGEST_WAIT_SECONDS)

    def results(self, job: str, by: Sequence[str]) -> Results:
        """Return what became of each row of a job that ended, by the first of these columns that its rows have."""

        def key(row: Mapping[str, str]) -> str:
            return next((row[name] for name in by if row.get(name)), "")

        found = Results()
        for row in self._rows(job, "successfulResults"):
            found.done[key(row)] = row.get("sf__Id", "")
        for row in self._rows(job, "failedResults"):
            code, _, words = row.get("sf__Error", "").partition(":")
            found.failed[key(row)] = (code, words)
        found.untried = {key(row) for row in self._rows(job, "unprocessedrecords")}
        return found

    def _close(self, job: str, state: str) -> None:
        self._client.call("PATCH", f"/jobs/ingest/{job}", doing=f"the state of bulk job {job}", json={"state": state})

    def _rows(self, job: str, which: str) -> Iterable[dict[str, str]]:
        answer = self._client.get(
            f"/jobs/ingest/{job}/{which}",
            doing=f"{which} of bulk job {job}",
            headers={"Accept": "text/csv"},
            decode=lambda body: body.decode("utf-8"),
        )
        return csv.DictReader(io.StringIO(answer.data, newline=""))


def as_csv(rows: Sequence[Mapping[str, str | None]]) -> bytes:
    """Return rows as Bulk 2.0 reads them: a column that a row does not have is left alone, None clears."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([CLEARED if name in row and row[name] is None else row.get(name, "") for name in names])
    return sink.getvalue().encode()
