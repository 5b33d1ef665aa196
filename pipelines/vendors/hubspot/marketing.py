"""Marketing emails and forms.

Facts, from https://developers.hubspot.com/docs/api-reference/legacy/email-analytics-v1 and
https://developers.hubspot.com/docs/api-reference/legacy/forms-v1 (read 2026-11):

- `GET /email/public/v1/events`: newest first; both timestamps count; the offset is short-lived and good for the same
  query alone, so a window is closed, and read again from its start when an offset has died. An event is named by the
  pair (`id`, `created`). Opens and clicks that HubSpot takes for a machine's are there, marked `filteredEvent`.
- An event can be marked `obsoletedBy` a later one after it was read; once a day we look two days back for that.
- `GET /form-integrations/v1/submissions/forms/{guid}`: newest first, 50 a page at most, no filter by date. We stop at
  the page that reaches below the watermark. It moves only when all that is newer has been read: what was read from the
  new end says nothing of what lies between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from pipelines.errors import RefusedError, TransientError, VendorError
from pipelines.events import Batch, Record, Records, iso, utc
from pipelines.log import Log
from pipelines.vendors.hubspot.account import both, whole
from pipelines.vendors.hubspot.client import SAME_PAGE
from pipelines.vendors.hubspot.run import Run
from pipelines.vendors.reading import (
    BATCH_OF_SMALL,
    RecordReader,
    Whole,
    batches,
    gathered,
    in_order,
    instant,
    instants,
    payload,
    reads,
)

EVENTS_PAGE = 1000
BEGINNING = datetime(2006, 1, 1, tzinfo=UTC)
"""No portal is older."""
MONTHS_PER_COMMIT = 6
"""After so many there is a commit, if any of them had an event."""
FEW_MONTHS = 2
"""So few are simply read; of more it is asked first whether they fit a page."""
RESTARTS = 3
LOOK_BACK = timedelta(hours=48)
SUBMISSIONS_PAGE = 50


class EventsPage(msgspec.Struct, gc=False):
    """A page of email events."""

    events: list[msgspec.Raw]
    hasMore: bool = False
    offset: str | None = None


class EventKeys(msgspec.Struct, gc=False):
    """What we need of an email event."""

    id: str | int | None = None
    created: int | str | None = None


class SubmissionKeys(msgspec.Struct, gc=False):
    """What we need of a form's submission."""

    conversionId: str | int | None = None
    submittedAt: int | str | None = None


read_events = reads(EventsPage)
read_event = RecordReader(EventKeys)
read_submission = RecordReader(SubmissionKeys)


