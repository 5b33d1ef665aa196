"""A webinar's details, panelists and tracking sources. https://developers.zoom.us/docs/api/meetings/#tag/webinars"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pipelines.sandbox.web import Answer
from pipelines.sandbox.zoom.account import deleted, has_expired, occurrence_start
from pipelines.sandbox.zoom.gate import LIGHT, MEDIUM, ZoomCall, needs, refuse, routes

Record = dict[str, Any]
OWN = {
    "registrants",
    "questions",
    "panelists",
    "zoom_events",
    "instances",
    "deleted",
    "tracking_sources",
    "polls",
    "qa",
}
READ = needs("webinar:read:webinar:admin", "webinar:read:admin")


def asked_webinar(call: ZoomCall) -> Record:
    """The webinar of the path: 404/3001 where there is none, where it was deleted, where its id has expired."""
    return asked_series(call, "webinars", call.params["webinar"])


def asked_series(call: ZoomCall, kind: str, name: str) -> Record:
    word = kind[:-1].capitalize()
    if not name.isdecimal():
        raise refuse(400, 300, f"Invalid {kind[:-1]} ID.")
    item = call.account.series[kind].get(str(int(name)))
    if item is None or deleted(item) or _expired(call, item):
        raise refuse(404, 3001, f"{word} does not exist: {name}.")
    return item


def _expired(call: ZoomCall, item: Record) -> bool:
    if not call.state.faults.switch("zoom.expire_ids"):
        return False
    return has_expired(item, call.now)


@routes.on("GET", "/v2/webinars/{webinar}", label=LIGHT, scopes=READ)
def get_webinar(call: ZoomCall) -> Answer:
    return Answer(200, details(call, asked_webinar(call)), records=1)


def details(call: ZoomCall, item: Record) -> Record:
    """What Zoom tells of a series; occurrences that are over are left out unless they are asked for."""
    body = {name: value for name, value in item.items() if name not in OWN}
    if item.get("zoom_events"):
        body["creation_source"] = "zoom_events"
    if "occurrences" not in item:
        return body
    shown = item["occurrences"]
    if not call.query.flag("show_previous_occurrences"):
        shown = [o for o in shown if occurrence_start(item, o) + timedelta(minutes=int(o["duration"])) > call.now]
    body["occurrences"] = shown
    wanted = call.query.get("occurrence_id")
    if wanted:
        chosen = next((o for o in item["occurrences"] if o["occurrence_id"] == wanted), None)
        if chosen is None:
            raise refuse(400, 300, f"Invalid occurrence ID: {wanted}.")
        body |= {"start_time": chosen["start_time"], "duration": chosen["duration"], "occurrences": [chosen]}
    return body


@routes.on(
    "DELETE", "/v2/webinars/{webinar}", label=LIGHT, scopes=needs("webinar:delete:webinar:admin", "webinar:write:admin")
)
def delete_webinar(call: ZoomCall) -> Answer:
    """Deletes the webinar, or one occurrence of it; sessions that ran stay readable by their UUIDs."""
    item = asked_webinar(call)
    wanted = call.query.get("occurrence_id")
    if not wanted:
        item["deleted"] = True
        return Answer(204, records=1)
    chosen = next((o for o in item.get("occurrences", ()) if o["occurrence_id"] == wanted), None)
    if chosen is None:
        raise refuse(400, 3000, "Webinar occurrence does not exist.")
    chosen["status"] = "deleted"
    return Answer(204, records=1)


@routes.on(
    "GET",
    "/v2/webinars/{webinar}/panelists",
    label=MEDIUM,
    scopes=needs("webinar:read:list_panelists:admin", "webinar:read:admin"),
)
def list_panelists(call: ZoomCall) -> Answer:
    panelists = asked_webinar(call)["panelists"]
    return Answer(200, {"total_records": len(panelists), "panelists": panelists}, records=len(panelists))


@routes.on(
    "GET",
    "/v2/webinars/{webinar}/tracking_sources",
    label=MEDIUM,
    scopes=needs("webinar:read:list_tracking_sources:admin", "webinar:read:admin"),
)
def list_tracking_sources(call: ZoomCall) -> Answer:
    sources = asked_webinar(call).get("tracking_sources") or []
    return Answer(200, {"total_records": len(sources), "tracking_sources": sources}, records=len(sources))
