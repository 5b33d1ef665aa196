"""Meetings as far as clients that know only meetings need them. https://developers.zoom.us/docs/api/meetings/#tag/meetings"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.web import Answer
from pipelines.sandbox.world.filling import session_uuid
from pipelines.sandbox.zoom.gate import LIGHT, ZoomCall, needs, refuse, routes
from pipelines.sandbox.zoom.users import asked_user
from pipelines.sandbox.zoom.webinars import asked_series, details

Record = dict[str, Any]
WRITABLE = ("topic", "type", "start_time", "duration", "timezone", "agenda", "password", "settings")
SETTINGS: Record = {
    "host_video": True,
    "participant_video": True,
    "cn_meeting": False,
    "in_meeting": False,
    "join_before_host": False,
    "mute_upon_entry": False,
    "watermark": False,
    "use_pmi": False,
    "audio": "both",
    "auto_recording": "none",
    "enforce_login": False,
    "waiting_room": True,
    "registrants_email_notification": True,
    "meeting_authentication": False,
}


@routes.on(
    "GET", "/v2/meetings/{meeting}", label=LIGHT, scopes=needs("meeting:read:meeting:admin", "meeting:read:admin")
)
def get_meeting(call: ZoomCall) -> Answer:
    return Answer(200, _details(call, asked_series(call, "meetings", call.params["meeting"])), records=1)


@routes.on(
    "POST",
    "/v2/users/{user}/meetings",
    label=LIGHT,
    scopes=needs("meeting:write:meeting:admin", "meeting:write:admin"),
)
def create_meeting(call: ZoomCall) -> Answer:
    user, given = asked_user(call), call.json()
    if not isinstance(given, dict):
        raise refuse(400, 300, "Request Body should be a valid JSON object.")
    number = 81_000_000_000 + call.state.names.getrandbits(30)
    item: Record = {
        "uuid": session_uuid("created", number),
        "id": number,
        "host_id": user["id"],
        "host_email": user["email"],
        "topic": "Zoom Meeting",
        "type": 2,
        "duration": 60,
        "timezone": user.get("timezone") or "UTC",
        "created_at": iso(call.now),
        "join_url": f"https://zoom.example/j/{number}",
        "agenda": "",
        "zoom_events": False,
        "registrants": [],
        "panelists": [],
        "instances": [],
        **{name: given[name] for name in WRITABLE if given.get(name) is not None},
    }
    item["settings"] = {"approval_type": 2, "registration_type": 1, **(item.get("settings") or {})}
    call.account.record["meetings"].append(item)
    call.account.series["meetings"][str(number)] = item
    return Answer(201, _details(call, item), records=1)


@routes.on(
    "PATCH",
    "/v2/meetings/{meeting}",
    label=LIGHT,
    scopes=needs("meeting:update:meeting:admin", "meeting:write:admin"),
)
def update_meeting(call: ZoomCall) -> Answer:
    item, given = asked_series(call, "meetings", call.params["meeting"]), call.json()
    item |= {name: given[name] for name in WRITABLE if given.get(name) is not None and name != "settings"}
    item["settings"] |= given.get("settings") or {}
    return Answer(204, records=1)


@routes.on(
    "DELETE",
    "/v2/meetings/{meeting}",
    label=LIGHT,
    scopes=needs("meeting:delete:meeting:admin", "meeting:write:admin"),
)
def delete_meeting(call: ZoomCall) -> Answer:
    asked_series(call, "meetings", call.params["meeting"])["deleted"] = True
    return Answer(204, records=1)


def _details(call: ZoomCall, item: Record) -> Record:
    body = details(call, item)
    secrets = ("password", "h323_password", "pstn_password", "encrypted_password")
    filled = {"status": "waiting", "start_url": f"https://zoom.example/s/{item['id']}", **dict.fromkeys(secrets, "")}
    return {**filled, **body, "settings": {**SETTINGS, **item["settings"]}}