def email_events(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read closed windows: months at first, then from the last reading (with an overlap) to now."""
    now = run.now()
    looked_back = utc(cursor["looked_back_at"]) if cursor else now
    start = utc(cursor["read_to"]) if cursor else BEGINNING
    if cursor:
        is_due = now - looked_back >= timedelta(hours=run.ingest.reconcile_hours)
        start -= max(run.overlap, LOOK_BACK) if is_due else run.overlap
        looked_back = now if is_due else looked_back
    state = dict(cursor or {})
    pages: list[Records] = []
    months = 0
    try:
        for begin, end in _spans(run, start, max(now, start)):
            for page, is_last in _window(run, begin, end):
                pages.append(page)
                if is_last:
                    reached = min(end, now - run.lag) if end >= now else end
                    state = {"read_to": iso(reached), "looked_back_at": iso(looked_back)}
                    months += 1
                rows = sum(map(len, pages))
                if rows + EVENTS_PAGE > BATCH_OF_SMALL or (is_last and rows and months >= MONTHS_PER_COMMIT):
                    yield Batch(Records.joined(pages), state or None, at=run.now())
                    pages, months = [], 0
    except VendorError:
        yield Batch(Records.joined(pages), state or None, at=run.now())
        raise
    yield Batch(Records.joined(pages), state, at=run.now())


def _spans(run: Run, start: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the windows to read: what is older than `years` at once where it fits a page, else by year; then the rest,
    at once where it fits a page, else by month.
    """
    recent = _years_before(now, run.ingest.years)
    if start < recent:
        if _events(run, start, recent, "").hasMore:
            for year in range(start.year, recent.year + 1):
                begin = max(start, datetime(year, 1, 1, tzinfo=UTC))
                end = min(recent, datetime(year + 1, 1, 1, tzinfo=UTC))
                if begin < end:
                    yield begin, end
        else:
            yield start, recent
    months = _months(max(start, recent), now)
    if len(months) <= FEW_MONTHS or _events(run, months[0][0], now, "").hasMore:
        yield from months
    else:
        yield months[0][0], now


def _window(run: Run, begin: datetime, end: datetime) -> Iterator[tuple[Records, bool]]:
    """Yield a window's events page by page, and with each page whether it is the last."""
    offset, restarts = "", 0
    seen: dict[str, int] = {}
    while True:
        try:
            page = _events(run, begin, end, offset)
        except RefusedError as error:
            if not offset or error.status != 400 or restarts == RESTARTS:
                raise
            restarts += 1
            offset, seen = "", {}
            continue
        told = read_event.each(page.events)
        names = [f"{keys.id}|{keys.created}" if keys.id else "" for keys in told]
        happened = instants([keys.created for keys in told])
        records = gathered(names, happened, page.events, partial(run.left_out, "email events", "id and time"))
        is_last = not page.hasMore or not page.offset
        yield records, is_last
        if is_last or not page.offset:
            return
        offset = page.offset
        seen[offset] = seen.get(offset, 0) + 1
        if seen[offset] > SAME_PAGE:
            raise TransientError("hubspot gave email events with a page that leads back to itself.", vendor="hubspot")


def _events(run: Run, begin: datetime, end: datetime, offset: str) -> EventsPage:
    asked: dict[str, Any] = {"startTimestamp": _ms(begin), "endTimestamp": _ms(end), "limit": EVENTS_PAGE}
    if offset:
        asked["offset"] = offset
    page: EventsPage = run.client.get(
        run.client.path("email_events"),
        doing=f"email events from {iso(begin)} to {iso(end)}",
        params=asked,
        decode=read_events,
    ).data
    return page


def forms(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the forms, archived ones too."""
    yield whole(run, "forms", both(run, run.client.path("forms"), "forms", {"formTypes": "all"}))


def form_submissions(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read each form's submissions back to those that are known."""
    marks: dict[str, int] = dict((cursor or {}).get("forms", {}))
    newest: dict[str, int] = {}

    def read(form: str) -> list[Record] | RefusedError:
        since = marks[form] - _ms_of(run.overlap) if form in marks else 0
        try:
            return _submissions(run, form, since)
        except RefusedError as error:
            return error

    def wholes() -> Iterator[Whole]:
        refused: list[VendorError] = []
        for form, found in in_order(read, sorted(log.latest("hubspot", "forms", run.account)), run.ingest.at_once):
            if isinstance(found, RefusedError):
                if found.status != 404:
                    refused.append(found)
                continue
            if found:
                newest[form] = max(_ms(record.occurred_at) for record in found)
            yield Whole(form, found, is_complete=False, mark=form)
        if refused:
            run.note(f"hubspot: submissions of {len(refused)} forms were refused; the first: {refused[0]}")

    def follow(whole: Whole) -> None:
        if whole.mark in newest:
            marks[whole.mark] = max(marks.get(whole.mark, 0), newest[whole.mark])

    yield from batches(wholes(), run.now, follow=follow, cursor=lambda: {"forms": dict(sorted(marks.items()))})


def _submissions(run: Run, form: str, since_ms: int) -> list[Record]:
    records: list[Record] = []
    pages = run.client.pages(
        run.client.path("form_submissions", form),
        doing=f"the submissions of form {form}",
        params={"limit": SUBMISSIONS_PAGE},
    )
    for page in pages:
        oldest = since_ms
        for content in map(payload, page.results):
            keys = read_submission(content)
            submitted = instant(keys.submittedAt)
            if not keys.conversionId or submitted is None:
                run.left_out(f"submissions of form {form}", "id and time")
                continue
            oldest = min(oldest, _ms(submitted))
            if _ms(submitted) >= since_ms:
                records.append(Record(str(keys.conversionId), submitted, content, form))
        if oldest < since_ms:
            break
    return records


def _months(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Cut into calendar months; both ends count, so that each begins at the instant at which the one before ends."""
    cut: list[tuple[datetime, datetime]] = []
    while start < end or not cut:
        following = (start.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(
            day=1
        )
        cut.append((start, min(following, end)))
        start = following
    return cut


def _years_before(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year - years, day=28)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _ms_of(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
