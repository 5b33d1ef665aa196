"""Calls, sales emails, meetings, notes and tasks, each with the contacts, companies and deals that it is of.

Facts, from https://developers.hubspot.com/docs/api-reference/crm/objects/calls (and the pages of the other four) and
https://developers.hubspot.com/docs/api-reference/crm/associations/associate-records/batch/get-associations (2026-11):

- A record's own answer shows but a first page of its associations, and a batch read none
  (https://github.com/dlt-hub/verified-sources/issues/593). So they are asked for apart, 1,000 records a call at most;
  each input pages by itself, and one without any comes as an error of the answer.
- `hs_lastmodifieddate` is what search filters by. Whether an association moves it is not documented: those of all live
  records are compared once in `reconcile_hours`, and an association alone may be that late.
- Archived records are listed for 90 days with `archived=true`; what was erased is told by the full list of ids.
- Names of properties that a portal does not have are passed over, so `turnout_id` is always asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import orjson

from pipelines.errors import TransientError, VendorError
from pipelines.events import Batch, Record, iso, utc
from pipelines.log import Log
from pipelines.vendors.hubspot.batches import by_id
from pipelines.vendors.hubspot.client import SAME_PAGE, Paging
from pipelines.vendors.hubspot.run import Run
from pipelines.vendors.hubspot.searching import changed
from pipelines.vendors.reading import BATCH, RecordReader, in_order, instant, moment, payload, reads

MODIFIED = "hs_lastmodifieddate"
SHARED = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id", "hs_timestamp", "hubspot_owner_id", "turnout_id")
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "calls": (
        "hs_call_body",
        "hs_call_direction",
        "hs_call_disposition",
        "hs_call_duration",
        "hs_call_status",
        "hs_call_title",
    ),
    "emails": ("hs_email_direction", "hs_email_html", "hs_email_status", "hs_email_subject", "hs_email_text"),
    "meetings": (
        "hs_meeting_body",
        "hs_meeting_end_time",
        "hs_meeting_location",
        "hs_meeting_outcome",
        "hs_meeting_start_time",
        "hs_meeting_title",
    ),
    "notes": ("hs_note_body",),
    "tasks": ("hs_task_body", "hs_task_priority", "hs_task_status", "hs_task_subject", "hs_task_type"),
}
"""What is asked for of each object type, beside what all have."""
ASSOCIATED = ("companies", "contacts", "deals")
PAGE = 100
LINKS_AT_ONCE = 500
"""Records of one call for associations; HubSpot takes 1,000."""
PAGES_PER_COMMIT = 40
CHUNK = 5_000
NO_LINKS: Mapping[str, Sequence[str]] = {other: [] for other in ASSOCIATED}
KNOWN = """
    with latest as (
        select key, arg_max(payload, {order}) as payload, arg_max(kind, {order}) as kind
        from events where account = $account group by key
    )
    select key, payload ->> '$.updatedAt', payload ->> '$.archived' = 'true', payload -> '$.associations'
    from latest where kind = 'seen' order by key
