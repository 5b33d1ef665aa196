"""Cloud recordings and transcripts. https://developers.zoom.us/docs/api/meetings/#tag/cloud-recording

REST shows files that are completed; those in processing are known from webhooks alone. What has a `deleted_time` is in
the trash. A file of the world may bear `content`, which is what its `download_url` then gives.

A download is a redirect to a store at another host, with a link that is good for a few minutes. Stores refuse who shows
them another's token as well: the link is the proof.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import Any

from pipelines.sandbox.clock import parse, to_ms
from pipelines.sandbox.web import Answer, Call
from pipelines.sandbox.zoom.account import Session, deleted
from pipelines.sandbox.zoom.gate import LIGHT, MEDIUM, ZoomCall, needs, refuse, routes
from pipelines.sandbox.zoom.pages import paged, parameters
from pipelines.sandbox.zoom.reports import window
from pipelines.sandbox.zoom.sessions import by_uuid
from pipelines.sandbox.zoom.users import asked_user

Record = dict[str, Any]
LINK_LIVES = timedelta(minutes=5)
VTT = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:04.000\nHost: Welcome, everybody.\n"


@routes.on(
    "GET",
    "/v2/meetings/{session}/recordings",
    label=LIGHT,
    scopes=needs("cloud_recording:read:list_recording_files:admin", "recording:read:admin"),
)
def get_recordings(call: ZoomCall) -> Answer:
    """By id the latest session's, by UUID that one's, of webinars too."""
    body = _shown(call, _asked(call), trash=False)
    if body is None:
        raise refuse(404, 3301, f"This recording does not exist: {call.params['session']}.")
    return Answer(200, body, records=len(body["recording_files"]))


@routes.on(
    "GET",
    "/v2/meetings/{session}/transcript",
    label=MEDIUM,
    scopes=needs("cloud_recording:read:meeting_transcript:admin", "recording:read:admin"),
)
def get_transcript(call: ZoomCall) -> Answer:
    body = _shown(call, _asked(call), trash=False)
    found = [f for f in (body or {}).get("recording_files", ()) if f.get("file_type") == "TRANSCRIPT"]
    if body is None or not found:
        raise refuse(404, 3322, "This meeting transcript does not exist.")
    answer = {"meeting_id": body["uuid"], "account_id": body["account_id"], "meeting_topic": body["topic"]}
    answer |= {"can_download": True, "download_url": found[0]["download_url"]}
    return Answer(200, answer, records=1)


@routes.on(
    "GET",
    "/v2/users/{user}/recordings",
    label=MEDIUM,
    scopes=needs("cloud_recording:read:list_user_recordings:admin", "recording:read:admin"),
)
def user_recordings(call: ZoomCall) -> Answer:
    """Today's alone unless `from` and `to` say otherwise, a month at most; `trash=true` gives the deleted ones."""
    user, given = asked_user(call), parameters(call)
    today = call.now.strftime("%Y-%m-%d")
    first, last = window({"from": given.get("from") or today, "to": given.get("to") or today})
    rows = []
    for session in call.account.past(call.now):
        if session.series["host_id"] == user.get("id") and first <= session.start < last:
            body = _shown(call, session, trash=given.get("trash", "").lower() == "true")
            if body is not None:
                rows.append(body)
    answer = paged(call, "meetings", rows)
    answer.body |= {"from": first.strftime("%Y-%m-%d"), "to": (last - timedelta(days=1)).strftime("%Y-%m-%d")}
    return answer


@routes.on("GET", "/rec/download/{file}")
def download(call: ZoomCall) -> Answer:
    """Where the file lies: at the host that this one is not."""
    if _content(call, call.params["file"]) is None:
        raise refuse(404, 3301, "This recording does not exist.")
    here, there = ("127.0.0.1", "localhost") if "127.0.0.1" in call.origin else ("localhost", "127.0.0.1")
    until = to_ms(call.now + LINK_LIVES)
    link = f"/rec/file/{call.params['file']}?until={until}&sign={_sign(call.params['file'], until)}"
    return Answer(302, headers={"Location": call.origin.replace(here, there) + link})


def stored(call: Call) -> Answer:
    """The file itself; a transcript is text, of the rest there are a few bytes."""
    name, until = call.segments[-1], call.query.get("until")
    if "authorization" in call.headers:
        return Answer(400, b"Only one way of proving who you are is allowed.", media="text/plain")
    is_good = until.isdecimal() and int(until) >= to_ms(call.state.clock.now)
    content = _content(call, name)
    if not is_good or call.query.get("sign") != _sign(name, int(until)) or content is None:
        return Answer(403, b"The link is no longer good.", media="text/plain")
    return Answer(200, content, media="application/octet-stream", records=1)


def _content(call: Call, name: str) -> bytes | None:
    for account in call.state.zoom.values():
        for session in account.sessions.values():
            for file in (session.run["recordings"] or {}).get("recording_files") or ():
                if _name(session, file) == name:
                    text = file.get("content") or (
                        VTT if file.get("file_type") == "TRANSCRIPT" else "sandbox recording"
                    )
                    return str(text).encode()
    return None


def _sign(name: str, until: int) -> str:
    return blake2b(f"{name} {until}".encode(), digest_size=16).hexdigest()


def _asked(call: ZoomCall) -> Session:
    name = call.params["session"]
    session = by_uuid(call, name)
    if session is None and name.isdecimal():
        past = [s for s in call.account.past(call.now) if str(s.series["id"]) == str(int(name))]
        session = past[-1] if past and not deleted(past[-1].series) else None
    if session is None or not session.ended(call.now):
        raise refuse(404, 3301, f"This recording does not exist: {name}.")
    return session


def _name(session: Session, file: Record) -> str:
    return str(file.get("id") or f"{abs(hash_of(session.uuid + str(file.get('file_type'))))}")


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode()[:12], "big")


def _shown(call: Call, session: Session, *, trash: bool) -> Record | None:
    assert isinstance(call, ZoomCall)
    kept: Record | None = session.run["recordings"]
    if not kept or bool(kept.get("deleted_time")) != trash:
        return None
    processing = call.state.faults.switch("zoom.recordings_show_processing")
    files = []
    for file in kept.get("recording_files") or ():
        done = file.get("status", "completed") == "completed"
        begun = not file.get("recording_end") or parse(file["recording_end"]) <= call.now
        if (done or processing) and begun and not file.get("deleted_time"):
            shown = {name: value for name, value in file.items() if name != "content"}
            shown.setdefault("meeting_id", session.uuid)
            shown.setdefault("id", _name(session, file))
            shown.setdefault("status", "completed")
            shown.setdefault("download_url", f"{call.origin}/rec/download/{_name(session, file)}")
            files.append(shown)
    if not files:
        return None
    item = session.series
    body = {
        "uuid": session.uuid,
        "id": item["id"],
        "account_id": call.account.record["account_id"],
        "host_id": item["host_id"],
        "host_email": item["host_email"],
        "topic": item["topic"],
        "type": item["type"],
        "start_time": session.run["start_time"],
        "timezone": item["timezone"],
        "duration": session.minutes,
        "total_size": sum(int(file.get("file_size") or 0) for file in files),
        "recording_count": len(files),
        **kept,
        "recording_files": files,
    }
    if call.query.get("include_fields") == "download_access_token":
        body["download_access_token"] = call.state.name()
    return body
