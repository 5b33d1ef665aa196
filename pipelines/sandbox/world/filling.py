"""Fills in what a world leaves out, so that a hand-written one may be short. What is filled in is shown by GET.

Filling twice gives the same as filling once, and depends on nothing but the document: a world that went out through
`GET /_sandbox/world` comes back unchanged.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import orjson

from pipelines.sandbox import clock
from pipelines.sandbox.world import frame
from pipelines.sandbox.world.frame import WorldError, shown
from pipelines.sandbox.world.instances import fill_instance
from pipelines.sandbox.world.orgs import fill_org
from pipelines.sandbox.world.portals import fill_portal

Record = dict[str, Any]
LONGEST_ID = 15


def filled(world: Any) -> Record:
    """A checked copy of the document with everything filled in."""
    frame.check(world)
    try:
        copy: Record = orjson.loads(orjson.dumps(world, option=orjson.OPT_NON_STR_KEYS))
    except TypeError as error:
        raise WorldError(f"world: it cannot be written as JSON: {error}") from error
    copy["now"] = copy.get("now") or clock.DEFAULT_NOW
    when(copy["now"], "now")
    for key in ("zoom", "hubspot", "marketo", "salesforce"):
        copy[key] = copy.get(key) or []
    now = clock.iso(clock.parse(copy["now"]))
    for at, account in enumerate(copy["zoom"]):
        fill_account(account, now, at)
    for at, portal in enumerate(copy["hubspot"]):
        fill_portal(portal, clock.parse(now), at)
    for at, instance in enumerate(copy["marketo"]):
        fill_instance(instance, clock.parse(now), at)
    for at, org in enumerate(copy["salesforce"]):
        fill_org(org, clock.parse(now), at)
    _no_twins((account["account_id"] for account in copy["zoom"]), "zoom", "account_id")
    _no_twins((portal["access_token"] for portal in copy["hubspot"]), "hubspot", "access_token")
    _no_twins((instance["munchkin_id"] for instance in copy["marketo"]), "marketo", "munchkin_id")
    _no_twins((instance["client_id"] for instance in copy["marketo"]), "marketo", "client_id")
    _no_twins((org["org_id"] for org in copy["salesforce"]), "salesforce", "org_id")
    _no_twins((org["client_id"] for org in copy["salesforce"]), "salesforce", "client_id")
    return copy


def when(value: Any, path: str) -> None:
    """Complain, naming the path, of what is no instant."""
    try:
        clock.parse(value)
    except (ValueError, OverflowError) as error:
        raise WorldError(f"{path}: {shown(value)} is no instant") from error


def mark(*words: object, length: int = 22) -> str:
    """A name made of words: the same for the same words, and otherwise as good as random."""
    digest = hashlib.sha256("\x1f".join(str(word) for word in words).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=").replace("-", "A").replace("_", "B")[:length]


def session_uuid(*words: object) -> str:
    """A name in the form of Zoom's instance UUIDs: 16 bytes in base64."""
    return base64.b64encode(hashlib.sha256("\x1f".join(str(word) for word in words).encode()).digest()[:16]).decode()


def fill_account(account: Record, now: str, at: int) -> None:
    """Fill a Zoom account: credentials, users, webinars, meetings."""
    path = f"zoom[{at}]"
    suffix = "" if at == 0 else f"-{at + 1}"
    account.setdefault("account_id", f"sandbox-account{suffix}")
    account.setdefault("client_id", f"sandbox-client{suffix}")
    account.setdefault("client_secret", f"sandbox-secret{suffix}")
    account.setdefault("webhook_secret", f"sandbox-webhook{suffix}")
    account.setdefault("brand", "")
    for key in ("users", "webinars", "meetings"):
        account[key] = account.get(key) or []
    if not account["users"] and (account["webinars"] or account["meetings"]):
        account["users"].append({"email": f"host@{account['account_id'].lower()}.example"})
    for index, user in enumerate(account["users"]):
        _fill_user(user, account, now, index)
    for kind in ("webinars", "meetings"):
        for index, webinar in enumerate(account[kind]):
            _fill_webinar(webinar, account, kind, now, f"{path}.{kind}[{index}]")
    _no_twins((item["id"] for kind in ("webinars", "meetings") for item in account[kind]), path, "webinar id")
    _no_twins(
        (run["uuid"] for kind in ("webinars", "meetings") for item in account[kind] for run in item["instances"]),
        path,
        "uuid",
    )


