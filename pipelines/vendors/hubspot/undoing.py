"""What HubSpot still holds of what was written, and how what was made is taken away again.

Facts, from https://developers.hubspot.com/docs/api-reference/crm/contacts and …/marketing/marketing-events (read
2026-11):

- An archived record can be restored for 90 days, by a person alone; archiving what is not there is answered with 204.
- Marketing events are deleted by their external ids, a hundred at a time, and take with them who was in them.
- There is no taking back of a registration, a cancellation or an attendance, nor of an event's completion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.publish.rows import Outcome, Phase, Row
from pipelines.vendors.hubspot.activities import ASSOCIATED, KINDS
from pipelines.vendors.hubspot.answers import id_of, objects, results, same, within
from pipelines.vendors.hubspot.client import HubSpotClient
from pipelines.vendors.hubspot.lists import LIST, MEMBER, Lists
from pipelines.vendors.hubspot.writing import hundreds

EVENT_PARTS = ("attendance", "completion")
PARTS: Mapping[str, tuple[str, ...]] = {"marketing_event": EVENT_PARTS}
LASTING: Mapping[str, str] = {
    "property": "the definition stays, and holds nothing once the values are taken back",
    "attendance": "HubSpot has no way to take back who registered, cancelled or came",
    "completion": "HubSpot has no way to open a marketing event again",
    LIST: "the list stays, since it may have been there before; who it took in goes",
}
PHASES = (
    *(Phase(part, ("delete",)) for part in EVENT_PARTS),
    Phase("marketing_event", ("delete",), at_once=1),
    Phase("contact", ("delete",), at_once=1),
)
"""Deletion of an engagement stands with the other phases of its kind."""
TYPES: Mapping[str, str] = {"contact": "contacts", **KINDS}


class Undoing:
    """Reading back and taking away, in one portal.

    `read_event` gives a marketing event by its external id and account, nothing where it is not there.
    """

    def __init__(self, client: HubSpotClient, lists: Lists, read_event: Callable[[str, str], dict[str, Any]]) -> None:
        self._client, self._lists, self._read_event = client, lists, read_event

    def changed(self, rows: Sequence[Row]) -> list[dict[str, str | None] | None]:
        """Return for each row the fields that hold something else than it told, with that; None where it is gone."""
        found: dict[int, dict[str, str | None] | None] = {}
        for kind in dict.fromkeys(row.object for row in rows):
            mine = [row for row in rows if row.object == kind]
            if kind == MEMBER:
                inside = self._lists.inside(mine)
                found |= {id(row): {} if is_in else None for row, is_in in zip(mine, inside, strict=True)}
                continue
            for some in hundreds(mine):
                held = [self._event(row) for row in some] if kind == "marketing_event" else self._records(kind, some)
                for row, there in zip(some, held, strict=True):
                    found[id(row)] = None if there is None else _differing(row, there)
        return [found[id(row)] for row in rows]

    def delete(self, rows: Sequence[Row]) -> list[Outcome]:
        """Take away what was made."""
        kind = rows[0].object
        if kind == "marketing_event":
            inputs = [
                {"externalEventId": row.key, "externalAccountId": row.context["externalAccountId"]} for row in rows
            ]
            path = self._client.path("marketing_events", "events", "delete")
            self._client.post(path, doing=f"the deletion of {len(rows)} marketing events", json={"inputs": inputs})
        elif kind not in EVENT_PARTS:  # those go with their event
            path = self._client.path("objects", TYPES[kind], "batch", "archive")
            ids = [{"id": row.vendor_id} for row in rows]
            self._client.post(path, doing=f"the deletion of {len(rows)} {TYPES[kind]}", json={"inputs": ids})
        return [Outcome(row, "published", vendor_id=row.vendor_id) for row in rows]

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Tell which of these deletions arrived."""
        asked = [row for row in rows if row.object not in EVENT_PARTS]
        there = {id(row) for row, found in zip(asked, self.changed(asked), strict=True) if found is not None}
        return [Outcome(row, "not_done" if id(row) in there else "published", vendor_id=row.vendor_id) for row in rows]

    def _records(self, kind: str, rows: Sequence[Row]) -> list[dict[str, Any] | None]:
        """Return what records hold, in the names of their fields."""
        names = sorted({"hs_object_id", *(name for row in rows for name in row.fields if name not in ASSOCIATED)})
        path = self._client.path("objects", TYPES[kind], "batch", "read")
        body = {"inputs": [{"id": row.vendor_id} for row in rows], "properties": names}
        doing = f"{len(rows)} {TYPES[kind]} to look at"
        answer = self._client.post(path, doing=doing, json=body, accept=(404,))
        by_id = {
            id_of(one): dict(properties) if isinstance(properties := one.get("properties"), dict) else {}
            for one in (results(answer.data) if answer.status != 404 else ())
            if not one.get("archived")
        }
        for field, other in ASSOCIATED.items():
            told = [row for row in rows if field in row.fields and str(row.vendor_id) in by_id]
            if told:
                path = self._client.path("associations", TYPES[kind], other, "batch", "read")
                inputs = [{"id": row.vendor_id} for row in told]
                answer = self._client.post(path, doing=f"{other} to look at", json={"inputs": inputs}, accept=(404,))
                linked = {
                    str(within(one, "from", "id")): {str(far.get("toObjectId")) for far in objects(one.get("to"))}
                    for one in results(answer.data)
                }
                for row in told:
                    ours = [name for name in (row.fields[field] or "").split(";") if name]
                    there = linked.get(str(row.vendor_id), set())
                    by_id[str(row.vendor_id)][field] = ";".join(name for name in ours if name in there)
        return [by_id.get(str(row.vendor_id)) for row in rows]

    def _event(self, row: Row) -> dict[str, Any] | None:
        account = row.fields.get("externalAccountId") or row.context.get("externalAccountId")
        found = self._read_event(row.key, str(account))
        return {**found, "externalAccountId": account} if found else None


def _differing(row: Row, there: Mapping[str, Any]) -> dict[str, str | None]:
    return {
        name: None if there.get(name) in (None, "") else str(there[name])
        for name, told in row.fields.items()
        if not same(there.get(name), (told or "").strip())
    }
