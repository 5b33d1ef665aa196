"""Registrants: listed, looked up, approved, denied, cancelled, removed; for webinars and meetings alike.

The list shows approved ones unless asked otherwise. An admin's cancel or deny leaves the registrant under `denied`; one
who cancels in their own email disappears (user reports, devforum.zoom.us topics 34478 and 39340; partly unverified).
https://developers.zoom.us/docs/api/meetings/#tag/webinars/GET/webinars/{webinarId}/registrants
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.web import Answer, Refusal
from pipelines.sandbox.zoom.account import in_occurrence, registered
from pipelines.sandbox.zoom.gate import LIGHT, MEDIUM, ZoomCall, daily_limit, needs, refuse, routes
from pipelines.sandbox.zoom.pages import paged, parameters
from pipelines.sandbox.zoom.webinars import asked_series

Record = dict[str, Any]
MOST_CHANGES = 30
HIDDEN = {"occurrences", "status_changes"}
STATES = {"pending", "approved", "denied"}
LIST = needs("webinar:read:list_registrants:admin", "webinar:read:admin")
ONE = needs("webinar:read:registrant:admin", "webinar:read:admin")
CHANGE = needs("webinar:update:registrant_status:admin", "webinar:write:admin")
REMOVE = needs("webinar:delete:registrant:admin", "webinar:write:admin")
QUESTIONS = needs("webinar:read:list_registration_questions:admin", "webinar:read:admin")
MEETING_LIST = needs("meeting:read:list_registrants:admin", "meeting:read:admin")
MEETING_CHANGE = needs("meeting:update:registrant_status:admin", "meeting:write:admin")


def asked(call: ZoomCall) -> Record:
    """The webinar or meeting of the path."""
    kind = call.segments[1]
    return asked_series(call, kind, call.params["series"])


def shown(registrant: Record) -> Record:
    """A registrant as Zoom shows it: the join link comes with the approval."""
    hidden = HIDDEN if registrant["status"] == "approved" else HIDDEN | {"join_url"}
    return {name: value for name, value in registrant.items() if name not in hidden}


@routes.on("GET", "/v2/webinars/{series}/registrants", label=MEDIUM, scopes=LIST)
def list_registrants(call: ZoomCall) -> Answer:
    item = asked(call)
    given = parameters(call)
    status = given.get("status") or "approved"
    if status not in STATES:
        raise refuse(400, 300, "Validation Failed: status must be one of pending, approved, denied.")
    occurrence, source = given.get("occurrence_id") or "", given.get("tracking_source_id")
    rows = [
        shown(registrant)
        for registrant in registered(item, call.now)
        if registrant["status"] == status
        and in_occurrence(item, registrant, occurrence)
        and (not source or registrant.get("tracking_source_id") == source)
    ]
    return paged(call, "registrants", rows, numbered=True)


@routes.on("GET", "/v2/meetings/{series}/registrants", label=MEDIUM, scopes=MEETING_LIST)
def list_meeting_registrants(call: ZoomCall) -> Answer:
    return list_registrants(call)


@routes.on("GET", "/v2/webinars/{series}/registrants/questions", label=LIGHT, scopes=QUESTIONS)
def get_questions(call: ZoomCall) -> Answer:
    item = asked(call)
    if item["settings"]["approval_type"] == 2:
        raise refuse(400, 3000, f"Registration has not been enabled for this webinar: {item['id']}.")
    return Answer(200, {**{"questions": [], "custom_questions": []}, **questions_of(item)}, records=1)


def questions_of(item: Record) -> Record:
    """The form's questions; a world may give Zoom's object or the bare list of standard ones."""
    given = item.get("questions") or {}
    return {"questions": given} if isinstance(given, list) else given


@routes.on("GET", "/v2/webinars/{series}/registrants/{registrant}", label=LIGHT, scopes=ONE)
def get_registrant(call: ZoomCall) -> Answer:
    name = call.params["registrant"]
    found = next((r for r in registered(asked(call), call.now) if r["id"] == name), None)
    if found is None:
        raise refuse(400, 3079, f"This registrant does not exist: {name}.")
    return Answer(200, shown(found), records=1)


@routes.on("DELETE", "/v2/webinars/{series}/registrants/{registrant}", label=LIGHT, scopes=REMOVE)
def delete_registrant(call: ZoomCall) -> Answer:
    item, name = asked(call), call.params["registrant"]
    found = next((r for r in item["registrants"] if r["id"] == name), None)
    if found is None:
        raise refuse(400, 3000, f"Registrant {name} was not found.")
    item["registrants"].remove(found)
    return Answer(204, records=1)


@routes.on("PUT", "/v2/webinars/{series}/registrants/status", label=MEDIUM, scopes=CHANGE)
def change_status(call: ZoomCall) -> Answer:
    """204 without a word on any single registrant. Nothing ever returns to pending."""
    item = asked(call)
    body = call.json()
    action, wanted = (body.get("action"), body.get("registrants") or []) if isinstance(body, dict) else (None, [])
    if action not in {"approve", "deny", "cancel"}:
        raise refuse(400, 300, "Validation Failed.", [{"field": "action", "message": "Invalid field."}])
    if not isinstance(wanted, list) or len(wanted) > MOST_CHANGES:
        raise refuse(400, 300, f"Validation Failed: at most {MOST_CHANGES} registrants at a time.")
    if item["settings"]["approval_type"] == 2:
        raise refuse(400, 300, f"Registration has not been enabled for this meeting: {item['id']}.")
    found = [r for r in item["registrants"] if any(_same(r, one) for one in wanted)]
    for registrant in found:
        _count_change(call, registrant)
    for registrant in found:
        registrant["status"] = "approved" if action == "approve" else "denied"
        if action == "approve":
            registrant.setdefault("join_url", f"https://zoom.example/w/{item['id']}?tk={registrant['id']}")
    return Answer(204, records=len(found))


@routes.on("PUT", "/v2/meetings/{series}/registrants/status", label=MEDIUM, scopes=MEETING_CHANGE)
def change_meeting_status(call: ZoomCall) -> Answer:
    return change_status(call)


def _same(registrant: Record, one: Any) -> bool:
    if not isinstance(one, dict):
        return False
    if one.get("id"):
        return bool(registrant["id"] == one["id"])
    return str(registrant["email"]).strip().lower() == str(one.get("email") or "-").strip().lower()


def _count_change(call: ZoomCall, registrant: Record) -> None:
    cap = int(call.state.faults.switch("zoom.status_daily_cap"))
    today = iso(call.now)[:10]
    used = call.account.counted(("status", registrant["id"], today))
    if used > cap:
        message = (
            f"You have exceeded the daily rate limit of ({cap}) for Update a registrant's status API requests for the "
            "registrant. You can resume these API requests at GMT 00:00:00."
        )
        raise Refusal(daily_limit(call, MEDIUM, cap, message))