"""

Links = Mapping[str, Sequence[str]]
Reader = Callable[[Run, Log, Mapping[str, Any] | None], Iterator[Batch]]


class Held(NamedTuple):
    """What the log holds of a record that is present."""

    updated: str | None
    is_archived: bool | None
    associations: str | None

    def is_older(self, moment: datetime) -> bool:
        """Whether it was modified before."""
        had = instant(self.updated)
        return not self.is_archived and (had is None or had < moment)


class EngagementKeys(msgspec.Struct, gc=False):
    """What we need of an engagement."""

    id: str | int | None = None
    updatedAt: str | int | None = None
    archived: bool | None = None
    archivedAt: str | int | None = None


class End(msgspec.Struct, gc=False):
    """The record that an association leads from."""

    id: str | int


class Far(msgspec.Struct, gc=False):
    """The record that an association leads to."""

    toObjectId: str | int


class Row(msgspec.Struct, gc=False):
    """The associations of one record, or a page of them."""

    near: End = msgspec.field(name="from")
    to: list[Far] = msgspec.field(default_factory=list)
    paging: Paging | None = None


class LinkError(msgspec.Struct, gc=False):
    """Why there are no associations of some records."""

    category: str | None = None
    message: str | None = None


class LinksAnswer(msgspec.Struct, gc=False):
    """The answer to a call for associations."""

    results: list[Row] = msgspec.field(default_factory=list)
    errors: list[LinkError] = msgspec.field(default_factory=list)


read_engagement = RecordReader(EngagementKeys)
read_links = reads(LinksAnswer)


def reader(kind: str) -> Reader:
    """Return the reader of one object type; the cursor tells how far the first reading is, later what was read to."""

    def read(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        engagements = Engagements(run, kind)
        state = dict(cursor or {})
        if "read_to" not in state:
            started = utc(state["started_at"]) if "started_at" in state else run.now()
            for batch in engagements.everything(started, str(state.get("after", ""))):
                state = dict(batch.cursor or state)
                yield batch
        for batch in engagements.changed(state):
            state = dict(batch.cursor or state)
            yield batch
        archived: set[str] = set()
        for batch in engagements.archived():
            archived.update(record.key for record in batch.records)
            yield batch
        if run.now() - utc(state["reconciled_at"]) >= timedelta(hours=run.ingest.reconcile_hours):
            yield from engagements.reconciled(log, state, archived)

    return read


class Engagements:
    """The four ways in which the records of one object type are read."""

    def __init__(self, run: Run, kind: str) -> None:
        self._run = run
        self._client = run.client
        self._kind = kind
        self._wanted = sorted({*SHARED, *PROPERTIES[kind], *run.inbound.get(kind, ())})

    def everything(self, started: datetime, after: str) -> Iterator[Batch]:
        """Read the list of all records from `after` on; a reading that breaks off goes on at its last commit."""
        contents: list[bytes] = []
        pages = 0
        try:
            for page, there in self._pages(is_archived=False, after=after):
                contents += page
                pages += 1
                if there and pages % PAGES_PER_COMMIT == 0:
                    cursor = {"started_at": iso(started), "after": there}
                    yield Batch(self._records(contents), cursor, at=self._run.now())
                    contents = []
        except VendorError as error:
            if error.status == 400 and after and not pages:  # the place is no longer known: begin anew
                yield Batch((), {}, at=self._run.now())
            raise
        read_to = {"read_to": iso(started - self._run.lag), "reconciled_at": iso(started)}
        yield Batch(self._records(contents), read_to, at=self._run.now())

    def changed(self, state: Mapping[str, Any]) -> Iterator[Batch]:
        """Read what was modified since, right up to now; what the search may not show yet is read again next time."""
        now, before = self._run.now(), utc(state["read_to"])
        lowest, highest = _ms(before - self._run.overlap), _ms(now)
        for end, names in changed(self._client, self._kind, MODIFIED, lowest, max(lowest, highest)):
            reached = max(before, min(instant(end) or before, now - self._run.lag))
            chunks = [names[at : at + CHUNK] for at in range(0, len(names), CHUNK)] or [[]]
            for number, chunk in enumerate(chunks, start=1):
                cursor = {**state, "read_to": iso(reached)} if number == len(chunks) else None
                yield Batch(self._records(self._read(chunk).values()), cursor, at=self._run.now())

    def archived(self) -> Iterator[Batch]:
        """Read all that is in the recycle bin; an archived record shows no associations."""
        contents: list[bytes] = []
        for page, _ in self._pages(is_archived=True):
            contents += page
            if len(contents) + PAGE > BATCH:
                yield Batch(self._records(contents), at=self._run.now())
                contents = []
        yield Batch(self._records(contents), at=self._run.now())

    def reconciled(self, log: Log, state: Mapping[str, Any], archived: set[str]) -> Iterator[Batch]:
        """Compare the full list, and its associations, with the log: read what it lacks, tell what is gone."""
        started = self._run.now()
        rows = log.query("hubspot", self._kind, KNOWN, {"account": self._run.account})
        known = {name: Held(*rest) for name, *rest in rows}
        live = {
            str(keys.id): instant(keys.updatedAt)
            for page, _ in self._pages(is_archived=False, properties="hs_object_id")
            for keys in map(read_engagement, page)
            if keys.id
        }
        stale: list[str] = []
        names = list(live)
        for at in range(0, len(names), CHUNK):
            links = self._links(names[at : at + CHUNK])
            stale += [name for name in links if _is_news(known.get(name), live[name], links[name])]
        lost = [name for name in known if name not in live and name not in archived]
        found = self._read([*stale, *lost])
        bin_ = self._read([name for name in lost if name not in found], is_archived=True)
        records = list(self._records(bin_.values()))
        for one in self._records(found.values()):
            # Back from the bin, or with other associations, it may be the same fact as once before, at another time.
            held = known.get(one.key)
            is_again = held is not None and not held.is_older(one.occurred_at)
            records.append(Record(one.key, started, one.payload, follows=True) if is_again else one)
        there = found.keys() | bin_.keys()
        records += [Record(name, started, b"", kind="absent", follows=True) for name in lost if name not in there]
        cuts = range(0, max(1, len(records)), BATCH)
        for at in cuts:
            cursor = {**state, "reconciled_at": iso(started)} if at == cuts[-1] else None
            yield Batch(tuple(records[at : at + BATCH]), cursor, at=self._run.now())

    def _records(self, contents: Iterable[bytes]) -> tuple[Record, ...]:
        """Make records of contents, with the associations of those that are not archived spliced in."""
        now = self._run.now()
        found: dict[str, tuple[EngagementKeys, bytes]] = {}
        for content in contents:
            keys = read_engagement(content)
            if keys.id:
                found[str(keys.id)] = keys, content
            else:
                self._run.left_out(self._kind, "an id")
        links = self._links([name for name, (keys, _) in found.items() if not keys.archived])
        records = []
        for name, (keys, content) in found.items():
            stamp = keys.archivedAt if keys.archived and keys.archivedAt else keys.updatedAt
            records.append(Record(name, moment(stamp, now), _with(content, links.get(name, NO_LINKS))))
        return tuple(records)

    def _pages(self, *, is_archived: bool, after: str = "", properties: str = "") -> Iterator[tuple[list[bytes], str]]:
        """Yield pages of records, and where the next page begins."""
        asked = {
            "limit": PAGE,
            "archived": str(is_archived).lower(),
            "properties": properties or ",".join(self._wanted),
        }
        path = self._client.path("objects", self._kind)
        doing = f"the list of {'archived ' if is_archived else ''}{self._kind}"
        for page in self._client.pages(path, doing=doing, params=asked, after=after):
            yield [payload(raw) for raw in page.results], page.after

    def _read(self, names: Sequence[str], *, is_archived: bool = False) -> dict[str, bytes]:
        return by_id(self._run, self._kind, names, {"properties": self._wanted}, is_archived=is_archived, size=PAGE)

    def _links(self, names: Sequence[str]) -> dict[str, dict[str, list[str]]]:
        """Return the ids of all that records are associated with, by record and by the other's object type."""
        found: dict[str, dict[str, list[str]]] = {name: {other: [] for other in ASSOCIATED} for name in names}
        wanted = [
            (other, list(names[at : at + LINKS_AT_ONCE]))
            for other in ASSOCIATED
            for at in range(0, len(names), LINKS_AT_ONCE)
        ]
        for (other, _), ids in in_order(lambda one: self._linked(*one), wanted, self._run.ingest.at_once):
            for name, far in ids.items():
                found[name][other] = sorted(far, key=lambda number: (len(number), number))
        return found

    def _linked(self, other: str, names: Sequence[str]) -> dict[str, set[str]]:
        """Return the associations of some records with one object type, every page of each."""
        found: dict[str, set[str]] = {name: set() for name in names}
        inputs = [{"id": name} for name in names]
        repeats = 0
        while inputs:
            answer: LinksAnswer = self._client.post(
                self._client.path("associations", self._kind, other, "batch", "read"),
                doing=f"which {other} {len(inputs)} {self._kind} are associated with",
                json={"inputs": inputs},
                accept=(404,),
                decode=read_links,
            ).data
            if refused := [error for error in answer.errors if error.category != "OBJECT_NOT_FOUND"]:
                raise TransientError(
                    f"hubspot did not tell which {other} some {self._kind} are associated with: {refused[0].message}. "
                    "They are read again next run.",
                    vendor="hubspot",
                )
            inputs, is_new = [], False
            for row in answer.results:
                ids = {str(far.toObjectId) for far in row.to}
                here = found.setdefault(str(row.near.id), set())
                is_new = is_new or not ids <= here
                here |= ids
                if row.paging and row.paging.next and row.paging.next.after:
                    inputs.append({"id": str(row.near.id), "after": str(row.paging.next.after)})
            repeats = 0 if is_new else repeats + 1
            if inputs and repeats > SAME_PAGE:
                raise TransientError(
                    f"hubspot gave associations of {self._kind} with a page that leads back to itself.",
                    vendor="hubspot",
                )
        return {name: found[name] for name in names}


def _with(content: bytes, links: Links) -> bytes:
    """Return a record's own bytes with its associations as a last entry, ids of each object type in order."""
    return content.rstrip()[:-1] + b',"associations":' + orjson.dumps(links) + b"}"


def _is_news(held: Held | None, updated: datetime | None, links: Links) -> bool:
    """Tell whether the log lacks what the full list shows of a record."""
    if held is None or held.is_archived or (updated is not None and held.is_older(updated)):
        return True
    return bool(orjson.loads(held.associations or b"{}") != links)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