def _fill_user(user: Record, account: Record, now: str, index: int) -> None:
    user.setdefault("email", f"user{index + 1}@{str(account['account_id']).lower()}.example")
    user.setdefault("status", "active")
    if user["status"] != "pending":
        user.setdefault("id", mark("user", account["account_id"], user["email"]))
    name = str(user["email"]).partition("@")[0]
    user.setdefault("first_name", name)
    user.setdefault("last_name", "")
    user.setdefault("type", 2)
    user.setdefault("created_at", now)
    user.setdefault("timezone", "UTC")
    user.setdefault("pmi", 1_000_000_000 + int(hashlib.sha256(str(user["email"]).encode()).hexdigest()[:7], 16))
    user.setdefault("verified", 1)
    user.setdefault("role_id", "2")


def _fill_webinar(webinar: Record, account: Record, kind: str, now: str, path: str) -> None:
    number = webinar.get("id")
    if number is None:
        number = 80_000_000_000 + int(hashlib.sha256(path.encode()).hexdigest()[:8], 16)
    if not str(number).isdecimal() or len(str(number)) > LONGEST_ID:
        raise WorldError(f"{path}.id: {shown(number)} is no number")
    webinar["id"] = int(number)
    for key in ("registrants", "panelists", "instances", "occurrences"):
        webinar[key] = webinar.get(key) or []
    if not webinar["occurrences"]:
        del webinar["occurrences"]
    webinar.setdefault("topic", f"{kind[:-1].capitalize()} {number}")
    recurring = "occurrences" in webinar or "recurrence" in webinar
    single = {"webinars": 5, "meetings": 2}[kind]
    webinar.setdefault("type", {"webinars": 9, "meetings": 8}[kind] if recurring else single)
    webinar.setdefault("timezone", "UTC")
    webinar.setdefault("duration", 60)
    webinar.setdefault("uuid", session_uuid("series", account["account_id"], number))
    webinar.setdefault("join_url", f"https://zoom.example/j/{number}")
    webinar.setdefault("agenda", "")
    webinar.setdefault("zoom_events", False)
    _host(webinar, account)
    for index, run in enumerate(webinar["instances"]):
        _times(run, ("start_time", "end_time"), f"{path}.instances[{index}]")
    starts = [str(run["start_time"]) for run in webinar["instances"] if run.get("start_time")]
    if webinar["type"] == single and not webinar.get("start_time") and starts:
        webinar["start_time"] = min(starts)
    _times(webinar, ("start_time", "created_at"), path)
    settings = webinar["settings"] = webinar.get("settings") or {}
    asks = bool(webinar["registrants"] or webinar.get("questions") or webinar.get("registration_url"))
    settings.setdefault("approval_type", 0 if asks else 2)
    settings.setdefault("registration_type", 1)
    if settings["approval_type"] != 2:
        webinar.setdefault("registration_url", f"https://zoom.example/webinar/register/{mark('page', number)}")
    for index, occurrence in enumerate(webinar.get("occurrences", ())):
        _fill_occurrence(occurrence, webinar, f"{path}.occurrences[{index}]")
    for index, run in enumerate(webinar["instances"]):
        _fill_instance(run, webinar, now, index, f"{path}.instances[{index}]")
    _fill_registrants(webinar, now, path)
    earliest = [str(webinar.get("start_time") or ""), *starts, *(str(r["create_time"]) for r in webinar["registrants"])]
    webinar.setdefault("created_at", min([text for text in earliest if text] + [now]))


