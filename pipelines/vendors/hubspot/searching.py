"""Which records of an object type changed, told by search alone whatever its limits.

Facts, from https://developers.hubspot.com/docs/api-reference/crm/search-the-crm (read 2026-11): 10,000 results of one
query and 200 a page, one sort rule, no archived records, and what is new is shown only after some moments. So what a
window has is read in the order of `hs_object_id`, from the last id on and not by offset (what is touched meanwhile
leaves the window, and comes in the next); and a window is halved until its total is one that a reading which breaks off
may begin again. Connectors that did not do so lost rows (https://github.com/airbytehq/airbyte/issues/69203).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pipelines.errors import VendorError
from pipelines.vendors.hubspot.client import SAME_PAGE, SEARCH, HubSpotClient, Page, read_page
from pipelines.vendors.reading import RecordReader

PAGE = 200
SAFE = 9_800


class IdKey(msgspec.Struct, gc=False):
    """A record's id."""

    id: str | int | None = None


read_id = RecordReader(IdKey)


def changed(
    client: HubSpotClient, kind: str, modified: str, lowest: int, highest: int, has: str = ""
) -> Iterator[tuple[int, list[str]]]:
    """Cut `[lowest, highest]` (epoch ms, both count) until search gives all of each part; yield its end and its ids.

    Args:
        kind: the object type, in the plural. modified: the property that tells when a record was last modified.
        has: a property that must have a value; "" for all records.

    Raises:
        VendorError: the search cannot be read to its end; the parts before stand.
    """
    page = _search(client, kind, modified, lowest, highest, 0, has)
    if (page.total or 0) > SAFE and lowest < highest:
        middle = (lowest + highest) // 2
        yield from changed(client, kind, modified, lowest, middle, has)
        yield from changed(client, kind, modified, middle + 1, highest, has)
        return
    found: dict[str, None] = {}
    last, repeats = 0, 0
    while True:
        names = [str(keys.id) for raw in page.results if (keys := read_id(bytes(raw))).id]
        found.update(dict.fromkeys(names))
        if not page.after:
            break
        reached = max((int(name) for name in names if name.isdecimal()), default=last)
        repeats = 0 if reached > last else repeats + 1
        if repeats > SAME_PAGE:
            raise VendorError("hubspot's search leads back to where it was.", vendor="hubspot")
        last = max(last, reached)
        page = _search(client, kind, modified, lowest, highest, last, has)
    yield highest, list(found)


def _search(client: HubSpotClient, kind: str, modified: str, lowest: int, highest: int, above: int, has: str) -> Page:
    filters: list[dict[str, Any]] = [
        {"propertyName": modified, "operator": "BETWEEN", "value": str(lowest), "highValue": str(highest)},
        {"propertyName": "hs_object_id", "operator": "GT", "value": str(above)},
    ]
    if has:
        filters.append({"propertyName": has, "operator": "HAS_PROPERTY"})
    page: Page = client.post(
        client.path("objects", kind, "search"),
        doing=f"the search for {kind} that changed",
        limit=SEARCH,
        json={
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": ["hs_object_id"],
            "limit": PAGE,
        },
        decode=read_page,
    ).data
    return page
