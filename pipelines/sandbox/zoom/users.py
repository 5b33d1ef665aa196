"""Users, and what each has scheduled. https://developers.zoom.us/docs/api/users/

`GET /users` lists active users unless asked otherwise; pending ones have no id. A user without the webinar plan (basic
users have none) answers 400/200 on webinars.
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.web import Answer
from pipelines.sandbox.zoom.account import deleted, has_expired, occurrence_start, scheduled, unexpired
from pipelines.sandbox.zoom.gate import LIGHT, MEDIUM, ZoomCall, needs, refuse, routes
from pipelines.sandbox.zoom.pages import paged, parameters

Record = dict[str, Any]
NO_PLAN = (
    "Webinar plan is missing. You must subscribe to the webinar plan and enable webinars for this user in order to "
    "perform this action."
)


@routes.on("GET", "/v2/users", label=MEDIUM, scopes=needs("user:read:list_users:admin", "user:read:admin"))
def list_users(call: ZoomCall) -> Answer:
    status = parameters(call).get("status") or "active"
    if status not in {"active", "inactive", "pending"}:
        raise refuse(400, 300, "Validation Failed: status must be one of active, inactive, pending.")
    rows = [_user(user) for user in call.account.users if user["status"] == status]
    return paged(call, "users", rows, most=2000, numbered=True)


@routes.on("GET", "/v2/users/{user}", label=LIGHT, scopes=needs("user:read:user:admin", "user:read:admin"))
def get_user(call: ZoomCall) -> Answer:
    user = asked_user(call)
    return Answer(200, {**_user(user), "account_id": call.account.record["account_id"]}, records=1)


@routes.on("DELETE", "/v2/users/{user}", label=LIGHT, scopes=needs("user:delete:user:admin", "user:write:admin"))
def delete_user(call: ZoomCall) -> Answer:
    call.account.users.remove(asked_user(call))
    return Answer(204, records=1)


def asked_user(call: ZoomCall) -> Record:
    """The user of the path."""
    name = call.params["user"]
    if name == "me" and not call.state.faults.switch("zoom.me"):
        raise refuse(400, 300, "Invalid user ID: me.")
    user = call.account.user(name)
    if user is None:
        raise refuse(404, 1001, f"User does not exist: {name}.")
    return user


def has_plan(user: Record) -> bool:
    return int(user.get("type", 2)) != 1 and bool(user.get("webinar_plan", True))


def _user(user: Record) -> Record:
    return {name: value for name, value in user.items() if name != "webinar_plan"}


@routes.on(
    "GET",
    "/v2/users/{user}/webinars",
    label=MEDIUM,
    scopes=needs("webinar:read:list_webinars:admin", "webinar:read:admin"),
)
def list_webinars(call: ZoomCall) -> Answer:
    """Webinars whose ids have not expired, or with `type=upcoming` those to come; reports find older ones."""
    user = asked_user(call)
    if not has_plan(user):
        raise refuse(400, 200, NO_PLAN)
    kind = parameters(call).get("type") or "scheduled"
    if kind not in {"scheduled", "upcoming"}:
        raise refuse(400, 300, "Validation Failed: type must be one of scheduled, upcoming.")
    hosted = [w for w in call.account.hosted("webinars", user) if not deleted(w)]
    items = [w for w in hosted if unexpired(w, call.now) or (kind == "scheduled" and not has_expired(w, call.now))]
    return paged(call, "webinars", [summary(item, call) for item in items], numbered=True)


@routes.on(
    "GET",
    "/v2/users/{user}/meetings",
    label=MEDIUM,
    scopes=needs("meeting:read:list_meetings:admin", "meeting:read:admin"),
)
def list_meetings(call: ZoomCall) -> Answer:
    """Unexpired scheduled meetings (no instant ones), or with `type=previous_meetings` those that have ended."""
    user = asked_user(call)
    kind = parameters(call).get("type") or "scheduled"
    if kind not in {"scheduled", "live", "upcoming", "upcoming_meetings", "previous_meetings"}:
        raise refuse(400, 300, "Validation Failed: type is none of the values that are known.")
    items = [m for m in call.account.hosted("meetings", user) if not deleted(m) and m["type"] != 1]
    if kind == "previous_meetings":
        over = [s for s in call.account.past(call.now, ("meetings",)) if s.series["host_id"] == user.get("id")]
        rows = [{**summary(s.series, call), "uuid": s.uuid, "start_time": s.run["start_time"]} for s in over]
        return paged(call, "meetings", rows, numbered=True)
    items = [item for item in items if unexpired(item, call.now)]
    return paged(call, "meetings", [summary(item, call) for item in items], numbered=True)


def summary(item: Record, call: ZoomCall) -> Record:
    """A row of a list of webinars or meetings; its start is that of the next date."""
    names = ("uuid", "id", "host_id", "topic", "type", "duration", "timezone", "created_at", "join_url", "is_simulive")
    row = {name: item[name] for name in names if name in item}
    ahead = [occurrence for _, end, occurrence in scheduled(item) if end > call.now and occurrence]
    if ahead:
        start = occurrence_start(item, ahead[0])
        row["start_time"] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
        row["duration"] = ahead[0]["duration"]
    elif item.get("start_time"):
        row["start_time"] = item["start_time"]
    row["agenda"] = str(item.get("agenda") or "")[:250]
    return row
