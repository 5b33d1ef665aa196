"""Jobs of bulk extract: the one queue that all kinds share, and the day's quota of bytes.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-extract : two run at once,
ten are queued (those that run among them), 500 MB a day until midnight Central, files for seven days. All jobs go on
a step when any of them is asked for (switch `marketo.bulk_polls`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.marketo.gate import KEPT_DAYS, MarketoCall, Refused
from pipelines.sandbox.marketo.stamps import quota_day

Record = dict[str, Any]
RUNNING, QUEUED = 2, 10
OVER = ("Completed", "Failed", "Cancelled")
TOLD_DAYS = 30


@dataclass
class Job:
    """A job. `write` makes its file, at the moment when it is completed."""

    id: str
    kind: str
    format: str
    created: datetime
    write: Callable[[MarketoCall], tuple[bytes, int]]
    status: str = "Created"
    queued: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    polls: int = 0
    file_asked: int = 0
    content: bytes = b""
    records: int = 0

    def told(self) -> Record:
        found: Record = {
            "exportId": self.id,
            "format": self.format,
            "status": self.status,
            "createdAt": iso(self.created),
        }
        for name in ("queued", "started", "finished"):
            instant = getattr(self, name)
            if instant is not None:
                found[f"{name}At"] = iso(instant)
        if self.status == "Completed":
            found["numberOfRecords"] = self.records
            found["fileSize"] = len(self.content)
            found["fileChecksum"] = f"sha256:{hashlib.sha256(self.content).hexdigest()}"
        return found


def opened_job(call: MarketoCall, kind: str, form: str, write: Callable[[MarketoCall], tuple[bytes, int]]) -> Job:
    """A new job. Refused where the day's quota is used up."""
    spare(call)
    name = call.state.name()
    job = Job(f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}", kind, form, call.now, write)
    call.book.jobs[job.id] = job
    return job


def job_of(call: MarketoCall, kind: str) -> Job:
    """The job of the path. Refused where there is none, or none any more."""
    job = call.book.jobs.get(call.params["id"])
    if job is None or job.kind != kind or (job.finished or job.created) + timedelta(days=TOLD_DAYS) <= call.now:
        raise Refused("1013", f"Object not found: export '{call.params['id']}'")
    return job


def jobs_of(call: MarketoCall, kind: str) -> list[Job]:
    """The jobs of a kind that were made in the last seven days."""
    since = call.now - timedelta(days=KEPT_DAYS)
    return [job for job in call.book.jobs.values() if job.kind == kind and job.created >= since]


def enqueue(call: MarketoCall, job: Job) -> None:
    spare(call)
    if job.status in ("Queued", "Processing"):
        raise Refused("1029", "Job already queued")
    if job.status != "Created":
        raise Refused("1003", f"Invalid data: a job that is {job.status} cannot be enqueued")
    if sum(other.status in ("Queued", "Processing") for other in call.book.jobs.values()) >= QUEUED:
        raise Refused("1029", "Too many jobs in queue")
    job.status, job.queued = "Queued", call.now
    if int(call.switch("bulk_polls")) == 0:
        advance(call)


def cancel(job: Job) -> None:
    if job.status in OVER:
        raise Refused("1003", f"Invalid data: a job that is {job.status} cannot be cancelled")
    job.status = "Cancelled"


def advance(call: MarketoCall) -> None:
    """One step for every job that is queued or runs."""
    polls = int(call.switch("bulk_polls"))
    for job in call.book.jobs.values():
        if job.status == "Processing":
            job.polls += 1
        if job.status == "Queued":
            running = sum(other.status == "Processing" for other in call.book.jobs.values())
            if running < RUNNING:
                job.status, job.started = "Processing", call.now
        if job.status == "Processing" and job.polls >= polls:
            job.content, job.records = job.write(call)
            job.status, job.finished = "Completed", call.now
            if call.switch("bulk_fails"):
                job.status, job.content, job.records = "Failed", b"", 0


def spare(call: MarketoCall) -> None:
    """Refused where the files of the day are the day's quota already."""
    today = quota_day(call.now)
    used = sum(
        len(job.content)
        for job in call.book.jobs.values()
        if job.finished is not None and quota_day(job.finished) == today
    )
    if used >= int(call.switch("bulk_daily_bytes")):
        raise Refused("1029", "Export daily quota exceeded")


def file_of(call: MarketoCall, job: Job) -> bytes | None:
    """The file of a completed job, None where there is none (yet, or any more)."""
    job.file_asked += 1
    if job.status != "Completed" or job.finished is None or job.file_asked <= int(call.switch("bulk_file_lag")):
        return None
    return job.content if job.finished + timedelta(days=KEPT_DAYS) > call.now else None
