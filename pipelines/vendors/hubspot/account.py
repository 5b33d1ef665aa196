"""The portal itself: its details, users, owners, and the properties that its contacts have.

Facts, from https://developers.hubspot.com/docs/api-reference (read 2026-11):

- Owners that were deactivated are listed with `archived=true` alone.
- Users of the settings API have neither a stamp nor an archived state: who is not listed is gone.
- Definitions of properties come in one answer, without pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import structs

from pipelines.events import Batch, Record
from pipelines.log import Log
from pipelines.vendors.hubspot.run import Run
from pipelines.vendors.reading import RecordReader, document, moment, payload

PAGE = 100


class ItemKeys(msgspec.Struct, gc=False):
    """What we need of a user, an owner, a property or a form."""

    id: str | int | None = None
    name: str | None = None
    createdAt: str | int | None = None


read_item = RecordReader(ItemKeys)


def account(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Keep the portal's details."""
    now = run.now()
    yield Batch((Record(run.account, now, document(run.client.account_payload)),), at=now)


def users(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read who works in the portal."""
    pages = run.client.pages(run.client.path("users"), doing="the list of users", params={"limit": PAGE})
    yield whole(run, "users", (raw for page in pages for raw in page.results))


def owners(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read the owners, former ones too."""
    yield whole(run, "owners", both(run, run.client.path("owners"), "owners"))


def properties(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read which properties contacts have."""
    pages = run.client.pages(run.client.path("properties", "contacts"), doing="the properties of contacts")
    yield whole(run, "properties", (raw for page in pages for raw in page.results), is_named=True)


def activity_properties(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
    """Read which properties the kinds of activities have that come from Salesforce (HS-15)."""
    for kind in run.inbound:
        pages = run.client.pages(run.client.path("properties", kind), doing=f"the properties of {kind}")
        found = whole(run, kind, (raw for page in pages for raw in page.results), is_named=True)
        records = tuple(structs.replace(record, key=f"{kind}.{record.key}") for record in found.records)
        yield replace(found, records=records)


def both(run: Run, path: str, what: str, params: Mapping[str, Any] | None = None) -> Iterator[msgspec.Raw]:
    """Yield what a list has, and then what it has as archived."""
    for archived in ("false", "true"):
        asked = {"limit": PAGE, "archived": archived, **(params or {})}
        kind = "archived " if archived == "true" else ""
        for page in run.client.pages(path, doing=f"the list of {kind}{what}", params=asked):
            yield from page.results


def whole(run: Run, scope: str, rows: Iterable[msgspec.Raw], is_named: bool = False) -> Batch:
    """Make one batch of all that a scope has, so that what it has no more becomes absent."""
    records: dict[str, Record] = {}
    for content in map(payload, rows):
        keys = read_item(content)
        key = keys.name if is_named else keys.id
        if key is None or key == "":
            run.left_out(scope, "a name" if is_named else "an id")
            continue
        records[str(key)] = Record(str(key), moment(keys.createdAt, run.now()), content, scope)
    return Batch(tuple(records.values()), complete_scopes=(scope,), at=run.now())
