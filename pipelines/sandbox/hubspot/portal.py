"""A HubSpot portal as the sandbox keeps it: objects, their addresses and links, definitions, and what search sees.

- Addresses are unique over primary and secondary ones (`hs_additional_emails`), folded; archived contacts hold none.
- Merged-away ids are not archived, they are gone: https://github.com/singer-io/tap-hubspot/issues/49
- The search index lags: what was written shows "after a few moments".
  https://developers.hubspot.com/docs/api-reference/2026-03/crm/search-the-crm
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso_ms, parse
from pipelines.sandbox.hubspot.own import GROUPS, TYPE_IDS, definition, modified_name, own_definitions

Record = dict[str, Any]
Key = tuple[str, str]
ORDER = ("contacts", "companies", "deals", "calls", "emails", "meetings", "notes", "tasks", "communications")


def fold(address: str) -> str:
    return address.strip().lower()


def addresses_of(record: Record) -> list[str]:
    """Primary address first, then the secondary ones, folded."""
    properties = record["properties"]
    words = [properties.get("email") or "", *(properties.get("hs_additional_emails") or "").split(";")]
    return [fold(word) for word in words if word.strip()]


class Portal:
    """One account. Built from the world's record, and given back as one."""

    def __init__(self, record: Record) -> None:
        self.record = {"portal_id": 0, "access_token": "", "tier": "enterprise", "time_zone": "UTC", **record}
        self.objects: dict[str, dict[str, Record]] = {
            kind: {item["id"]: item for item in self.record.pop(kind, [])} for kind in ORDER
        }
        self.app_id = str(int(hashlib.sha256(str(self.record["access_token"]).encode()).hexdigest()[:7], 16))
        self.by_email: dict[str, str] = {}
        self.merged: dict[Key, str] = {}
        self.links: dict[Key, dict[str, dict[str, list[Record]]]] = {}
        self.blocked: set[str] = {fold(address) for address in self.record.pop("blocked_addresses", [])}
        self.members: dict[str, dict[str, str]] = {}
        self.deleted_lists: dict[str, Record] = {}
        self._before: dict[Key, list[tuple[datetime, Record | None]]] = {}
        self._sorted: dict[str, list[str]] = {}
        self.lists: dict[str, Record] = {}
        self.events: dict[str, Record] = {event["objectId"]: event for event in self.record.get("marketing_events", [])}
        for item in self.record.pop("lists", []):
            self.lists[item["listId"]] = item
            self.members[item["listId"]] = {member: item["createdAt"] for member in item.pop("members")}
        self._read_definitions()
        for kind in ORDER:
            for item in self.objects[kind].values():
                self._read(kind, item)
        taken = [*(name for kind in ORDER for name in self.objects[kind]), *self.lists, *self.events]
        numbers = [int(name) for name in map(str, taken) if name.isdecimal()]
        self.next_id = max([*numbers, *(int(old) for _, old in self.merged if old.isdecimal()), 100_000])
        events = sorted(self.record.get("email_events", []), key=lambda event: (-event["created"], str(event["id"])))
        self.email_events: list[Record] = events

    def _read_definitions(self) -> None:
        self.definitions = {kind: own_definitions(kind) for kind in ORDER}
        self.archived_definitions: dict[Key, Record] = {}
        self.groups: dict[str, dict[str, Record]] = {
            kind: {GROUPS[kind]: group(GROUPS[kind], GROUPS[kind])} for kind in ORDER
        }
        for item in self.record.pop("property_groups", []):
            kind = str(item.pop("objectType", "contacts"))
            self.groups.setdefault(kind, {})[item["name"]] = {**group(item["name"], item["name"]), **item}
        for given in self.record.pop("properties", []):
            kind = str(given.pop("objectType", "contacts"))
            whole = {**definition(given["name"], given["type"], given["groupName"]), **given, "hubspotDefined": False}
            if "modificationMetadata" not in given:
                whole["modificationMetadata"] = dict.fromkeys(whole["modificationMetadata"], False) | {
                    "archivable": True
                }
            self.definitions.setdefault(kind, {})[given["name"]] = whole
            self.groups.setdefault(kind, {}).setdefault(
                given["groupName"], group(given["groupName"], given["groupName"])
            )

    def _read(self, kind: str, item: Record) -> None:
        known = self.definitions[kind]
        for name in item["properties"]:
            if name not in known:
                known[name] = definition(name, "string", GROUPS[kind])
        if kind == "contacts" and not item["archived"]:
            for address in addresses_of(item):
                self.by_email.setdefault(address, item["id"])
        for old in (item["properties"].get("hs_merged_object_ids") or "").split(";"):
            if old.strip() and old.strip() not in self.objects[kind]:
                self.merged[kind, old.strip()] = item["id"]
        for other, ids in item.pop("associations", {}).items():
            plural = next((k for k in ORDER if other in (k, TYPE_IDS[k], k[:-1])), None)
            for number in ids if plural else ():
                self.link((kind, item["id"]), (str(plural), number))

    # ---- objects

    def find(self, kind: str, name: str, *, archived: bool = False) -> Record | None:
        """The record with that id."""
        record = self.objects[kind].get(name)
        return record if record is not None and record["archived"] == archived else None

    def ids(self, kind: str) -> list[str]:
        """Every id in ascending order, archived ones too."""
        if len(self._sorted.get(kind, ())) != len(self.objects[kind]) or kind not in self._sorted:
            self._sorted[kind] = sorted(self.objects[kind], key=lambda name: (len(name), name))
        return self._sorted[kind]

    def fresh_id(self) -> str:
        self.next_id += 1
        return str(self.next_id)

    def insert(self, kind: str, record: Record, now: datetime) -> None:
        self.remember(kind, record["id"], now)
        self.objects[kind][record["id"]] = record
        self._sorted.pop(kind, None)
        if kind == "contacts":
            self.by_email.update({address: record["id"] for address in addresses_of(record)})

    def remove(self, kind: str, record: Record, now: datetime) -> None:
        """Take a record out for good."""
        self.remember(kind, record["id"], now)
        self.release(record)
        del self.objects[kind][record["id"]]
        self._sorted.pop(kind, None)
        self.unlink_all((kind, record["id"]))

    def release(self, record: Record) -> None:
        """Let go of a contact's addresses."""
        for address in addresses_of(record):
            if self.by_email.get(address) == record["id"]:
                del self.by_email[address]

    def change(self, kind: str, record: Record, changes: dict[str, str | None], now: datetime, *, touch: bool) -> None:
        """Write property values, keeping their history. None clears."""
        self.remember(kind, record["id"], now)
        properties = dict(record["properties"])
        moment = iso_ms(now)
        moved = False
        for name, value in changes.items():
            old = properties.get(name)
            if (old or "") == (value or ""):
                continue
            moved = True
            entries = record["propertiesWithHistory"].get(name)
            if entries is None and old is not None:
                entries = [entry(old, record["createdAt"], "CRM_UI")]
            source = entry(value or "", moment, "INTEGRATION", self.app_id)
            record["propertiesWithHistory"][name] = [source, *(entries or [])]
            if value is None or value == "":
                properties.pop(name, None)
            else:
                properties[name] = value
        if kind == "contacts":
            self.release(record)
        if moved or touch:
            record["updatedAt"] = moment
            properties[modified_name(kind)] = moment
        record["properties"] = properties
        if kind == "contacts":
            self.by_email.update({address: record["id"] for address in addresses_of(record)})

    # ---- what search sees

    def remember(self, kind: str, name: str, now: datetime) -> None:
        """Keep the state before a write: search shows it until the index has caught up."""
        record = self.objects[kind].get(name)
        before = None if record is None else {**record, "properties": record["properties"]}
        self._before.setdefault((kind, name), []).append((now, before))

    def waiting(self, kind: str) -> dict[Key, list[tuple[datetime, Record | None]]]:
        """What the index has not caught up with, for `restore_waiting`."""
        return {key: list(found) for key, found in self._before.items() if key[0] == kind}

    def restore_waiting(self, kind: str, kept: dict[Key, list[tuple[datetime, Record | None]]]) -> None:
        self._before = {key: found for key, found in self._before.items() if key[0] != kind} | kept
        self._sorted.pop(kind, None)

    def indexed(self, kind: str, now: datetime, lag: float) -> Iterator[Record]:
        """The records that the search index knows at the moment, archived ones left out."""
        moment = timedelta(seconds=lag)
        hidden: set[str] = set()
        for key in [key for key in self._before if key[0] == kind]:
            waiting = [(at, before) for at, before in self._before[key] if at + moment > now]
            if not waiting:
                del self._before[key]
                continue
            self._before[key] = waiting
            hidden.add(key[1])
            before = waiting[0][1]
            if before is not None and not before["archived"]:
                yield before
        for name in self.ids(kind):
            record = self.objects[kind][name]
            if name not in hidden and not record["archived"]:
                yield record

    # ---- links

    def link(self, one: Key, other: Key, types: Iterable[Record] = ()) -> None:
        """Associate two records, both ways. Without types: the unlabelled one."""
        given = [dict(item) for item in types]
        for near, far in ((one, other), (other, one)):
            kept = self.links.setdefault(near, {}).setdefault(far[0], {})
            kept[far[1]] = given if given else kept.get(far[1], [])

    def unlink(self, one: Key, other: Key) -> bool:
        found = False
        for near, far in ((one, other), (other, one)):
            found = self.links.get(near, {}).get(far[0], {}).pop(far[1], None) is not None or found
        return found

    def unlink_all(self, one: Key) -> None:
        for kind, others in list(self.links.pop(one, {}).items()):
            for number in others:
                self.links.get((kind, number), {}).get(one[0], {}).pop(one[1], None)

    def linked(self, one: Key, kind: str) -> dict[str, list[Record]]:
        """Associated ids of a type in ascending order, archived ones left out."""
        found = self.links.get(one, {}).get(kind, {})
        live = [name for name in found if name in self.objects[kind] and not self.objects[kind][name]["archived"]]
        return {name: found[name] for name in sorted(live, key=lambda name: (len(name), name))}

    # ---- the way back

    def dump(self) -> Record:
        """The portal as a world file has it."""
        return {
            **self.record,
            **{kind: [self._dumped(kind, item) for item in self.objects[kind].values()] for kind in ORDER},
            "properties": [
                {**item, "objectType": kind}
                for kind, items in self.definitions.items()
                for item in items.values()
                if not item["hubspotDefined"]
            ],
            "property_groups": [
                {**item, "objectType": kind} for kind, items in self.groups.items() for item in items.values()
            ],
            "lists": [{**item, "members": list(self.members[name])} for name, item in self.lists.items()],
            "marketing_events": list(self.events.values()),
            "blocked_addresses": sorted(self.blocked),
        }

    def _dumped(self, kind: str, item: Record) -> Record:
        """Each link stands once, on the record whose type comes later in the order."""
        rank = ORDER.index(kind)
        found = self.links.get((kind, item["id"]), {})
        ids = {
            other: sorted(names, key=lambda name: (len(name), name))
            for other, names in sorted(found.items())
            if names and ORDER.index(other) < rank
        }
        return {**item, "associations": ids}


def entry(value: str, timestamp: str, source: str, source_id: str = "") -> Record:
    """One entry of a property's history."""
    found = {"value": value, "timestamp": timestamp, "sourceType": source}
    return {**found, "sourceId": source_id} if source_id else found


def group(name: str, label: str) -> Record:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}


def age(record: Record, now: datetime) -> timedelta:
    return now - parse(record["createdAt"])
