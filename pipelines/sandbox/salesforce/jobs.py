"""Jobs of Bulk API 2.0: what both kinds have in common.

States and limits: https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_job_states.htm
A job goes on when it is asked for (switch `salesforce.bulk_polls`); seven days after its creation it is gone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.salesforce.gate import Denied, SalesforceCall, not_found
from pipelines.sandbox.salesforce.ids import JOB, made, normal
from pipelines.sandbox.salesforce.values import told

Record = dict[str, Any]
DAYS_KEPT = 7
DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
OVER = ("JobComplete", "Failed", "Aborted")


@dataclass
class Job:
    """A job. `rows` are what was uploaded, or what a query found; `step` counts the chunks that are done."""

    id: str
    kind: str
    operation: str
    object: str
    user_id: str
    created: datetime
    ending: str
    delimiter: str
    version: str
    external: str = ""
    query: str = ""
    state: str = "Open"
    error: str = ""
    polls: int = 0
    step: int = 0
    content: bytes | None = None
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    ok: list[tuple[str, bool, int]] = field(default_factory=list)
    failed: list[tuple[str, str, int]] = field(default_factory=list)

    def told(self, base: str) -> Record:
        """What creating a job and asking for it say."""
        found: Record = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user_id,
            "createdDate": told(self.created),
            "systemModstamp": told(self.created),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version[1:]),
            "lineEnding": self.ending,
            "columnDelimiter": self.delimiter,
            "jobType": "V2Ingest" if self.kind == "ingest" else "V2Query",
        }
        if self.external:
            found["externalIdFieldName"] = self.external
        if self.kind == "ingest":
            if self.state == "Open":
                found["contentUrl"] = f"{base.lstrip('/')}/jobs/ingest/{self.id}/batches"
            found |= {
                "numberRecordsProcessed": len(self.ok) + len(self.failed),
                "numberRecordsFailed": len(self.failed),
            }
            found |= {"apexProcessingTime": 0, "apiActiveProcessingTime": 0}
        else:
            found["numberRecordsProcessed"] = len(self.rows)
        if self.error:
            found["errorMessage"] = self.error
        return {**found, "retries": 0, "totalProcessingTime": 0}


def opened(call: SalesforceCall, kind: str, given: Record, name: str) -> Job:
    """A new job in the org's book. Denied for an unknown line ending or delimiter."""
    ending, delimiter = given.get("lineEnding") or "LF", given.get("columnDelimiter") or "COMMA"
    if ending not in ENDINGS or delimiter not in DELIMITERS:
        raise invalid(f"line ending {ending!r} or column delimiter {delimiter!r} is not supported")
    if (given.get("contentType") or "CSV") != "CSV":
        raise invalid("contentType must be CSV")
    call.book.numbers["job"] += 1
    job = Job(
        id=made(JOB, call.book.numbers["job"]),
        kind=kind,
        operation=str(given.get("operation")),
        object=name,
        user_id=call.user["Id"],
        created=call.now,
        ending=str(ending),
        delimiter=str(delimiter),
        version=call.segments[2],
    )
    call.book.jobs[job.id] = job
    return job


def job_of(call: SalesforceCall, kind: str) -> Job:
    """The job of the path. Denied where there is none, or none any more."""
    job = call.book.jobs.get(normal(call.params["id"]))
    if job is None or job.kind != kind or job.created + timedelta(days=DAYS_KEPT) <= call.now:
        raise not_found()
    return job


def invalid(message: str) -> Denied:
    return Denied("INVALIDJOB", f"InvalidJob : {message}")


def wrong_state(job: Job, what: str) -> Denied:
    return Denied("INVALIDJOBSTATE", f"InvalidJobState : a job in state {job.state} cannot be {what}")


def written(job: Job, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """CSV with every cell in quotes, by the job's own delimiter and line ending."""
    out = io.StringIO()
    writer = csv.writer(
        out, delimiter=DELIMITERS[job.delimiter], lineterminator=ENDINGS[job.ending], quoting=csv.QUOTE_ALL
    )
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()
