"""Signing somebody up, and everything for which Zoom refuses to.

`POST /webinars/{id}/registrants`, `/batch_registrants`, and the same for meetings. The same address again returns the
same registrant, and counts: three calls a day for each address, until 00:00 UTC
(https://developers.zoom.us/docs/api/rate-limits/; whether per webinar is unverified, so the strict reading).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.web import Answer, Refusal
from pipelines.sandbox.world.filling import mark
from pipelines.sandbox.zoom.account import NO_FIXED_TIME, RECURRING, scheduled, sessions_of
from pipelines.sandbox.zoom.gate import HEAVY, LIGHT, ZoomCall, daily_limit, needs, refuse, routes
from pipelines.sandbox.zoom.registrants import asked, questions_of

Record = dict[str, Any]
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
LENGTHS = {"first_name": 64, "last_name": 64, "email": 128}
STANDARD = {
    "last_name",
    "address",
    "city",
    "country",
    "zip",
    "state",
    "phone",
    "industry",
    "org",
    "job_title",
    "purchasing_time_frame",
    "role_in_purchase_process",
    "no_of_employees",
    "comments",
}
MOST_IN_BATCH = 30
ADD = needs("webinar:write:registrant:admin", "webinar:write:admin")
ADD_MANY = needs("webinar:write:batch_registrants:admin", "webinar:write:admin")
ADD_TO_MEETING = needs("meeting:write:registrant:admin", "meeting:write:admin")
FULL = "You have reached the limit for the number of attendees you can add. Contact Zoom Support for more information."
OVER = "Webinar is over, you cannot register now. If you have any questions, contact the webinar host."
PANELIST = (
    "You have been invited as a panelist for the webinar, please check your email to find more information about this "
    "webinar."
)


@routes.on("POST", "/v2/webinars/{series}/registrants", label=LIGHT, scopes=ADD)
def add_registrant(call: ZoomCall) -> Answer:
    item = asked(call)
    _open(call, item)
    given = call.json()
    if not isinstance(given, dict):
        raise refuse(400, 300, "Request Body should be a valid JSON object.")
    _validate(item, given, custom=True)
    registrant = _admit(call, item, given, _chosen(call, item))
    body = {
        "id": item["id"],
        "registrant_id": registrant["id"],
        "topic": item["topic"],
        "start_time": _start(call, item),
        "occurrences": registrant.get("occurrences", item.get("occurrences", [])),
    }
    if registrant["status"] == "approved":
        body["join_url"] = registrant["join_url"]
    return Answer(201, body, records=1)


@routes.on("POST", "/v2/meetings/{series}/registrants", label=LIGHT, scopes=ADD_TO_MEETING)
def add_meeting_registrant(call: ZoomCall) -> Answer:
    answer = add_registrant(call)
    answer.body.setdefault("join_url", "")
    return answer


@routes.on("POST", "/v2/webinars/{series}/batch_registrants", label=HEAVY, scopes=ADD_MANY)
def add_registrants(call: ZoomCall) -> Answer:
    """Thirty at most, single webinars alone, and no answers to questions: a form with required ones refuses."""
    item = asked(call)
    if item["type"] != 5:
        raise refuse(
            400,
            300,
            "This API can only be used for scheduled webinars (type 5). Batch registration is not supported for other "
            "webinar types.",
        )
    _open(call, item)
    body = call.json()
    given = body.get("registrants") if isinstance(body, dict) else None
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_IN_BATCH:
        raise refuse(400, 300, f"Validation Failed: registrants must hold between 1 and {MOST_IN_BATCH}.")
    for one in given:
        _validate(item, one if isinstance(one, dict) else {}, custom=False)
    for one in given:
        _may(call, item, one["email"])
    auto = bool(body.get("auto_approve"))
    done = [_admit(call, item, one, [], auto_approve=auto) for one in given]
    rows = [{"email": r["email"], "registrant_id": r["id"], "join_url": r.get("join_url", "")} for r in done]
    status = int(call.state.faults.switch("zoom.batch_registrants_status"))
    return Answer(status, {"registrants": rows}, records=len(rows))


def _open(call: ZoomCall, item: Record) -> None:
    if item["settings"]["approval_type"] == 2:
        raise refuse(400, 3000, f"This webinar does not have registration as required: {item['id']}.")
    if item.get("paid") or item["settings"].get("paid_registration"):
        raise refuse(400, 3000, "The Zoom REST API does not support paid registration.")
    if item["type"] not in NO_FIXED_TIME and not _ahead(item, call.now):
        raise refuse(400, 3038, OVER)


def _ahead(item: Record, now: datetime) -> bool:
    """Is any date still to come or under way? A single webinar is over once it has been held."""
    if any(session.start <= now and not session.ended(now) for session in sessions_of("", item)):
        return True
    spans = scheduled(item)
    if item["type"] in RECURRING:
        return any(end > now for _, end, _ in spans)
    held = [s for s in sessions_of("", item) if s.ended(now) and not s.run["practice_session"]]
    if any(span_start <= session.start for session in held for span_start, _, _ in spans):
        return False
    return not spans or any(end > now for _, end, _ in spans)


def _validate(item: Record, given: Record, *, custom: bool) -> None:
    """400/300 that names every field which is missing or wrong."""
    errors = []
    for name, most in LENGTHS.items():
        value = given.get(name)
        if value is None and name == "last_name":
            continue
        if not isinstance(value, str) or not value.strip() or len(value) > most:
            errors.append({"field": name, "message": "Invalid field."})
    if isinstance(given.get("email"), str) and not EMAIL.fullmatch(given["email"].strip()):
        errors.append({"field": "email", "message": "Invalid field."})
    asks = questions_of(item)
    for question in asks.get("questions") or ():
        name = question.get("field_name")
        if question.get("required") and name in STANDARD and not given.get(name):
            errors.append({"field": name, "message": "This field is required."})
    answers = {a.get("title"): a.get("value") for a in given.get("custom_questions") or () if isinstance(a, dict)}
    for question in asks.get("custom_questions") or ():
        title, value = question.get("title"), answers.get(question.get("title")) if custom else None
        if value in (None, ""):
            if question.get("required"):
                errors.append({"field": title, "message": "This custom question is required."})
        elif len(str(value)) > 128 or not _offered(question, str(value)):
            errors.append({"field": title, "message": "Invalid answer."})
    if errors:
        names = ", ".join(dict.fromkeys(str(error["field"]) for error in errors))
        unique = [dict(pair) for pair in dict.fromkeys(tuple(error.items()) for error in errors)]
        raise refuse(400, 300, f"Validation Failed: {names}.", unique)


def _offered(question: Record, value: str) -> bool:
    if question.get("type") in {None, "short"}:
        return True
    chosen = value.split(",") if question.get("type") == "multiple" else [value]
    return all(one.strip() in (question.get("answers") or ()) for one in chosen)


def _chosen(call: ZoomCall, item: Record) -> list[Record]:
    """The occurrences asked for: one with registration type 2 (the next unless named), several with type 3."""
    wanted = call.query.all("occurrence_ids")
    kind = item["settings"].get("registration_type", 1)
    if item["type"] not in RECURRING or kind == 1:
        if wanted and item["type"] in RECURRING and len(wanted) > 1:
            raise refuse(400, 300, "Invalid occurrence ID: several are for registration type 3 alone.")
        return []
    ahead = [o for _, end, o in scheduled(item) if end > call.now]
    if not wanted:
        return ahead[:1]
    if kind == 2 and len(wanted) > 1:
        raise refuse(400, 300, "Invalid occurrence ID: several are for registration type 3 alone.")
    chosen = [o for o in ahead if o["occurrence_id"] in wanted]
    if len(chosen) != len(set(wanted)):
        raise refuse(400, 300, f"Invalid occurrence ID: {', '.join(wanted)}.")
    return chosen


def _may(call: ZoomCall, item: Record, address: str) -> None:
    """The refusals that depend on who it is."""
    email = address.strip().lower()
    if email == str(call.account.host_of(item)["email"]).strip().lower():
        raise refuse(400, 3027, "Host cannot register.")
    if any(email == str(p.get("email", "")).strip().lower() for p in item["panelists"]):
        raise refuse(400, 3000, PANELIST)
    blocked = str(item["settings"].get("blocked_domains") or "").split(",")
    if email.partition("@")[2] in {domain.strip() for domain in blocked if domain.strip()}:
        raise refuse(400, 3034, "If you have been invited, please input your work email address.")


def _admit(
    call: ZoomCall, item: Record, given: Record, occurrences: list[Record], *, auto_approve: bool = False
) -> Record:
    """The registrant, new or known."""
    _may(call, item, given["email"])
    _count(call, item, given["email"])
    email = given["email"].strip().lower()
    known = next((r for r in item["registrants"] if str(r["email"]).strip().lower() == email), None)
    if known is not None:
        if known["status"] == "denied" and not call.state.faults.switch("zoom.denied_may_register_again"):
            raise refuse(400, 3000, "The registration of this email address has been denied by the host.")
        taken = {o["occurrence_id"] for o in known.get("occurrences", ())}
        if occurrences:
            known["occurrences"] = [
                *known.get("occurrences", ()),
                *({"occurrence_id": o["occurrence_id"]} for o in occurrences if o["occurrence_id"] not in taken),
            ]
        if known["status"] == "denied":
            known["status"] = "approved"
        return dict(known, occurrences=occurrences) if occurrences else known
    most = int(item["settings"].get("registrants_restrict_number") or 0)
    if most and sum(r["status"] != "denied" for r in item["registrants"]) >= most:
        raise refuse(400, 3000, FULL)
    waits = item["settings"]["approval_type"] == 1 and not auto_approve
    name = mark("registered", item["id"], email, len(item["registrants"]), call.state.name(32))
    registrant: Record = {
        "id": name,
        **{key: value for key, value in given.items() if key in STANDARD | {"first_name", "email", "custom_questions"}},
        "status": "pending" if waits else "approved",
        "create_time": iso(call.now),
    }
    registrant.setdefault("last_name", "")
    if not waits:
        registrant["join_url"] = f"https://zoom.example/w/{item['id']}?tk={name}"
    if occurrences:
        registrant["occurrences"] = [{"occurrence_id": o["occurrence_id"]} for o in occurrences]
    item["registrants"].append(registrant)
    return dict(registrant, occurrences=occurrences) if occurrences else registrant


def _count(call: ZoomCall, item: Record, address: str) -> None:
    cap = int(call.state.faults.switch("zoom.registrant_daily_cap"))
    where = item["id"] if call.state.faults.switch("zoom.registrant_cap_per_webinar") else ""
    used = call.account.counted(("register", where, address.strip().lower(), iso(call.now)[:10]))
    if used > cap:
        message = (
            f"You have exceeded the daily rate limit of ({cap}) for Add a webinar registrant API requests for the "
            f"registrant ({address}). You can resume these API requests at GMT 00:00:00."
        )
        raise Refusal(daily_limit(call, LIGHT, cap, message))


def _start(call: ZoomCall, item: Record) -> str:
    ahead = [start for start, end, _ in scheduled(item) if end > call.now]
    return iso(ahead[0]) if ahead else str(item.get("start_time") or "")
