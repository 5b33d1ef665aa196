"""Segments as lists: made once, and their members added and taken out (EV-10).

Facts, from https://developers.hubspot.com/docs/api-reference/crm-lists-v3/guide (read 2026-11):

- Members are set on MANUAL and SNAPSHOT lists alone. A list's name is unique in the portal, whatever its case.
- Who is in already, or out, is not reported, nor refused; ids that no record has are `recordIdsMissing`.
- How many ids one call takes is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.errors import RefusedError
from pipelines.publish.rows import Outcome, Phase, Row
from pipelines.vendors.hubspot.answers import decoded, within
from pipelines.vendors.hubspot.client import HubSpotClient

LIST, MEMBER = "list", "list_member"
KINDS = (LIST, MEMBER)
CONTACTS = "0-1"
MANUAL = "MANUAL"
STATIC = (MANUAL, "SNAPSHOT")
IDS = 1_000
"""Members of one call; far fewer than third parties have seen refused."""
PAGE = 250
PHASES = (
    Phase(LIST, ("create", "update"), batch_size=1, at_once=1),
    Phase(MEMBER, ("delete",), batch_size=IDS, grouped_by=("list_name",)),
    Phase(MEMBER, ("create", "update"), batch_size=IDS, grouped_by=("list_name",)),
)
"""Who goes is told first: an id that was merged into another could stand for who comes."""


class Lists:
    """The lists of one portal that segments are delivered to."""

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client

    def send(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        """Make or rename one list, or change the members of one."""
        return self._send_members(phase, rows) if phase.object == MEMBER else [self._send_list(rows[0])]

    def inside(self, rows: Sequence[Row]) -> list[bool]:
        """Tell of memberships which there are now."""
        titles = dict.fromkeys(str(row.context["list_name"]) for row in rows)
        members = {title: self._members(title) or set() for title in titles}
        return [row.vendor_id in members[str(row.context["list_name"])] for row in rows]

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Read back which lists there are, and who is in them."""
        outcomes: list[Outcome] = []
        members: dict[str, set[str] | None] = {}
        for row in rows:
            if row.object == LIST:
                found = self._named(str(row.fields["name"]))
                is_there, name = found is not None, str(within(found, "listId") or "") or None
            else:
                title, name = str(row.context["list_name"]), row.vendor_id
                if title not in members:
                    members[title] = self._members(title)
                inside = members[title]
                is_there = inside is not None and (row.vendor_id in inside) == (row.operation != "delete")
            outcomes.append(Outcome(row, "published" if is_there else "not_done", vendor_id=name))
        return outcomes

    def _send_list(self, row: Row) -> Outcome:
        """Make a list; one of that name that takes members is as good as made, and one that we made is renamed."""
        title, before = str(row.fields["name"]), row.old.get("name")
        found = self._named(title)
        former = self._named(before) if found is None and before else None
        if former is not None:
            self._client.put(
                self._client.path("lists", str(within(former, "listId")), "update-list-name"),
                doing=f"the list {before}",
                params={"listName": title},
            )
            return Outcome(row, "published", vendor_id=str(within(former, "listId")))
        if found is None:
            body = {"name": title, "objectTypeId": CONTACTS, "processingType": MANUAL}
            path = self._client.path("lists")
            found = within(self._client.post(path, doing=f"the list {title}", json=body, repeatable=False).data, "list")
        kind, number = within(found, "processingType"), within(found, "listId")
        if number is None or kind not in STATIC:
            reason = f"HubSpot has a list {title!r} of the kind {kind}, whose members cannot be set: rename it there"
            return Outcome(row, "rejected", reason=reason)
        return Outcome(row, "published", vendor_id=str(number))

    def _send_members(self, phase: Phase, rows: Sequence[Row]) -> list[Outcome]:
        title = str(rows[0].context["list_name"])
        found = self._named(title)
        if found is None:
            reason = f"HubSpot has no list {title!r} any more: restore it there"
            return [Outcome(row, "rejected", reason=reason) for row in rows]
        is_gone = phase.operations == ("delete",)
        answer = self._client.put(
            self._client.path("lists", str(within(found, "listId")), "memberships", "remove" if is_gone else "add"),
            doing=f"{len(rows)} members of the list {title}",
            json=[row.vendor_id for row in rows],
        )
        told = within(answer.data, "recordIdsMissing")
        missing = {str(one) for one in told} if isinstance(told, list) and not is_gone else set()
        return [
            Outcome(row, "rejected", reason="HubSpot has no such contact")
            if row.vendor_id in missing
            else Outcome(row, "published", vendor_id=row.vendor_id)
            for row in rows
        ]

    def _named(self, title: str) -> Mapping[str, Any] | None:
        """Return the list of a name, None where there is none."""
        path = self._client.path("lists", "object-type-id", CONTACTS, "name", title)
        answer = self._client.get(path, doing=f"the list {title}", accept=(404,))
        found = within(answer.data, "list") if answer.status != 404 else None
        if answer.status != 404 and not isinstance(found, dict):
            raise RefusedError(f"hubspot answered for the list {title!r} without one.", vendor="hubspot")
        return found if isinstance(found, dict) else None

    def _members(self, title: str) -> set[str] | None:
        """Return the ids of who is in a list, None where it is not there."""
        found = self._named(title)
        if found is None:
            return None
        path = self._client.path("lists", str(within(found, "listId")), "memberships")
        inside: set[str] = set()
        for page in self._client.pages(path, doing=f"the members of the list {title}", params={"limit": PAGE}):
            inside |= {str(within(told, "recordId")) for told in map(decoded, page.results)}
        return inside
