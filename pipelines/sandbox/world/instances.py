"""Fills in what a world leaves out of a Marketo instance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pipelines.sandbox import clock
from pipelines.sandbox.marketo.fields import LEAD, MEMBER, Misfit
from pipelines.sandbox.marketo.instance import OWN
from pipelines.sandbox.marketo.stamps import asset, moment
from pipelines.sandbox.world.frame import WorldError, key_of, shown

Record = dict[str, Any]
LARGEST = 2**53
WEBINAR: list[Record] = [
    {"name": "Not in Program", "step": 0, "hidden": True},
    {"name": "Invited", "step": 10},
    {"name": "Pending Approval", "step": 20},
    {"name": "Wait Listed", "step": 20},
    {"name": "Rejected", "step": 20},
    {"name": "Registered", "step": 30},
    {"name": "Registration Error", "step": 30},
    {"name": "No Show", "step": 40},
    {"name": "Attended", "step": 50, "success": True},
    {"name": "Attended On-demand", "step": 60, "success": True},
]
CHANNELS: dict[str, Record] = {
    "Webinar": {"name": "Webinar", "applicableProgramType": "event", "progressionStatuses": WEBINAR},
    "Content": {
        "name": "Content",
        "applicableProgramType": "program",
        "progressionStatuses": [
            {"name": "Not in Program", "step": 0, "hidden": True},
            {"name": "Member", "step": 10},
            {"name": "Engaged", "step": 20, "success": True},
        ],
    },
}
"""What an instance has of itself where the world names no channels."""
TYPES = {"event": "Event", "program": "Default", "nurture": "Engagement", "email": "Email"}
FIRST = {"leads": 1, "channels": 1, "programs": 1001, "activities": 1, "static_lists": 1001}


def fill_instance(record: Record, now: datetime, at: int) -> None:
    """Fill an instance: credentials, leads, channels, programs, members, the log, static lists."""
    path = f"marketo[{at}]"
    suffix = "" if at == 0 else f"-{at + 1}"
    record["munchkin_id"] = str(record.get("munchkin_id") or f"100-TRN-{at + 1:03d}")
    record["client_id"] = str(record.get("client_id") or f"sandbox-service{suffix}")
    record["client_secret"] = str(record.get("client_secret") or f"sandbox-marketo-secret{suffix}")
    for name in (*FIRST, "members"):
        record[name] = record.get(name) or []
    for name, first in FIRST.items():
        _ids(record[name], first, f"{path}.{name}")
    for index, lead in enumerate(record["leads"]):
        _fill_lead(lead, now, f"{path}.leads[{index}]")
    _channels(record, now, path)
    channels = {row["name"]: row for row in record["channels"]}
    for index, program in enumerate(record["programs"]):
        _fill_program(program, channels, now, f"{path}.programs[{index}]")
    leads = {lead["id"] for lead in record["leads"]}
    programs = {program["id"]: program for program in record["programs"]}
    seen: set[tuple[int, int]] = set()
    for index, row in enumerate(record["members"]):
        place = f"{path}.members[{index}]"
        _fill_member(row, leads, programs, channels, now, place)
        if (row["programId"], row["leadId"]) in seen:
            raise WorldError(f"{place}: the lead {row['leadId']} is in the program {row['programId']} twice")
        seen.add((row["programId"], row["leadId"]))
    for index, row in enumerate(record["activities"]):
        _fill_activity(row, now, f"{path}.activities[{index}]")
    for index, row in enumerate(record["static_lists"]):
        _fill_list(row, leads, now, f"{path}.static_lists[{index}]")


def _number(value: Any, path: str) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()) or not 0 < len(text) < 17:
        raise WorldError(f"{path}: {shown(value)} is no number")
    if int(text) > LARGEST:
        raise WorldError(f"{path}: {shown(value)} is too large")
    return int(text)


def _ids(rows: list[Record], first: int, path: str) -> None:
    for index, row in enumerate(rows):
        if row.get("id") is not None:
            row["id"] = _number(row["id"], f"{path}[{index}].id")
    free = max((row["id"] for row in rows if row.get("id") is not None), default=first - 1)
    seen: set[int] = set()
    for index, row in enumerate(rows):
        if row.get("id") is None:
            free += 1
            row["id"] = free
        if row["id"] in seen:
            raise WorldError(f"{path}[{index}].id: {row['id']} comes twice")
        seen.add(row["id"])


def _instant(row: Record, name: str, default: Any, path: str, told: Callable[[datetime], str] = clock.iso) -> None:
    given = row.get(name) or default
    try:
        row[name] = told(moment(given))
    except (ValueError, OverflowError) as error:
        raise WorldError(f"{path}.{name}: {shown(given)} is no instant") from error


def _text(row: Record, name: str, default: str, path: str) -> None:
    row[name] = default if row.get(name) is None else row[name]
    if not isinstance(row[name], str):
        raise WorldError(f"{path}.{name}: expected text")


def _plain(row: Record, path: str) -> None:
    """Custom fields hold one value each."""
    for name, value in row.items():
        if isinstance(value, dict | list):
            raise WorldError(f"{path}.{key_of(name)}: expected text or a number")


def _fill_lead(lead: Record, now: datetime, path: str) -> None:
    _plain(lead, path)
    _instant(lead, "createdAt", now, path)
    _instant(lead, "updatedAt", lead["createdAt"], path)
    for name, value in lead.items():
        if name in LEAD and name != "email":
            try:
                lead[name] = LEAD[name].taken(value)
            except Misfit as misfit:
                raise WorldError(f"{path}.{name}: {shown(value)} is no {LEAD[name].type}") from misfit
    if not isinstance(lead.get("email"), str | None):
        raise WorldError(f"{path}.email: expected text")


def _channels(record: Record, now: datetime, path: str) -> None:
    named = {row.get("channel") for row in record["programs"] if isinstance(row.get("channel"), str | None)}
    there = {row.get("name") for row in record["channels"] if isinstance(row.get("name"), str)}
    usual = set(CHANNELS) if not record["channels"] else {one or "Webinar" for one in named} & set(CHANNELS)
    free = max((row["id"] for row in record["channels"]), default=0)
    for name in sorted(usual - there):
        free += 1
        statuses = [dict(status) for status in CHANNELS[name]["progressionStatuses"]]
        record["channels"].append({**CHANNELS[name], "id": free, "progressionStatuses": statuses})
    names: set[str] = set()
    for index, row in enumerate(record["channels"]):
        place = f"{path}.channels[{index}]"
        _text(row, "name", f"Channel {row['id']}", place)
        if row["name"] in names:
            raise WorldError(f"{place}.name: {key_of(row['name'])} comes twice")
        names.add(row["name"])
        _text(row, "applicableProgramType", "event", place)
        _instant(row, "createdAt", now, place, asset)
        _instant(row, "updatedAt", row["createdAt"], place, asset)
        statuses = row["progressionStatuses"] = row.get("progressionStatuses") or [dict(one) for one in WEBINAR]
        for number, status in enumerate(statuses):
            where = f"{place}.progressionStatuses[{number}]"
            _text(status, "name", f"Status {number}", where)
            status["step"] = _number(status.get("step", number * 10), f"{where}.step")
            for flag in ("success", "hidden"):
                status[flag] = status.get(flag) is True
            status.setdefault("description", "")
            status.setdefault("type", None)


def _fill_program(row: Record, channels: dict[str, Record], now: datetime, path: str) -> None:
    _text(row, "name", f"Program {row['id']}", path)
    _text(row, "channel", "Webinar" if "Webinar" in channels else next(iter(channels)), path)
    if row["channel"] not in channels:
        raise WorldError(f"{path}.channel: {shown(row['channel'])} is none of the channels")
    kind = channels[row["channel"]]["applicableProgramType"]
    for name, default in (
        ("description", ""),
        ("type", TYPES.get(kind, "Default")),
        ("status", ""),
        ("workspace", "Default"),
        ("url", f"https://app.marketo.example/#PG{row['id']}A1"),
    ):
        _text(row, name, default, path)
    row["folder"] = row.get("folder") or {"type": "Folder", "value": 1, "folderName": "Marketing Activities"}
    row["tags"], row["costs"] = row.get("tags") or [], row.get("costs") or []
    _instant(row, "createdAt", now, path, asset)
    _instant(row, "updatedAt", row["createdAt"], path, asset)
    for name in ("startDate", "endDate"):
        if row.get(name):
            _instant(row, name, None, path, asset)


def _fill_member(
    row: Record, leads: set[int], programs: dict[int, Record], channels: dict[str, Record], now: datetime, path: str
) -> None:
    _plain(row, path)
    for name, known, what in (("programId", set(programs), "program"), ("leadId", leads, "lead")):
        row[name] = _number(row.get(name), f"{path}.{name}")
        if row[name] not in known:
            raise WorldError(f"{path}.{name}: there is no {what} {row[name]}")
    statuses = {one["name"]: one for one in channels[programs[row["programId"]]["channel"]]["progressionStatuses"]}
    row["status"] = row.get("status") or row.pop("statusName", None) or next(iter(statuses))
    row.pop("statusName", None)
    if row["status"] not in statuses:
        raise WorldError(f"{path}.status: {shown(row['status'])} is no status of the program's channel")
    _instant(row, "membershipDate", row.get("createdAt") or now, path)
    _instant(row, "createdAt", row["membershipDate"], path)
    _instant(row, "updatedAt", row["createdAt"], path)
    row["reachedSuccess"] = row.get("reachedSuccess") is True or statuses[row["status"]]["success"]
    if row["reachedSuccess"]:
        _instant(row, "reachedSuccessDate", row["updatedAt"], path)
    for name in ("acquiredBy", "isExhausted"):
        row[name] = row.get(name) is True
    for name, value in row.items():
        if name in MEMBER and name not in OWN:
            try:
                row[name] = MEMBER[name].taken(value)
            except Misfit as misfit:
                raise WorldError(f"{path}.{name}: {shown(value)} is no {MEMBER[name].type}") from misfit


def _fill_activity(row: Record, now: datetime, path: str) -> None:
    for name in ("leadId", "activityTypeId"):
        row[name] = _number(row.get(name), f"{path}.{name}")
    row["marketoGUID"] = str(row.get("marketoGUID") or row["id"])
    _instant(row, "activityDate", now, path)
    if row.get("committedAt"):
        _instant(row, "committedAt", None, path)
    row["attributes"] = row.get("attributes") or []


def _fill_list(row: Record, leads: set[int], now: datetime, path: str) -> None:
    _text(row, "name", f"List {row['id']}", path)
    _text(row, "description", "", path)
    _instant(row, "createdAt", now, path, asset)
    _instant(row, "updatedAt", row["createdAt"], path, asset)
    row["folder"] = row.get("folder") or {"id": 1, "type": "Folder"}
    row.setdefault("workspace", "Default")
    row["members"] = [
        _number(member, f"{path}.members[{index}]") for index, member in enumerate(row.get("members") or [])
    ]
    for index, member in enumerate(row["members"]):
        if member not in leads:
            raise WorldError(f"{path}.members[{index}]: there is no lead {member}")
    row["members"] = list(dict.fromkeys(row["members"]))
