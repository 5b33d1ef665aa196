"""Fills in what a world leaves out of a Salesforce org: ids in 18 characters, stamps, names, what follows from what."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines.sandbox import clock
from pipelines.sandbox.salesforce.fields import ACTIVITIES, DEFAULTS, READ_ONLY, SCHEMA, Field
from pipelines.sandbox.salesforce.ids import PREFIXES, kind_of, made, padded
from pipelines.sandbox.salesforce.org import last_activity
from pipelines.sandbox.salesforce.values import Misfit, taken, told, within
from pipelines.sandbox.world.frame import WorldError, key_of, shown

Record = dict[str, Any]
OBJECTS = tuple(name for name in SCHEMA if name not in READ_ONLY)
STATUSES: list[Record] = [
    {"ApiName": "Not Started", "IsClosed": False, "IsDefault": True},
    {"ApiName": "In Progress", "IsClosed": False, "IsDefault": False},
    {"ApiName": "Completed", "IsClosed": True, "IsDefault": False},
    {"ApiName": "Waiting on someone else", "IsClosed": False, "IsDefault": False},
    {"ApiName": "Deferred", "IsClosed": False, "IsDefault": False},
]
PRIORITIES: list[Record] = [
    {"ApiName": "High", "IsHighPriority": True, "IsDefault": False},
    {"ApiName": "Normal", "IsHighPriority": False, "IsDefault": True},
    {"ApiName": "Low", "IsHighPriority": False, "IsDefault": False},
]
TYPES = ["Call", "Meeting", "Other", "Email"]


def fill_org(org: Record, now: datetime, at: int) -> None:
    """Fill an org: credentials, picklists, people, records."""
    path = f"salesforce[{at}]"
    suffix = "" if at == 0 else f"-{at + 1}"
    org["org_id"] = _id(org.get("org_id") or made("00D", at + 1), "Organization", f"{path}.org_id")
    org.setdefault("client_id", f"sandbox-consumer{suffix}")
    org.setdefault("client_secret", f"sandbox-salesforce-secret{suffix}")
    org["time_zone"] = org.get("time_zone") or "UTC"
    try:
        ZoneInfo(str(org["time_zone"]))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WorldError(f"{path}.time_zone: {shown(org['time_zone'])} is no time zone") from error
    _picklists(org, path)
    for name in OBJECTS:
        org[name] = org.get(name) or []
    _user(org, at)
    for name in OBJECTS:
        _ids(org[name], name, path)
    me = _run_as(org, path)
    org["integration_user"] = me["Username"]
    for name in OBJECTS:
        for index, row in enumerate(org[name]):
            _fill_row(row, name, me["Id"], told(now), f"{path}.{name}[{index}]")
    _follow(org)


def _picklists(org: Record, path: str) -> None:
    types = org.setdefault("task_types", list(TYPES))
    if not isinstance(types, list) or not all(isinstance(one, str) and one for one in types):
        raise WorldError(f"{path}.task_types: expected a list of texts")
    for key, kind, standard in (
        ("task_statuses", "TaskStatus", STATUSES),
        ("task_priorities", "TaskPriority", PRIORITIES),
    ):
        rows = org[key] = org.get(key) or [dict(row) for row in standard]
        for index, row in enumerate(rows):
            place = f"{path}.{key}[{index}]"
            if not isinstance(row.get("ApiName") or row.get("MasterLabel"), str):
                raise WorldError(f"{place}.ApiName: expected text")
            row["ApiName"] = str(row.get("ApiName") or row["MasterLabel"])
            row["MasterLabel"] = str(row.get("MasterLabel") or row["ApiName"])
            for flag in ("IsClosed", "IsDefault") if kind == "TaskStatus" else ("IsHighPriority", "IsDefault"):
                row[flag] = row.get(flag) is True
            row["SortOrder"] = index + 1
            row["Id"] = made(PREFIXES[kind], index + 1)


def _user(org: Record, at: int) -> None:
    """Add the user that programs run as, where no user is named for it."""
    if org.get("integration_user") is None:
        suffix = "" if at == 0 else f"-{at + 1}"
        org["integration_user"] = name = f"integration{suffix}@turnout.example"
        if not any(user.get("Username") == name for user in org["User"]):
            org["User"].append({"Username": name, "LastName": "Integration", "Alias": "integr", "Email": name})


def _run_as(org: Record, path: str) -> Record:
    for user in org["User"]:
        if user.get("Username") == org["integration_user"]:
            return user  # type: ignore[no-any-return]
    raise WorldError(f"{path}.integration_user: {shown(org['integration_user'])} is no user's Username")


def _id(given: Any, name: str, path: str) -> str:
    """An id in 18 characters, with the prefix of its object."""
    found = padded(given) if isinstance(given, str) else ""
    if kind_of(found) != name:
        raise WorldError(f"{path}: {shown(given)} is no id of {name} (they begin with {PREFIXES[name]})")
    return found


def _ids(rows: list[Record], name: str, path: str) -> None:
    for index, row in enumerate(rows):
        if row.get("Id") not in (None, ""):
            row["Id"] = _id(row["Id"], name, f"{path}.{name}[{index}].Id")
    seen: set[str] = set()
    taken_ids = {row["Id"] for row in rows if row.get("Id")}
    number = 1
    for index, row in enumerate(rows):
        if not row.get("Id"):
            while made(PREFIXES[name], number) in taken_ids:
                number += 1
            row["Id"] = made(PREFIXES[name], number)
            taken_ids.add(row["Id"])
        if row["Id"] in seen:
            raise WorldError(f"{path}.{name}[{index}].Id: {key_of(row['Id'])} comes twice")
        seen.add(row["Id"])


def _fill_row(row: Record, name: str, me: str, now: str, path: str) -> None:
    fields = SCHEMA[name]
    for key in [key for key, value in row.items() if key == "attributes" or isinstance(value, dict)]:
        del row[key]  # what a query put around the record
    for key, value in row.items():
        if isinstance(value, list):
            raise WorldError(f"{path}.{key_of(key)}: expected text or a number")
        if key != "Id" and key in fields:
            row[key] = _value(fields[key], value, f"{path}.{key}")
    for key in ("FirstName", "LastName", "Name", "Email", "Username"):
        if key in fields and not isinstance(row.get(key), str | None):
            raise WorldError(f"{path}.{key}: expected text")
    if name == "User":
        row["Username"] = row.get("Username") or row.get("Email") or f"{row['Id'].lower()}@turnout.example"
    if "FirstName" in fields:
        row.setdefault("LastName", str(row.get("Email") or row["Id"]).partition("@")[0])
        row["Name"] = row.get("Name") or " ".join(filter(None, (row.get("FirstName"), row["LastName"])))
    elif "Name" in fields:
        row["Name"] = row.get("Name") or f"{name} {row['Id'][-6:]}"
    if name == "Lead":
        row.setdefault("Company", "[not provided]")
    for key, default in ((key, value) for (kind, key), value in DEFAULTS.items() if kind == name):
        row.setdefault(key, default)
    if "IsDeleted" in fields:
        row["IsDeleted"] = bool(row.get("IsDeleted"))
    if "OwnerId" in fields:
        row["OwnerId"] = row.get("OwnerId") or me
    row["CreatedDate"] = row.get("CreatedDate") or now
    row["CreatedById"] = row.get("CreatedById") or me
    row["LastModifiedDate"] = row.get("LastModifiedDate") or row["CreatedDate"]
    row["LastModifiedById"] = row.get("LastModifiedById") or row["CreatedById"]
    row["SystemModstamp"] = row.get("SystemModstamp") or row["LastModifiedDate"]


def _value(field: Field, value: Any, path: str) -> Any:
    if field.type == "reference" and value not in (None, ""):
        if not isinstance(value, str):
            raise WorldError(f"{path}: {shown(value)} is no id")
        return (padded(value) if kind_of(value) else "") or value
    try:
        if field.type in ("date", "datetime") and isinstance(value, str) and value:
            moment = clock.parse(value)
            if not within(moment.date()):
                raise ValueError(f"{value} is beyond the calendar")
            return moment.date().isoformat() if field.type == "date" else told(moment)
        return taken(field, value)
    except (Misfit, ValueError, OverflowError) as error:
        raise WorldError(f"{path}: {shown(value)} is no {field.type}") from error


def _follow(org: Record) -> None:
    """What follows from other records: accounts of activities, what is closed, the last activity of everybody."""
    people = {row["Id"]: row for name in ("Account", "Contact", "Lead", "Opportunity", "Campaign") for row in org[name]}
    closed = {row["ApiName"] for row in org["task_statuses"] if row["IsClosed"]}
    status = next(
        (row["ApiName"] for row in org["task_statuses"] if row["IsDefault"]), org["task_statuses"][0]["ApiName"]
    )
    priority = next((row["ApiName"] for row in org["task_priorities"] if row["IsDefault"]), "Normal")
    of: dict[str, list[Record]] = {}
    for name in ACTIVITIES:
        for row in org[name]:
            row["IsArchived"] = bool(row.get("IsArchived"))
            if not row.get("AccountId"):
                what = people.get(row.get("WhatId") or "", {})
                who = people.get(row.get("WhoId") or "", {})
                found = what.get("Id") if kind_of(what.get("Id", "")) == "Account" else what.get("AccountId")
                found = found or who.get("AccountId")
                if found:
                    row["AccountId"] = found
            if name == "Task":
                row["Status"] = row.get("Status") or status
                row["Priority"] = row.get("Priority") or priority
                row["IsClosed"] = row["Status"] in closed
                if row["IsClosed"]:
                    row["CompletedDateTime"] = row.get("CompletedDateTime") or row["LastModifiedDate"]
            else:
                _event_times(row)
            if not row["IsDeleted"]:
                for parent in {row.get(key) for key in ("WhoId", "WhatId", "AccountId")} - {None}:
                    of.setdefault(str(parent), []).append(row)
    for identifier, rows in of.items():
        parent_row = people.get(identifier)
        newest = last_activity(rows)
        if parent_row is not None and newest and not parent_row.get("LastActivityDate"):
            parent_row["LastActivityDate"] = newest


def _event_times(row: Record) -> None:
    start = row.get("StartDateTime") or row.get("ActivityDateTime")
    if start:
        row["StartDateTime"] = row["ActivityDateTime"] = start
    day = row.get("ActivityDate") or str(start or row["CreatedDate"])[:10]
    row["ActivityDate"] = day
    row["IsAllDayEvent"] = bool(row.get("IsAllDayEvent", not start))
