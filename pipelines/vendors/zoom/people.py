"""Who registered, who is on the panel, and what the form asks.

Facts, from https://developers.zoom.us/docs/api/meetings/ (read 2026-11):

- `GET /webinars/{id}/registrants` lists one status a call, approved ones by default; a page has 300 at most.
- A person who cancels by the link in the email vanishes from all three lists; one cancelled by the host is `denied`.
  So a registrant that was there and is in none of the lists read whole has cancelled, and the log says `absent`.
- A webinar without registration has approval type 2, or is refused with 400/3000.
- Series of registration type 2 and 3 are registered for by occurrence; `occurrence_id` lists those of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from pipelines.errors import RefusedError
from pipelines.events import Batch, Record
from pipelines.log import Log
from pipelines.vendors.reading import RecordReader, Whole, batches, document, moment, payload
from pipelines.vendors.zoom.client import LIGHT, MEDIUM
from pipelines.vendors.zoom.known import dates_of, has_registration, registers_by_occurrence, scheduled_end
from pipelines.vendors.zoom.run import Run

STATUSES = ("pending", "approved", "denied")
"""In the order in which a registrant can move on, so that one who moves between two lists is found in the later."""
SETTLED_DAYS = 30
"""What belongs to a webinar is read until so long after its end."""
NO_REGISTRATION = (400, "3000")

Result = TypeVar("Result")


class PersonKeys(msgspec.Struct, gc=False):
    """What we need of a registrant or panelist."""

    id: str | int | None = None
    email: str | None = None
    create_time: str | None = None


read_person = RecordReader(PersonKeys)


def registrants(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the registrants of webinars never read, and of those that are not long over, in all statuses."""
    done = set((cursor or {}).get("done", ()))
    webinars = {
        name: webinar
        for name, webinar in run.open_webinars(log, SETTLED_DAYS, done).items()
        if has_registration(webinar)
    }
    finished = run.over(log, webinars, SETTLED_DAYS)

    def read(webinar_id: str) -> list[msgspec.Raw] | None:
        return _or_none(lambda: _registrants(run, webinar_id, {}))

    def wholes() -> Iterator[Whole]:
        for webinar_id, rows in run.each(sorted(webinars), read, "lists of registrants"):
            yield _people(run, webinar_id, rows, mark=webinar_id)

    yield from _in_batches(run, wholes(), done, finished)


def registrations_by_occurrence(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read who is registered for which occurrence, where that is asked for."""
    now = run.now()
    done = set((cursor or {}).get("done", ()))
    asked: list[tuple[str, str]] = []
    finished: set[str] = set()
    for webinar_id, webinar in sorted(run.latest(log, "webinars").items()):
        if not registers_by_occurrence(webinar) or not has_registration(webinar) or not run.wants(log, webinar_id):
            continue
        for occurrence in dates_of(webinar):
            scope = f"{webinar_id}|{occurrence.get('occurrence_id')}"
            end = scheduled_end(occurrence, webinar)
            if end is not None and end <= now - timedelta(days=SETTLED_DAYS):
                finished.add(scope)
            if occurrence.get("status") != "deleted" and not (scope in done and scope in finished):
                asked.append((webinar_id, str(occurrence.get("occurrence_id"))))

    def read(one: tuple[str, str]) -> list[msgspec.Raw] | None:
        return _or_none(lambda: _registrants(run, one[0], {"occurrence_id": one[1]}))

    def wholes() -> Iterator[Whole]:
        for one, rows in run.each(asked, read, "lists of an occurrence's registrants"):
            yield _people(run, "|".join(one), rows, mark="|".join(one))

    yield from _in_batches(run, wholes(), done, frozenset(finished))


def panelists(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the panelists of webinars never read, and of those that are not long over."""
    done = set((cursor or {}).get("done", ()))
    webinars = run.open_webinars(log, SETTLED_DAYS, done)
    finished = run.over(log, webinars, SETTLED_DAYS)

    def read(webinar_id: str) -> list[msgspec.Raw] | None:
        path, doing = f"/webinars/{webinar_id}/panelists", f"the panelists of webinar {webinar_id}"
        return _or_none(lambda: run.client.listing(path, "panelists", doing=doing, limit=MEDIUM))

    def wholes() -> Iterator[Whole]:
        for webinar_id, rows in run.each(sorted(webinars), read, "lists of panelists"):
            yield _people(run, webinar_id, rows, mark=webinar_id)

    yield from _in_batches(run, wholes(), done, finished)


def questions(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read what the registration form of each webinar asks, where there is one."""
    done = set((cursor or {}).get("done", ()))
    webinars = run.open_webinars(log, SETTLED_DAYS, done)
    finished = run.over(log, webinars, SETTLED_DAYS)

    def read(webinar_id: str) -> bytes | None:
        path, doing = f"/webinars/{webinar_id}/registrants/questions", f"the questions of webinar {webinar_id}"
        return _or_none(lambda: run.client.get(path, doing=doing, limit=LIGHT, decode=document).data)

    def wholes() -> Iterator[Whole]:
        asked = sorted(name for name, webinar in webinars.items() if has_registration(webinar))
        for webinar_id, content in run.each(asked, read, "registration forms"):
            record = Record(webinar_id, run.now(), content or b"", webinar_id, "seen" if content else "absent")
            yield Whole(webinar_id, (record,), is_complete=False, mark=webinar_id)

    yield from _in_batches(run, wholes(), done, finished)


def _registrants(run: Run, webinar_id: str, params: Mapping[str, str]) -> list[msgspec.Raw]:
    found: list[msgspec.Raw] = []
    for status in STATUSES:
        found += run.client.listing(
            f"/webinars/{webinar_id}/registrants",
            "registrants",
            doing=f"the {status} registrants of webinar {webinar_id}",
            limit=MEDIUM,
            params={"status": status, **params},
        )
    return found


def _or_none(read: Callable[[], Result]) -> Result | None:
    """Read, or return None where there is no registration, or no such webinar any more."""
    try:
        return read()
    except RefusedError as error:
        if error.status == 404 or (error.status, error.code) == NO_REGISTRATION:
            return None
        raise


def _people(run: Run, scope: str, rows: list[msgspec.Raw] | None, mark: str) -> Whole:
    """Make records of a scope's people; a person listed twice counts as listed last."""
    now = run.now()
    records: dict[str, Record] = {}
    for content in map(payload, rows or ()):
        keys = read_person(content)
        name = keys.id or keys.email
        if not name:
            run.left_out(f"people of {scope}", "id and address")
            continue
        key = f"{scope}|{name}"
        records[key] = Record(key, moment(keys.create_time, now), content, scope)
    return Whole(scope, tuple(records.values()), is_complete=rows is not None, mark=mark)


def _in_batches(run: Run, wholes: Iterator[Whole], done: set[str], finished: frozenset[str]) -> Iterator[Batch]:
    """Hand over scope after scope; the cursor remembers those that are finished and need no further reading."""

    def follow(whole: Whole) -> None:
        (done.add if whole.mark in finished else done.discard)(whole.mark)

    return batches(wholes, run.now, follow=follow, cursor=lambda: {"done": sorted(done)})
