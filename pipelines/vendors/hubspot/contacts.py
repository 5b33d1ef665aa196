"""Contacts: every one at first, then what changed, what was archived, and what is gone without a word.

Facts, from https://developers.hubspot.com/docs/api-reference/crm/search-the-crm and
https://developers.hubspot.com/docs/api-reference/crm/objects/contacts (read 2026-11):

- A list page has 100 contacts at most, 50 where histories are asked for
  (https://github.com/dlt-hub/verified-sources/issues/206); a batch read likewise.
- Search (`searching.py`) never shows archived contacts, and shows what is new only after some moments, so the window of
  the next run begins before the end of this one.
- Search tells ids only; the contacts are read by id, with their histories.
- Archived contacts are listed with `archived=true` for 90 days. A contact that was merged into another is not archived:
  it is gone, and asking for it gives the other one or nothing. The full list of ids tells, once in a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec

from pipelines.errors import VendorError
from pipelines.events import Batch, Record, Records, iso, utc
from pipelines.log import Log
from pipelines.publish import created
from pipelines.vendors.hubspot.batches import by_id
from pipelines.vendors.hubspot.run import Run
from pipelines.vendors.hubspot.searching import changed
from pipelines.vendors.reading import BATCH, RecordReader, gathered, instant, moments

PROPERTIES = (
    "createdate",
    "email",
    "firstname",
    "hs_additional_emails",
    "hs_calculated_merged_vids",
    "hs_merged_object_ids",
    "hs_object_id",
    "lastmodifieddate",
    "lastname",
    "salesforcecontactid",
    "salesforceleadid",
)
OURS = "turnout_"
HISTORIES = ("hs_document_last_revisited", "hs_sales_email_last_clicked", "hs_sales_email_last_opened")
FULL_PAGE = 50
IDS_PAGE = 100
LONGEST_QUERY = 4_000
"""Characters of a query string; beyond, ids are listed and the contacts read by id."""
PAGES_PER_COMMIT = 40
CHUNK = 5_000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Older than any contact of HubSpot."""


class ContactKeys(msgspec.Struct, gc=False):
    """What we need of a contact."""

    id: str | int | None = None
    updatedAt: str | int | None = None
    archived: bool | None = None
    archivedAt: str | int | None = None


read_contact = RecordReader(ContactKeys)


