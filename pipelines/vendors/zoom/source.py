"""Zoom as a source: which streams there are, and in which order they are read.

Each stream's reader is a function `(run, log, cursor) -> batches` in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from pipelines.errors import CredentialsError, RefusedError, UnreachableError, VendorError
from pipelines.events import Batch, Stream
from pipelines.log import Log
from pipelines.settings import Connection, Ingest
from pipelines.vendors.reading import Notes
from pipelines.vendors.zoom import attendance, people, transcripts, webinars
from pipelines.vendors.zoom.client import HEAVY, LIGHT, MEDIUM, ZoomClient, has_no_plan, uuid_in_path
from pipelines.vendors.zoom.run import Run, everything, no_meeting, nobody
from pipelines.vendors.zoom.webhooks import webinar_named_by

STREAMS: tuple[Stream, ...] = (
    Stream("users", "state", about="hosts: active, inactive and pending"),
    Stream("instances", "state", about="sessions of the account's history, month by month"),
    Stream("webinars", "state", needs=("users",), about="details of each webinar, with its occurrences"),
    Stream("session_reports", "state", needs=("webinars",), about="sessions that the account's history lacks"),
    Stream("registrants", "state", needs=("webinars",), about="who registered, in every status"),
    Stream("registrations_by_occurrence", "state", needs=("webinars",), about="who registered for which occurrence"),
    Stream("panelists", "state", needs=("webinars",), about="who is on the panel"),
    Stream("questions", "state", needs=("webinars",), about="what the registration form asks"),
    Stream("participants", "state", about="joins and leaves of ended sessions"),
    Stream("meetings", "state", about="sessions of meetings, month by month, where meetings are synced"),
    Stream("meeting_participants", "state", needs=("meetings",), about="joins and leaves of sessions of meetings"),
    Stream("report_reads", "fact", about="which reports were read when, and whether they are settled"),
    Stream("recordings", "state", about="recordings of ended sessions"),
    Stream("transcripts", "state", needs=("recordings",), about="what was said, of recordings that are synced"),
)

Reader = Callable[[Run, Log, Mapping[str, Any] | None], Iterator[Batch]]

READERS: dict[str, Reader] = {
    "users": webinars.users,
    "instances": webinars.instances,
    "webinars": webinars.webinars,
    "session_reports": webinars.session_reports,
    "registrants": people.registrants,
    "registrations_by_occurrence": people.registrations_by_occurrence,
    "panelists": people.panelists,
    "questions": people.questions,
    "participants": attendance.participants,
    "meetings": webinars.meetings,
    "meeting_participants": attendance.meeting_participants,
    "report_reads": attendance.report_reads,
    "recordings": attendance.recordings,
    "transcripts": transcripts.transcripts,
}


NOTHING_THERE = ((400, "3000"), (400, "12702"))
"""Answers that say nothing against us: a webinar without registration, a report that is too old."""
USERS_ASKED = 10
"""So many users are tried by `examine` until one has the webinar plan."""


class ZoomSource:
    """One Zoom account. `notes` says what was left out of a reading and why."""

    name = "zoom"
    streams = STREAMS

    def __init__(
        self,
        connection: Connection,
        ingest: Ingest,
        is_wanted: Callable[[str, str], bool] = everything,
        is_transcribed: Callable[[str], bool] = nobody,
        is_met: Callable[[str, str, bool], bool] = no_meeting,
    ) -> None:
        self.account = connection.account
        told = Notes()
        self.notes: list[str] = told
        self.client = ZoomClient(connection)
        self._run = Run(
            self.client, ingest, connection.account, told, is_wanted, is_transcribed=is_transcribed, is_met=is_met
        )

    def examine(self) -> list[str]:
        """Ask one small thing of each area, and return what Zoom says against it."""
        look = _Look(self.client)
        today = self.client.now().date()
        users = look.rows("users", "/users", "the list of users", MEDIUM, {"page_size": USERS_ASKED})
        days = {"meeting_type": "webinar", "from": str(today - timedelta(days=29)), "to": str(today), "page_size": 1}
        ran = look.rows("history_meetings", "/report/history_meetings", "the history of webinars", HEAVY, days)
        found = [session.get("meeting_id") for session in ran]
        hosts = [quote(str(user["id"]), safe="") for user in users if user.get("id")]
        for host in hosts:
            mine = look.rows("webinars", f"/users/{host}/webinars", "a user's webinars", MEDIUM, {"page_size": 1})
            if not look.lacked_plan:
                found += [webinar.get("id") for webinar in mine]
                break
        else:
            if hosts:
                look.problems.append(f"zoom: of {len(hosts)} users asked none has the webinar plan.")
        for webinar in [number for number in map(str, found) if number.isdecimal()][:1]:
            look.at(f"/webinars/{webinar}", "a webinar", LIGHT)
            look.at(f"/webinars/{webinar}/registrants", "its registrants", MEDIUM, {"page_size": 1})
            look.at(f"/webinars/{webinar}/registrants/questions", "its registration form", LIGHT)
            look.at(f"/webinars/{webinar}/panelists", "its panelists", MEDIUM)
            look.at(f"/past_webinars/{webinar}/instances", "its past sessions", LIGHT)
        for session in (uuid_in_path(str(row.get("meeting_uuid"))) for row in ran[:1]):
            look.at(f"/report/webinars/{session}", "the report of a session", HEAVY)
            look.at(f"/report/webinars/{session}/participants", "the participants of a session", HEAVY)
            look.at(f"/meetings/{session}/recordings", "the recordings of a session", LIGHT)
        if self._run.is_met is not no_meeting:
            met = {**days, "meeting_type": "meeting"}
            ran = look.rows("history_meetings", "/report/history_meetings", "the history of meetings", HEAVY, met)
            for session in (uuid_in_path(str(row.get("meeting_uuid"))) for row in ran[:1]):
                look.at(f"/report/meetings/{session}/participants", "the participants of a meeting", HEAVY)
        return look.problems

    def read(self, stream: str, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Yield what is new in a stream; see `pipelines.ingest.Source`."""
        return READERS[stream](self._run, log, cursor)

    def knows(self, webinar_id: str, log: Log) -> bool:
        """Whether the account has a webinar, or once had; see `pipelines.ingest.HasWebinars`."""
        ran = any(session.webinar_id == webinar_id for session in self._run.sessions(log).values())
        if ran or webinar_id in self._run.latest(log, "webinars"):
            return True
        try:
            answer = self.client.get(
                f"/webinars/{webinar_id}", doing=f"webinar {webinar_id}", limit=LIGHT, accept=(404,)
            )
        except RefusedError:
            return False  # it is no id that Zoom has, or of no webinar
        return answer.status != 404

    def of_webinar(self, webinar_id: str) -> OneWebinar:
        """Return what reads this webinar alone; see `pipelines.ingest.HasWebinars`."""
        return OneWebinar(self.account, replace(self._run, again=webinar_id, notes=Notes(), reports=[]))

    def named_by(self, delivery: Any) -> str:
        """Return the webinar that a delivery names; see `pipelines.ingest.HasWebinars`."""
        return webinar_named_by(delivery)