def _host(webinar: Record, account: Record) -> None:
    by_email = {str(user["email"]).lower(): user for user in account["users"] if "id" in user}
    named = by_email.get(str(webinar.get("host_email") or "").lower())
    first = next(iter(by_email.values()), None)
    if not webinar.get("host_id"):
        host = named or first
        webinar["host_id"] = host["id"] if host else ""
    owner = next((user for user in account["users"] if user.get("id") == webinar["host_id"]), None)
    webinar.setdefault("host_email", owner["email"] if owner else "")


def _fill_occurrence(occurrence: Record, webinar: Record, path: str) -> None:
    _times(occurrence, ("start_time",), path)
    if not occurrence.get("start_time"):
        if not str(occurrence.get("occurrence_id") or "").isdecimal():
            raise WorldError(f"{path}.start_time: missing")
        occurrence["start_time"] = clock.iso(clock.from_ms(int(occurrence["occurrence_id"])))
    start = _local(occurrence["start_time"], webinar, f"{path}.start_time")
    occurrence["occurrence_id"] = str(occurrence.get("occurrence_id") or clock.to_ms(start))
    occurrence.setdefault("duration", webinar["duration"])
    occurrence.setdefault("status", "available")


def _fill_registrants(webinar: Record, now: str, path: str) -> None:
    created = str(webinar.get("created_at") or min(_day_before(webinar, path) or now, now))
    for index, registrant in enumerate(webinar["registrants"]):
        email = registrant.setdefault("email", "")
        registrant["id"] = str(registrant.get("id") or mark("registrant", webinar["id"], email, index))
        registrant.setdefault("first_name", "")
        registrant.setdefault("last_name", "")
        registrant.setdefault("status", "approved")
        registrant.setdefault("create_time", created)
        _times(registrant, ("create_time",), f"{path}.registrants[{index}]")
        if registrant["status"] == "approved":
            registrant.setdefault("join_url", f"https://zoom.example/w/{webinar['id']}?tk={registrant['id']}")


def _local(value: Any, webinar: Record, path: str) -> datetime:
    """An instant in the webinar's own time zone, at least a day after the calendar's beginning."""
    try:
        moment = clock.parse_local(value, str(webinar["timezone"]))
        return moment - timedelta(days=1) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise WorldError(f"{path}: {shown(value)} is no instant") from error


def _day_before(webinar: Record, path: str) -> str:
    """A day before its first date: when people without a `create_time` are taken to have registered."""
    dates = [webinar, *webinar["instances"], *webinar.get("occurrences", ())]
    starts = [_local(date["start_time"], webinar, f"{path}.start_time") for date in dates if date.get("start_time")]
    return clock.iso(min(starts) - timedelta(days=1)) if starts else ""


def _fill_instance(run: Record, webinar: Record, now: str, index: int, path: str) -> None:
    run["uuid"] = str(run.get("uuid") or session_uuid("session", webinar["id"], index))
    run["start_time"] = run.get("start_time") or webinar.get("start_time") or now
    run.setdefault("practice_session", False)
    if run.get("occurrence_id") is not None:
        run["occurrence_id"] = str(run["occurrence_id"])
    run["participants"] = run.get("participants") or []
    run.setdefault("recordings", None)
    for at, row in enumerate(run["participants"]):
        place = f"{path}.participants[{at}]"
        row["join_time"] = row.get("join_time") or run["start_time"]
        _times(row, ("join_time", "leave_time"), place)
        row.setdefault("id", "")
        row.setdefault("user_id", str(16_778_240 + 1024 * at))
        row.setdefault("name", "")
        row["user_email"] = row.get("user_email") or ""
        if "duration" not in row and row.get("leave_time"):
            length = clock.parse(row["leave_time"]) - clock.parse(row["join_time"])
            row["duration"] = min(max(0, int(length.total_seconds())), frame.LARGEST - 1)
        row.setdefault("duration", 0)
        row.setdefault("status", "in_meeting")


def _times(record: Record, names: tuple[str, ...], path: str) -> None:
    for name in names:
        if record.get(name) not in (None, ""):
            when(record[name], f"{path}.{name}")


def _no_twins(names: Iterable[object], path: str, what: str) -> None:
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise WorldError(f"{path}: {what} {shown(name)} comes twice")
        seen.add(name)