def contacts(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read contacts; the cursor tells how far the first reading is, later up to when changes are read."""
    further = _further(run, log)
    reader = Contacts(run, _wanted(run, log, further))
    state = dict(cursor or {})
    if "read_to" in state:
        yield from reader.having([name for name in further if name not in state.get("asked", ())])
    else:
        started = utc(state["started_at"]) if "started_at" in state else run.now()
        for batch in reader.everyone(started, str(state.get("after", ""))):
            state = dict(batch.cursor or state)
            yield batch
    if further or "asked" in state:
        state["asked"] = further
    for batch in reader.changed(state):
        state = dict(batch.cursor or state)
        yield batch
    archived: set[str] = set()
    for batch in reader.archived():
        archived.update(record.key for record in batch.records)
        yield batch
    if run.now() - utc(state["reconciled_at"]) >= timedelta(hours=run.ingest.reconcile_hours):
        yield from reader.reconciled(log, state, archived)


def _wanted(run: Run, log: Log, further: Sequence[str]) -> tuple[str, ...]:
    """Return the properties to ask for: those that rules need, those that we publish, those that the settings name."""
    known = log.latest("hubspot", "properties", run.account)
    return (*PROPERTIES, *further, *sorted(name for name in known if name.startswith(OURS) and name not in further))


def _further(run: Run, log: Log) -> list[str]:
    """Return the properties that only the settings name, of those that there are."""
    known = log.latest("hubspot", "properties", run.account) if run.further else {}
    if unknown := sorted({*run.further} - {*known, *PROPERTIES}):
        names = ", ".join(unknown)
        run.note(f"hubspot: contacts have no property {names}, which [registration] in the settings names.")
    return [name for name in run.further if name not in PROPERTIES and name in known]


class Contacts:
    """The four ways in which contacts are read, with one set of properties."""

    def __init__(self, run: Run, wanted: Sequence[str]) -> None:
        self._run = run
        self._client = run.client
        self._wanted = list(wanted)

    def everyone(self, started: datetime, after: str) -> Iterator[Batch]:
        """Read the list of all contacts from `after` on; a reading that breaks off goes on there."""
        read: list[Records] = []
        pages = 0
        here = after
        try:
            for contents, there in self._full_pages(is_archived=False, after=after):
                read.append(self._records(contents))
                here, pages = there, pages + 1
                if here and pages % PAGES_PER_COMMIT == 0:
                    cursor = {"started_at": iso(started), "after": here}
                    yield Batch(Records.joined(read), cursor, at=self._run.now())
                    read = []
        except VendorError as error:
            is_dead = error.status == 400 and after and not pages
            unfinished = None if is_dead or not here else {"started_at": iso(started), "after": here}
            yield Batch(Records.joined(read), {} if is_dead else unfinished, at=self._run.now())
            raise
        read_to = started - self._run.lag
        cursor = {"read_to": iso(read_to), "reconciled_at": iso(started)}
        yield Batch(Records.joined(read), cursor, at=self._run.now())

    def changed(self, state: Mapping[str, Any]) -> Iterator[Batch]:
        """Read what was modified since, right up to now; what the search may not show yet is read again next time."""
        now = self._run.now()
        before = utc(state["read_to"])
        lowest, highest = _ms(before - self._run.overlap), _ms(now)
        for end, ids in changed(self._client, "contacts", "lastmodifieddate", lowest, max(lowest, highest)):
            reached = max(before, min(instant(end) or before, now - self._run.lag))
            chunks = [ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK)] or [[]]
            for number, chunk in enumerate(chunks, start=1):
                found = self._read(chunk)
                yield Batch(
                    self._records(found.values()),
                    {**state, "read_to": iso(reached)} if number == len(chunks) else None,
                    at=self._run.now(),
                )

    def having(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read the contacts that have a value in properties that were not asked for before, however old they are."""
        for name in names:
            for _, ids in changed(
                self._client, "contacts", "lastmodifieddate", _ms(EARLIEST), _ms(self._run.now()), name
            ):
                for at in range(0, len(ids), CHUNK):
                    yield Batch(self._records(self._read(ids[at : at + CHUNK]).values()), at=self._run.now())

    def archived(self) -> Iterator[Batch]:
        """Read all contacts that are in the recycle bin."""
        read: list[Records] = []
        for contents, _ in self._full_pages(is_archived=True):
            read.append(self._records(contents))
            if sum(map(len, read)) + FULL_PAGE > BATCH:
                yield Batch(Records.joined(read), at=self._run.now())
                read = []
        yield Batch(Records.joined(read), at=self._run.now())

    def reconciled(self, log: Log, state: Mapping[str, Any], archived: set[str]) -> Iterator[Batch]:
        """Compare the full list of ids with the log: read what it lacks, tell what is there no more."""
        started = self._run.now()
        long_known = utc(state["reconciled_at"]) - self._run.overlap
        live = {str(keys.id): instant(keys.updatedAt) for keys in self._ids(is_archived=False)}
        known = log.latest("hubspot", "contacts", self._run.account)
        stale = [name for name, updated in live.items() if _is_news(known.get(name), updated)]
        lost = [name for name in known if name not in live and name not in archived]
        never_seen = [name for name in _made_and_never_seen(log) if name not in live and name not in archived]
        found = self._read(stale)
        found |= self._read([*lost, *never_seen])
        found |= self._read([name for name in (*lost, *never_seen) if name not in found], is_archived=True)
        # Back from the recycle bin, maybe unchanged: then it is the same fact as before, but at another time.
        back = {name for name in stale if _is_back(known.get(name), live[name], long_known)} & found.keys()
        restored = [
            Record(one.key, started, one.payload, follows=True) for one in self._records(found[name] for name in back)
        ]
        yield Batch(tuple(sorted(restored, key=lambda one: one.key)), at=self._run.now())
        gone = [Record(name, started, b"", kind="absent", follows=True) for name in lost if name not in found]
        gone += [Record(name, started, b"", kind="absent") for name in never_seen if name not in found]
        records = (*self._records(content for name, content in found.items() if name not in back), *gone)
        cuts = range(0, max(1, len(records)), BATCH)
        for at in cuts:
            cursor = {**state, "reconciled_at": iso(started)} if at == cuts[-1] else None
            yield Batch(records[at : at + BATCH], cursor, at=self._run.now())

    def _records(self, contents: Iterable[bytes]) -> Records:
        given = list(contents)
        told = read_contact.each(given)
        stamps = [one.archivedAt if one.archived and one.archivedAt else one.updatedAt for one in told]
        names = [str(one.id) if one.id else "" for one in told]
        left_out = partial(self._run.left_out, "contacts", "an id")
        return gathered(names, moments(stamps, self._run.now()), given, left_out)

    def _full_pages(self, *, is_archived: bool, after: str = "") -> Iterator[tuple[Sequence[bytes], str]]:
        """Yield pages of contacts with all that we ask of them, and where the next page begins."""
        asked = {
            "limit": FULL_PAGE,
            "archived": str(is_archived).lower(),
            "properties": ",".join(self._wanted),
            "propertiesWithHistory": ",".join(HISTORIES),
        }
        path = self._client.path("objects", "contacts")
        doing = "the list of archived contacts" if is_archived else "the list of contacts"
        if len(urlencode(asked)) <= LONGEST_QUERY:
            for page in self._client.pages(path, doing=doing, params=asked, after=after):
                yield page.results, page.after
            return
        short = {"limit": IDS_PAGE, "archived": asked["archived"], "properties": "hs_object_id"}
        for page in self._client.pages(path, doing=doing, params=short, after=after):
            names = [str(keys.id) for raw in page.results if (keys := read_contact(bytes(raw))).id]
            yield list(self._read(names, is_archived=is_archived).values()), page.after

    def _ids(self, *, is_archived: bool) -> Iterator[ContactKeys]:
        asked = {"limit": IDS_PAGE, "archived": str(is_archived).lower(), "properties": "hs_object_id"}
        path = self._client.path("objects", "contacts")
        for page in self._client.pages(path, doing="the list of contacts' ids", params=asked):
            for raw in page.results:
                keys = read_contact(bytes(raw))
                if keys.id:
                    yield keys

    def _read(self, names: Sequence[str], *, is_archived: bool = False) -> dict[str, bytes]:
        asked = {"properties": self._wanted, "propertiesWithHistory": list(HISTORIES)}
        return by_id(self._run, "contacts", names, asked, is_archived=is_archived, size=FULL_PAGE)


def _made_and_never_seen(log: Log) -> list[str]:
    """Return the ids of contacts that we made and that were merged or erased before any reading saw them."""
    seen = {name for (name,) in log.query("hubspot", "contacts", "select distinct key from events", {})}
    return sorted(created(log, "hubspot", "contact") - seen)


def _is_news(known: Mapping[str, Any] | None, updated: datetime | None) -> bool:
    """Tell whether the log lacks what the full list shows of a contact."""
    if known is None or known.get("archived"):
        return True
    had = instant(known.get("updatedAt"))
    return updated is not None and (had is None or had < updated)


def _is_back(known: Mapping[str, Any] | None, updated: datetime | None, long_known: datetime) -> bool:
    """Tell whether a live contact was archived or absent for the log: one that is merely new was not there before."""
    if known is None:
        return updated is not None and updated < long_known
    return bool(known.get("archived"))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
