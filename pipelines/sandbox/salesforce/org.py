"""One org: its records, the ways to find them, and what follows from one record for another.

Rows are the records of the world, in the API's shape; a field that a row lacks is null. Deleted rows stay, marked, and
are out of everybody's sight 15 days later; activities are archived by a run each midnight (UTC), as
https://help.salesforce.com/s/articleView?id=sf.activities_archived.htm says: events, closed tasks with a due date and
closed tasks without one (by their creation) of 365 days ago or more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pipelines.sandbox.salesforce.fields import ACTIVITIES, READ_ONLY, SCHEMA, VALUES, Field, inferred
from pipelines.sandbox.salesforce.ids import INSTANCE, PREFIXES, kind_of, made
from pipelines.sandbox.salesforce.values import day_of, moment_of, told

Record = dict[str, Any]
BIN_DAYS = 15
OBJECTS = tuple(name for name in SCHEMA if name not in READ_ONLY)
PARENTS = ("WhoId", "WhatId", "AccountId")
UNIQUE = {name: [one.name for one in fields.values() if one.unique] for name, fields in SCHEMA.items()}
FIRST_MINTED = 62**6  # ids that are minted here stand above those of a world that was made up


class Org:
    """An org's records. `record` is its part of the world, whose lists are changed in place."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.id = str(record["org_id"])
        self.tables: dict[str, dict[str, Record]] = {
            name: {row["Id"]: row for row in record.get(name) or ()} for name in OBJECTS
        }
        self.fields = {name: self._fields(name) for name in SCHEMA}
        self.journal: list[tuple[str, Record, Record | None]] = []
        self._unique: dict[tuple[str, str], dict[str, str]] = {}
        self._children: dict[str, dict[str, Record]] = {}
        self._numbers: dict[str, int] = {}
        self._swept: date | None = None
        for kind, name in (("TaskStatus", "task_statuses"), ("TaskPriority", "task_priorities")):
            self.tables[kind] = {row["Id"]: row for row in record[name]}
        self.tables["Organization"] = {
            self.id: {
                "Id": self.id,
                "Name": "Sandbox",
                "TimeZoneSidKey": record["time_zone"],
                "LanguageLocaleKey": "en_US",
                "OrganizationType": "Enterprise Edition",
                "IsSandbox": True,
            }
        }
        for name in OBJECTS:
            for row in self.tables[name].values():
                self.note(name, row)

    def _fields(self, name: str) -> dict[str, Field]:
        known = dict(SCHEMA[name])
        rows = self.record.get(name) or ()
        for key in sorted({key for row in rows for key in row} - set(known)):
            known[key] = inferred(key, [row.get(key) for row in rows])
        return known

    @staticmethod
    def scope(name: str, field: str) -> tuple[str, str]:
        """Where a field's values are unique: custom fields of activities are one for tasks and events."""
        return ("Activity" if name in ACTIVITIES and field.endswith("__c") else name, field)

    def note(self, name: str, row: Record) -> None:
        """Enter a row into the indexes, or renew its entries."""
        for field in UNIQUE[name]:
            value = row.get(field)
            if value is not None and not row.get("IsDeleted"):
                self._unique.setdefault(self.scope(name, field), {})[str(value)] = row["Id"]
        if name in ACTIVITIES:
            for key in PARENTS:
                if row.get(key):
                    self._children.setdefault(row[key], {})[row["Id"]] = row

    def forget(self, name: str, row: Record) -> None:
        """Take a row out of the indexes, before it changes."""
        for field in UNIQUE[name]:
            found = self._unique.get(self.scope(name, field), {})
            if found.get(str(row.get(field))) == row["Id"]:
                del found[str(row[field])]
        if name in ACTIVITIES:
            for key in PARENTS:
                self._children.get(row.get(key) or "", {}).pop(row["Id"], None)

    def holder(self, name: str, field: str, value: object) -> str:
        """The id of the row that has the unique value, or blank."""
        return self._unique.get(self.scope(name, field), {}).get(str(value), "")

    def children(self, parent: str) -> list[Record]:
        """The activities of a person, a thing or an account that are not deleted."""
        return [row for row in self._children.get(parent, {}).values() if not row.get("IsDeleted")]

    def find(self, identifier: str) -> Record | None:
        """A row by its id, deleted or not."""
        return self.tables.get(kind_of(identifier), {}).get(identifier)

    def add(self, name: str, row: Record) -> None:
        """Keep a new row under an id of its own."""
        number = self._numbers.get(name, FIRST_MINTED)
        while (identifier := made(PREFIXES[name], number, INSTANCE)) in self.tables[name]:
            number += 1
        self._numbers[name] = number + 1
        row["Id"] = identifier
        self.tables[name][identifier] = row
        self.record.setdefault(name, []).append(row)
        self.note(name, row)
        self.journal.append((name, row, None))

    def change(self, name: str, row: Record, values: Record) -> None:
        """Set values of a row."""
        self.journal.append((name, row, dict(row)))
        self.forget(name, row)
        row.update(values)
        self.note(name, row)

    def roll_back(self, mark: int = 0) -> None:
        """Undo what was done since the journal had that length."""
        while len(self.journal) > mark:
            name, row, before = self.journal.pop()
            self.forget(name, row)
            if before is None:
                del self.tables[name][row["Id"]]
                self.record[name].pop()
            else:
                row.clear()
                row.update(before)
                self.note(name, row)

    def rows(self, name: str, now: datetime, everything: bool = False) -> Iterator[Record]:
        """What a query sees; with `everything` also what is archived, merged away or in the recycle bin."""
        for row in self.tables[name].values():
            if everything:
                if not self.purged(row, now):
                    yield row
            elif not row.get("IsDeleted") and not row.get("IsArchived"):
                yield row

    @staticmethod
    def purged(row: Record, now: datetime) -> bool:
        """Whether a row has left the recycle bin for good."""
        if not row.get("IsDeleted"):
            return False
        return moment_of(row["SystemModstamp"]) + timedelta(days=BIN_DAYS) <= now

    def picklist(self, name: str, field: str) -> list[Record]:
        """The values of a picklist, as describe has them; none where anything may be written."""
        if (name, field) == ("Task", "Status"):
            given = [(row["ApiName"], row["MasterLabel"], row["IsDefault"]) for row in self.record["task_statuses"]]
        elif (name, field) == ("Task", "Priority"):
            given = [(row["ApiName"], row["MasterLabel"], row["IsDefault"]) for row in self.record["task_priorities"]]
        elif (name, field) == ("Task", "Type"):
            given = [(value, value, False) for value in self.record["task_types"]]
        else:
            given = [(value, value, False) for value in VALUES.get((name, field), ())]
        return [
            {"active": True, "defaultValue": default, "label": label, "validFor": None, "value": value}
            for value, label, default in given
        ]

    def closes(self, status: object) -> bool:
        """Whether a task of that status is closed."""
        return any(row["ApiName"] == status and row["IsClosed"] for row in self.record["task_statuses"])

    def default(self, kind: str) -> str:
        """The default status or priority of a task."""
        rows = self.record["task_statuses" if kind == "Status" else "task_priorities"]
        return next((str(row["ApiName"]) for row in rows if row["IsDefault"]), str(rows[0]["ApiName"]))

    def account_of(self, row: Record) -> str | None:
        """The account of an activity: by what it is about, else by the contact it is with."""
        what = row.get("WhatId") or ""
        if kind_of(what) == "Account":
            return what
        if kind_of(what) == "Opportunity":
            found = (self.find(what) or {}).get("AccountId")
            return str(found) if found else None
        who = row.get("WhoId") or ""
        found = (self.find(who) or {}).get("AccountId") if kind_of(who) == "Contact" else None
        return str(found) if found else None

    def touch_parents(self, row: Record, now: datetime, *, added: bool = False) -> None:
        """Set the parents' LastActivityDate anew; that moves their SystemModstamp, and no other stamp.

        An activity that was `added` can only move it on, which spares a look at all the others.
        """
        for key in PARENTS:
            parent = self.find(row.get(key) or "")
            if parent is None or "LastActivityDate" not in self.fields[kind_of(parent["Id"])]:
                continue
            held, day = parent.get("LastActivityDate"), row.get("ActivityDate")
            newest = (
                max(filter(None, (held, day)), default=None) if added else last_activity(self.children(parent["Id"]))
            )
            values = {"LastActivityDate": newest, "SystemModstamp": told(now)}
            self.change(kind_of(parent["Id"]), parent, values)

    def sweep(self, now: datetime, days: int) -> None:
        """The midnight run that archives activities, for every midnight since the last call."""
        if self._swept == now.date():
            return
        self._swept = now.date()
        last = datetime.combine(now.date(), time(), UTC)
        for name in ACTIVITIES:
            for row in self.tables[name].values():
                if row.get("IsArchived") or row.get("IsDeleted"):
                    continue
                day = _archive_day(name, row, days)
                if day is None:
                    continue
                created = moment_of(row["CreatedDate"])
                run = max(datetime.combine(day, time(), UTC), _midnight_after(created))
                if run <= last:
                    row["IsArchived"] = True
                    row["SystemModstamp"] = told(max(moment_of(row["SystemModstamp"]), run))


def last_activity(rows: list[Record]) -> str | None:
    """The newest date of an event or closed task."""
    return max(
        (row["ActivityDate"] for row in rows if row.get("ActivityDate") and row.get("IsClosed", True)), default=None
    )


def _archive_day(name: str, row: Record, days: int) -> date | None:
    if name == "Task" and not row.get("IsClosed"):
        return None
    text = row.get("ActivityDate") or (row["CreatedDate"] if name == "Task" else None)
    try:
        return day_of(text) + timedelta(days=days) if text else None
    except OverflowError:
        return None


def _midnight_after(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), UTC) + timedelta(days=1)
