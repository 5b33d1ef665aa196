"""One run over an account: what the readers of all streams share, and what one refused object does to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pipelines.errors import AuthError, RefusedError, TransientError, VendorError
from pipelines.events import Record
from pipelines.log import Log
from pipelines.settings import Ingest
from pipelines.vendors.reading import Notes, in_order
from pipelines.vendors.zoom.client import ZoomClient, is_not_allowed
from pipelines.vendors.zoom.known import Session, by_webinar, ended_at, sessions

FAULTS_BORNE = 3
"""Objects whose answer stays broken after all tries, before the whole stream counts as unreadable now."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def everything(_webinar_id: str, _host_email: str) -> bool:
    """Want every webinar: what is out of scope is left out by SQL, later."""
    return True


def no_meeting(_meeting_id: str, _host_email: str, _is_recorded: bool) -> bool:
    """Want no meeting."""
    return False


def nobody(_host_email: str) -> bool:
    """Want no transcript."""
    return False


@dataclass
class Run:
    """The client, the settings, and what this run has learnt so far.

    Attributes:
        is_wanted: whether people of a webinar (by its id and its host's address) are read at all.
        again: the id of the one webinar that is read, all of it and past what was read before; "" for all webinars.
        is_met: whether who came to a meeting is read, by its id, its host's address, and whether it was recorded in
            the cloud (HZ-12).
        is_transcribed: whether what was said is read of sessions of a host, by the host's address (HZ-03).
        reports: records of `report_reads` whose participants are in the log by now.
    """

    client: ZoomClient
    ingest: Ingest
    account: str
    notes: Notes
    is_wanted: Callable[[str, str], bool] = everything
    again: str = ""
    is_transcribed: Callable[[str], bool] = nobody
    is_met: Callable[[str, str, bool], bool] = no_meeting
    reports: list[Record] = field(default_factory=list)
    _known: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    def now(self) -> datetime:
        """Return Zoom's clock."""
        return self.client.now()

    def note(self, text: str) -> None:
        """Tell a person, once."""
        self.notes.once(text)

    def left_out(self, what: str, lacks: str) -> None:
        """Count a record that has no key to be known by."""
        self.notes.left_out(f"zoom: {what}", lacks)

    def each(self, items: Iterable[Item], read: Callable[[Item], Result], what: str) -> Iterator[tuple[Item, Result]]:
        """Ask for each object and yield the answers in order; one that is refused is noted, and the others go on.

        Args:
            what: the objects, as a note names them: `lists of registrants`.

        Raises:
            AuthError: every one was refused for want of permission.
            VendorError: more than FAULTS_BORNE could not be read for now.
        """

        def guarded(item: Item) -> Result | RefusedError | TransientError:
            try:
                return read(item)
            except (RefusedError, TransientError) as error:
                return error

        answered = 0
        refused: list[VendorError] = []
        broken: list[VendorError] = []
        for item, result in in_order(guarded, items, self.ingest.at_once):
            if isinstance(result, RefusedError):
                refused.append(result)
            elif isinstance(result, TransientError):
                broken.append(result)
                if len(broken) > FAULTS_BORNE:
                    raise result
            else:
                answered += 1
                yield item, result
        if refused and not answered and all(map(is_not_allowed, refused)):
            raise AuthError(str(refused[0]), vendor="zoom", status=refused[0].status, code=refused[0].code)
        if broken and not answered:
            raise broken[0]
        for errors, why in ((refused, "refused"), (broken, "not answered, and are tried again next run")):
            if errors:
                self.note(f"zoom: {len(errors)} {what} were {why}; the first: {errors[0]}")

    def latest(self, log: Log, stream: str) -> dict[str, Any]:
        """Return what is present in a stream; the log is asked again only when it has moved."""
        version = log.version("zoom", stream)
        if stream not in self._known or self._known[stream][0] != version:
            self._known[stream] = (version, log.latest("zoom", stream, self.account))
        return self._known[stream][1]

    def sessions(self, log: Log) -> dict[str, Session]:
        """Return the account's sessions that the log knows, by UUID."""
        return sessions(self.latest(log, "instances"), self.latest(log, "session_reports"), self.now())

    def open_webinars(self, log: Log, days: float, done: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
        """Return the webinars, by id, that are not over since `days`, and the older ones that are not in `done`."""
        now = self.now()
        ran = by_webinar(self.sessions(log))
        past = frozenset(done)
        return {
            webinar_id: webinar
            for webinar_id, webinar in self.latest(log, "webinars").items()
            if (webinar_id not in past or not is_over(webinar, ran.get(webinar_id, []), now, days))
            and self.wants(log, webinar_id)
        }

    def wants(self, log: Log, webinar_id: str) -> bool:
        """Tell whether the people of a webinar are to be read; its host is the one that it or its history names."""
        if self.again and webinar_id != self.again:
            return False
        return self.is_wanted(webinar_id, self.host(log, webinar_id))

    def host(self, log: Log, webinar_id: str) -> str:
        """Return the address of a webinar's host, "" where it is not known."""
        webinar = self.latest(log, "webinars").get(webinar_id) or {}
        host = webinar.get("host_email") or self._hosts(log).get(str(webinar.get("host_id") or ""), "")
        return str(host).strip().lower()

    def _hosts(self, log: Log) -> dict[str, str]:
        return {name: str(user.get("email") or "") for name, user in self.latest(log, "users").items()}

    def over(self, log: Log, webinars: dict[str, dict[str, Any]], days: float) -> frozenset[str]:
        """Return the ids of those webinars that have been over for `days`."""
        now = self.now()
        ran = by_webinar(self.sessions(log))
        return frozenset(name for name, webinar in webinars.items() if is_over(webinar, ran.get(name, []), now, days))


def is_over(webinar: dict[str, Any], ran: Iterable[Session], now: datetime, days: float) -> bool:
    """Tell whether a webinar ended for good at least `days` ago."""
    end = ended_at(webinar, ran, now)
    return end is not None and end <= now - timedelta(days=days)