class OneWebinar:
    """One webinar of an account, read again: details, sessions, people, recordings, past every cursor."""

    name = "zoom"
    streams = tuple(stream for stream in STREAMS if stream.name not in ("users", "meetings", "meeting_participants"))

    def __init__(self, account: str, run: Run) -> None:
        self.account = account
        self.notes: list[str] = run.notes
        self._run = run

    def examine(self) -> list[str]:
        """Return nothing: what may be read is the account's to say."""
        return []

    def read(self, stream: str, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        """Yield all that a stream has of the webinar; the stream's cursor stays as it is."""
        read = webinars.instances_of_one if stream == "instances" else READERS[stream]
        for batch in read(self._run, log, None):
            yield replace(batch, cursor=None)


class _Look:
    """Small questions to one account, and what was said against them."""

    def __init__(self, client: ZoomClient) -> None:
        self.client = client
        self.problems: list[str] = []
        self.lacked_plan = False

    def rows(
        self, name: str, path: str, doing: str, limit: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return what a list at a path has; nothing where there is none."""
        told = self.at(path, doing, limit, params).get(name)
        return [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []

    def at(self, path: str, doing: str, limit: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what stands at a path; nothing where there is none, or where it is refused.

        Raises:
            VendorError: nothing else need be asked: Zoom cannot be reached, or refuses who we are.
        """
        self.lacked_plan = False
        try:
            told = self.client.get(path, doing=doing, limit=limit, params=params, accept=(404,)).data
        except VendorError as error:
            if isinstance(error, UnreachableError | CredentialsError):
                raise
            self.lacked_plan = has_no_plan(error)
            if not self.lacked_plan and (error.status, error.code) not in NOTHING_THERE:
                self.problems.append(str(error))
            return {}
        return told if isinstance(told, dict) else {}
