"""Past sessions: instances, participants by the cheaper label, absentees, polls and questions.

https://developers.zoom.us/docs/api/meetings/#tag/webinars . `/instances` takes the numeric id alone; one row for each
session that ran, which is neither more nor less than the schedule had.
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.web import Answer
from pipelines.sandbox.zoom.account import deleted, in_occurrence, name_of, registered
from pipelines.sandbox.zoom.gate import HEAVY, LIGHT, MEDIUM, ZoomCall, needs, refuse, routes
from pipelines.sandbox.zoom.pages import paged, parameters
from pipelines.sandbox.zoom.registrants import shown
from pipelines.sandbox.zoom.sessions import asked_session, by_uuid, check_age, counts, listed, rows_of, span

Record = dict[str, Any]
WEBINAR_READ = "webinar:read:admin"
MEETING_READ = "meeting:read:admin"


@routes.on(
    "GET",
    "/v2/past_webinars/{session}/instances",
    label=LIGHT,
    scopes=needs("webinar:read:list_past_instances:admin", WEBINAR_READ),
)
def webinar_instances(call: ZoomCall) -> Answer:
    return _instances(call, "webinars")


@routes.on(
    "GET",
    "/v2/past_meetings/{session}/instances",
    label=MEDIUM,
    scopes=needs("meeting:read:list_past_instances:admin", MEETING_READ),
)
def meeting_instances(call: ZoomCall) -> Answer:
    return _instances(call, "meetings")


def _instances(call: ZoomCall, kind: str) -> Answer:
    name = call.params["session"]
    if not name.isdecimal():
        raise refuse(400, 300, f"Invalid {kind[:-1]} ID.")
    item = call.account.series[kind].get(str(int(name)))
    if item is None or deleted(item):
        raise refuse(404, 3001, f"{kind[:-1].capitalize()} does not exist: {name}.")
    past = [s for s in call.account.past(call.now, (kind,)) if s.series is item and listed(call, s)]
    rows = [{"uuid": session.uuid, "start_time": session.run["start_time"]} for session in past]
    return Answer(200, {kind: rows}, records=len(rows))


@routes.on(
    "GET",
    "/v2/past_webinars/{session}/participants",
    label=MEDIUM,
    scopes=needs("webinar:read:list_past_participants:admin", WEBINAR_READ),
)
def webinar_participants(call: ZoomCall) -> Answer:
    return _participants(call, "webinars")


@routes.on(
    "GET",
    "/v2/past_meetings/{session}/participants",
    label=MEDIUM,
    scopes=needs("meeting:read:list_past_participants:admin", MEETING_READ),
)
def meeting_participants(call: ZoomCall) -> Answer:
    return _participants(call, "meetings")


def _participants(call: ZoomCall, kind: str) -> Answer:
    session = asked_session(call, call.params["session"], kind)
    check_age(call, session)
    names = ("id", "name", "user_id", "user_email", "join_time", "leave_time", "duration", "registrant_id", "status")
    rows = []
    for row in rows_of(call, session):
        shown_row = {name: row[name] for name in names if name in row}
        internal = row["user_email"].strip().lower() in call.account.addresses
        rows.append({**shown_row, "failover": row.get("failover", False), "internal_user": internal})
    return paged(call, "participants", rows)


@routes.on(
    "GET",
    "/v2/past_webinars/{session}/absentees",
    label=HEAVY,
    scopes=needs("webinar:read:list_absentees:admin", WEBINAR_READ),
)
def absentees(call: ZoomCall) -> Answer:
    """Approved registrants of whom no row of that session is. By UUID; the occurrence narrows whom it asks about."""
    session = by_uuid(call, call.params["session"])
    if session is None or session.kind != "webinars" or not session.ended(call.now):
        raise refuse(404, 3001, f"Webinar {call.params['session']} not found or expired.")
    item = session.series
    if item["settings"]["approval_type"] == 2:
        raise refuse(400, 3000, f"This webinar doesn't have registration required: {session.uuid}.")
    occurrence = parameters(call).get("occurrence_id") or ""
    if occurrence and all(o["occurrence_id"] != occurrence for o in item.get("occurrences", ())):
        raise refuse(
            400,
            300,
            f"The request could not be completed because you have provided an invalid occurrence ID: {occurrence}.",
        )
    ids = {row.get("registrant_id") for row in session.run["participants"]}
    emails = {row["user_email"].strip().lower() for row in session.run["participants"]} - {""}
    rows = [
        shown(r)
        for r in registered(item, call.now)
        if r["status"] == "approved"
        and r["id"] not in ids
        and str(r["email"]).strip().lower() not in emails
        and in_occurrence(item, r, occurrence)
    ]
    return paged(call, "registrants", rows)


@routes.on(
    "GET",
    "/v2/past_webinars/{session}/{what}",
    label=MEDIUM,
    scopes=needs("webinar:read:past_qa:admin", WEBINAR_READ),
)
def polls_and_questions(call: ZoomCall) -> Answer:
    what = call.params["what"]
    if what not in {"polls", "qa"}:
        raise refuse(404, 2300, "This API endpoint is not recognized.")
    session = asked_session(call, call.params["session"], "webinars")
    rows = session.run.get(what) or session.series.get(what) or []
    body = {"id": session.series["id"], "uuid": session.uuid, "start_time": session.run["start_time"]}
    return Answer(200, {**body, "questions": rows}, records=len(rows))


@routes.on(
    "GET",
    "/v2/past_meetings/{session}",
    label=LIGHT,
    scopes=needs("meeting:read:past_meeting:admin", MEETING_READ),
)
def past_meeting(call: ZoomCall) -> Answer:
    session = asked_session(call, call.params["session"], "meetings")
    check_age(call, session)
    item, count = session.series, counts(session)
    host = call.account.host_of(item)
    body = {
        "uuid": session.uuid,
        "id": item["id"],
        "host_id": item["host_id"],
        "type": item["type"],
        "topic": item["topic"],
        "user_name": name_of(host),
        "user_email": host["email"],
        **span(session),
        "total_minutes": count["total_minutes"],
        "participants_count": count["participants"],
        "dept": host.get("dept", ""),
        "source": "Zoom",
    }
    return Answer(200, body, records=1)
