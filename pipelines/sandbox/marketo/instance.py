"""One instance: its records and the ways to find them.

`record` is its part of the world, whose lists are changed in place. A row of `members` has the name of its status
under `status`; a row of `activities` may have `committedAt`, from when on it can be read: Marketo's log takes some rows
after the time that they bear.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.marketo.fields import CHANGE, LEAD, MEMBER, Field, inferred
from pipelines.sandbox.marketo.stamps import asset, moment

Record = dict[str, Any]
LISTS = ("leads", "channels", "programs", "members", "activities", "static_lists")
OWN = {"status", "statusName"}


class Instance:
    """An instance's records, each under its id."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.id = str(record["munchkin_id"])
        for name in LISTS:
            record.setdefault(name, [])
        self.leads: dict[int, Record] = {row["id"]: row for row in record["leads"]}
        self.programs: dict[int, Record] = {row["id"]: row for row in record["programs"]}
        self.channels: dict[str, Record] = {row["name"]: row for row in record["channels"]}
        self.lists: dict[int, Record] = {row["id"]: row for row in record["static_lists"]}
        self.lead_fields = _known(LEAD, record["leads"], set())
        self.member_fields = _known(MEMBER, record["members"], OWN)
        self.members: dict[int, dict[int, Record]] = {}
        for row in record["members"]:
            self.members.setdefault(row["programId"], {})[row["leadId"]] = row
        self._by_email: dict[str, dict[int, None]] = {}
        for row in record["leads"]:
            self._note(row)
        self._log = sorted((moment(row["activityDate"]), row["id"], row) for row in record["activities"])
        self._last = max((row["id"] for row in record["activities"]), default=0)
        self._gone = max((number for row in record["activities"] for number in _leads_in(row)), default=0)

    def _note(self, lead: Record) -> None:
        self._by_email.setdefault(str(lead.get("email") or "").strip().lower(), {})[lead["id"]] = None

    def matching(self, name: str, values: Iterable[object]) -> list[Record]:
        """The leads that have one of the values in a field, compared as Marketo does: capitals say nothing."""
        wanted = [str(value).strip().lower() for value in values]
        if name == "email":
            found = {identifier: None for value in wanted if value for identifier in self._by_email.get(value, ())}
            return [self.leads[identifier] for identifier in sorted(found)]
        if name == "id":
            numbers = sorted({int(value) for value in wanted if value.isdecimal()})
            return [self.leads[identifier] for identifier in numbers if identifier in self.leads]
        kept = {value for value in wanted if value}
        return [row for row in self.leads.values() if str(row.get(name) or "").strip().lower() in kept]

    def add_lead(self, values: Record, now: datetime) -> Record:
        """A new lead, under an id that no lead has had."""
        identifier = max([self._gone, *self.leads], default=0) + 1
        lead = {"id": identifier, **values, "createdAt": iso(now), "updatedAt": iso(now)}
        self.leads[identifier] = lead
        self.record["leads"].append(lead)
        self._note(lead)
        return lead

    def change_lead(self, lead: Record, values: Record, now: datetime) -> dict[str, tuple[Any, Any]]:
        """Set values of a lead; those that were others before, with what they were."""
        changed = {name: (lead.get(name), value) for name, value in values.items() if lead.get(name) != value}
        if changed:
            self._by_email[str(lead.get("email") or "").strip().lower()].pop(lead["id"], None)
            lead.update(values)
            lead["updatedAt"] = iso(now)
            self._note(lead)
        return changed

    def drop_lead(self, lead: Record) -> None:
        """Take a lead out of everything but the log."""
        del self.leads[lead["id"]]
        self._gone = max(self._gone, lead["id"])
        self.record["leads"].remove(lead)
        self._by_email[str(lead.get("email") or "").strip().lower()].pop(lead["id"], None)
        for rows in self.members.values():
            if lead["id"] in rows:
                self.drop_member(rows[lead["id"]])
        for one in self.lists.values():
            if lead["id"] in one["members"]:
                one["members"].remove(lead["id"])

    def member(self, program_id: int, lead_id: int) -> Record | None:
        return self.members.get(program_id, {}).get(lead_id)

    def add_member(self, row: Record) -> None:
        self.members.setdefault(row["programId"], {})[row["leadId"]] = row
        self.record["members"].append(row)

    def drop_member(self, row: Record) -> None:
        del self.members[row["programId"]][row["leadId"]]
        self.record["members"].remove(row)

    def statuses(self, program: Record) -> dict[str, Record]:
        """The statuses of a program's channel by their names, in the order of their steps."""
        rows = self.channels[program["channel"]]["progressionStatuses"]
        return {row["name"]: row for row in sorted(rows, key=lambda row: int(row["step"]))}

    def next_id(self, name: str, first: int = 1001) -> int:
        """A free id of a program or static list."""
        return max((row["id"] for row in self.record[name]), default=first - 1) + 1

    def touch(self, row: Record, now: datetime) -> None:
        row["updatedAt"] = asset(now)

    def write(self, now: datetime, lag: float, lead_id: int, type_id: int, value: Any = None, **more: Any) -> None:
        """Add to the log. `value_id` is the primary attribute's id; the other keywords are attributes."""
        self._last += 1
        value_id = more.pop("value_id", None)
        row: Record = {
            "id": self._last,
            "marketoGUID": str(self._last),
            "leadId": lead_id,
            "activityDate": iso(now),
            "activityTypeId": type_id,
        }
        if value_id is not None:
            row["primaryAttributeValueId"] = value_id
        if value is not None:
            row["primaryAttributeValue"] = value
        row["attributes"] = [
            {"name": name.replace("_", " "), "value": one} for name, one in more.items() if one not in (None, "")
        ]
        if lag:
            row["committedAt"] = iso(now + timedelta(seconds=lag))
        self.record["activities"].append(row)
        bisect.insort(self._log, (moment(row["activityDate"]), row["id"], row), key=lambda entry: entry[:2])

    def change_written(self, now: datetime, lag: float, lead_id: int, changed: dict[str, tuple[Any, Any]]) -> None:
        """Enter what changed of a lead, field by field."""
        for name, (old, new) in changed.items():
            label = self.lead_fields[name].label
            values = {"New Value": _told(new), "Old Value": _told(old), "Source": "Web service API"}
            self.write(now, lag, lead_id, CHANGE, label, **values, **{"API Method Name": "syncLead"})

    def activities(self, after: tuple[datetime, int], now: datetime) -> Iterator[tuple[tuple[datetime, int], Record]]:
        """What stands in the log behind a place of it and can be read by now, with the place of each row."""
        for at in range(bisect.bisect_right(self._log, after, key=lambda entry: entry[:2]), len(self._log)):
            when, number, row = self._log[at]
            if when > now:
                return
            if "committedAt" not in row or moment(row["committedAt"]) <= now:
                yield (when, number), row

    def passed_on(self, loser: int, winner: int) -> None:
        """The log of a lead that was merged away is the winner's from now on."""
        for _, _, row in self._log:
            if row["leadId"] == loser:
                row["leadId"] = winner


def _known(standard: dict[str, Field], rows: list[Record], own: set[str]) -> dict[str, Field]:
    fields = dict(standard)
    for name in sorted({key for row in rows for key in row} - set(fields) - own):
        fields[name] = inferred(name, [row.get(name) for row in rows])
    return fields


def _leads_in(activity: Record) -> list[int]:
    """Whom an activity names: whose it is, and those that were merged away."""
    merged = [one["value"] for one in activity["attributes"] if one.get("name") == "Merge IDs"]
    words = [word for value in merged for word in str(value).split(",")]
    return [activity["leadId"], *(int(word) for word in words if word.isascii() and word.isdecimal())]


def _told(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
