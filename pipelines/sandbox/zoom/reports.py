"""Reports: what ran, and who was in the room. https://developers.zoom.us/docs/api/meetings/#tag/reports

`/report/webinars/{id}` means the latest instance; `registrant_id` comes only with `include_fields=registrant_id`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso, months_before, parse
from pipelines.sandbox.web import Answer
from pipelines.sandbox.zoom.account import Session, name_of
from pipelines.sandbox.zoom.gate import HEAVY, ZoomCall, needs, refuse, routes
from pipelines.sandbox.zoom.pages import paged, parameters
from pipelines.sandbox.zoom.sessions import asked_session, check_age, counts, listed, person_of, rows_of, span
from pipelines.sandbox.zoom.users import asked_user

Record = dict[str, Any]
KINDS = {"webinar": ("webinars",), "meeting": ("meetings",), "all": ("webinars", "meetings")}
COLUMNS = (
    "id",
    "user_id",
    "name",
    "user_email",
    "join_time",
    "leave_time",
    "duration",
    "customer_key",
    "failover",
    "status",
    "participant_user_id",
    "bo_mtg_id",
)
DEFAULTS: Record = {"customer_key": "", "failover": False}


@routes.on(
    "GET",
    "/v2/report/history_meetings",
    label=HEAVY,
    scopes=needs("report:read:list_history_meetings:admin", "report:read:admin"),
)
def history(call: ZoomCall) -> Answer:
    """Every session of the account that has ended, one row for each, a month at most at a time."""
    given = parameters(call)
    first, last = window(given)
    kinds = KINDS.get(given.get("meeting_type") or "all")
    if kinds is None:
        raise refuse(400, 300, "Invalid parameter: meeting_type.")
    by = given.get("date_type") or "start_time"
    if by not in {"start_time", "end_time"}:
        raise refuse(400, 300, "Invalid parameter: date_type.")
    months = call.state.faults.switch("zoom.history_months")
    oldest = months_before(call.now, int(months)) if months is not None else None
    rows = []
    for session in call.account.past(call.now, kinds):
        moment = session.start if by == "start_time" else session.end
        if moment is None or not first <= moment < last or not listed(call, session):
            continue
        if oldest is None or session.start >= oldest:
            rows.append(_history_row(call, session))
    return paged(call, "history_meetings", rows, total=False)


def window(given: dict[str, str]) -> tuple[datetime, datetime]:
    """`from` and `to`, dates of which the last is within; a month at most."""
    try:
        first, last = parse(given["from"]), parse(given["to"])
    except (KeyError, ValueError) as error:
        name = "from" if "from" not in given else "to"
        raise refuse(400, 300, f"Invalid parameter: {name}.") from error
    if len(given["to"]) <= 10:
        last += timedelta(days=1)
    if last <= first or last - first > timedelta(days=32):
        raise refuse(400, 300, "Invalid parameter: from, to. The range must be a month at most.")
    return first, last


def _history_row(call: ZoomCall, session: Session) -> Record:
    item, count = session.series, counts(session)
    host = call.account.host_of(item)
    return {
        "meeting_uuid": session.uuid,
        "meeting_id": item["id"],
        "type": session.kind[:-1].capitalize(),  # unverified: the field is documented, its values are not
        "host_display_name": name_of(host),
        "host_email": host["email"],
        "topic": session.run.get("topic", item["topic"]),
        **span(session),
        "participants": count["participants"],
        "unique_viewers": count["unique_viewers"],
        "max_concurrent_views": count["max_concurrent_views"],
        "total_participant_minutes": count["total_minutes"],
        "create_time": item["created_at"],
        "source": "Zoom",
        "tracking_fields": item.get("tracking_fields") or [],
        "custom_fields": [],
        "feature_used": {"recording_to_cloud": bool(session.run.get("recordings")), "registration": True},
    }


@routes.on(
    "GET",
    "/v2/report/webinars/{session}",
    label=HEAVY,
    scopes=needs("report:read:webinar:admin", "report:read:admin"),
)
def webinar_report(call: ZoomCall) -> Answer:
    return _summary(call, asked_session(call, call.params["session"], "webinars"))


@routes.on(
    "GET",
    "/v2/report/meetings/{session}",
    label=HEAVY,
    scopes=needs("report:read:meeting:admin", "report:read:admin"),
)
def meeting_report(call: ZoomCall) -> Answer:
    return _summary(call, asked_session(call, call.params["session"], "meetings"))


def _summary(call: ZoomCall, session: Session) -> Answer:
    check_age(call, session)
    item, count = session.series, counts(session)
    host = call.account.host_of(item)
    body = {
        "uuid": session.uuid,
        "id": item["id"],
        "type": item["type"],
        "topic": item["topic"],
        "user_name": name_of(host),
        "user_email": host["email"],
        **span(session),
        "total_minutes": count["total_minutes"],
        "participants_count": count["unique_viewers"],
        "tracking_fields": item.get("tracking_fields") or [],
        "dept": host.get("dept", ""),
    }
    return Answer(200, body, records=1)


@routes.on(
    "GET",
    "/v2/report/webinars/{session}/participants",
    label=HEAVY,
    scopes=needs("report:read:list_webinar_participants:admin", "report:read:admin"),
)
def webinar_participants(call: ZoomCall) -> Answer:
    session = asked_session(call, call.params["session"], "webinars")
    return _participants(call, session)


@routes.on(
    "GET",
    "/v2/report/meetings/{session}/participants",
    label=HEAVY,
    scopes=needs("report:read:list_meeting_participants:admin", "report:read:admin"),
)
def meeting_participants(call: ZoomCall) -> Answer:
    """Only sessions with two participants or more."""
    session = asked_session(call, call.params["session"], "meetings")
    if len({person_of(row) for row in session.run["participants"]}) < 2:
        raise refuse(404, 3001, f"Meeting {call.params['session']} not found or has expired.")
    return _participants(call, session)


def _participants(call: ZoomCall, session: Session) -> Answer:
    check_age(call, session)
    asked = parameters(call).get("include_fields", "").split(",")
    columns = (*COLUMNS, "registrant_id") if "registrant_id" in asked else COLUMNS
    rows = []
    for row in rows_of(call, session):
        whole = {**DEFAULTS, **row}
        if "registrant_id" in columns:
            whole.setdefault("registrant_id", "")
        rows.append({name: whole[name] for name in columns if name in whole})
    return paged(call, "participants", rows)


@routes.on(
    "GET",
    "/v2/report/users/{user}/meetings",
    label=HEAVY,
    scopes=needs("report:read:user:admin", "report:read:admin"),
)
def user_report(call: ZoomCall) -> Answer:
    """What a host has held in the last six months, sessions with fewer than two participants left out."""
    user = asked_user(call)
    first, last = window(parameters(call))
    if first < months_before(call.now, 6) - timedelta(days=1):
        raise refuse(400, 300, "The report can only be provided for a month within the last six months.")
    rows = []
    for session in call.account.past(call.now):
        count = counts(session)
        if (
            session.series["host_id"] == user.get("id")
            and first <= session.start < last
            and count["unique_viewers"] > 1
        ):
            item = session.series
            row = {
                "uuid": session.uuid,
                "id": item["id"],
                "type": item["type"],
                "topic": item["topic"],
                **span(session),
            }
            row |= {"user_email": user["email"], "user_name": name_of(user), "total_minutes": count["total_minutes"]}
            rows.append({**row, "participants_count": count["unique_viewers"]})
    answer = paged(call, "meetings", rows)
    answer.body |= {"from": iso(first)[:10], "to": iso(last - timedelta(days=1))[:10]}
    return answer
