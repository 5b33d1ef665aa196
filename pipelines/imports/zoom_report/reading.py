"""What a file says, row by row: who was connected from when to when, who registered, which session it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from statistics import median_low
from zoneinfo import ZoneInfo

from pipelines.errors import ReportError
from pipelines.imports.zoom_report import layout
from pipelines.imports.zoom_report.layout import Line, Sheet, Table
from pipelines.imports.zoom_report.times import Clock, is_day_first

FARTHEST = timedelta(days=7)
"""A join or leave farther than this from its session is a broken time. It must not move the log's clock."""
LONGEST_KEPT = timedelta(days=731)
"""Zoom keeps reports for 12 to 15 months; a moment longer after the session is a broken time."""
HOST_TOLERANCE = timedelta(seconds=60)
STATUSES = {
    "approved": "approved",
    "upgraded to panelist": "approved",
    "pending": "pending",
    "pending approval": "pending",
    "denied": "denied",
    "declined": "denied",
    "rejected": "denied",
    "blocked": "denied",
}
"""Zoom's words in `Approval Status` to those of its API. Whatever starts with "cancel" is `cancelled`, for which
its API has no word: the registration stood, and stands no more (HZ-22)."""

_ID_IN_A_NAME = re.compile(r"(?<![0-9])[0-9]{9,11}(?![0-9])")
_ADDRESS = re.compile(r"[^\s<>()]+@[^\s<>()]+")


@dataclass(frozen=True)
class Connection:
    """One device of one person in the session. `left` is None where Zoom gives no leave: until the end."""

    line: Line
    table: Table
    role: str
    name: str
    email: str
    joined: datetime
    left: datetime | None
    is_waiting: bool


@dataclass(frozen=True)
class Registration:
    """One person's registration. `registered` is None where its time is missing; then `created` is the start."""

    email: str
    first_name: str
    last_name: str
    status: str
    registered: datetime | None
    created: datetime
    row: dict[str, str]

    def is_before(self, moment: datetime) -> bool:
        """Whether it is older than one of this moment; one without a time is."""
        return self.registered is None or self.registered < moment


@dataclass(frozen=True)
class Session:
    """The session that ran. `told_start` is the start as the summary has it, `row` the summary as it stands."""

    topic: str
    host_email: str
    told_start: datetime
    start: datetime
    end: datetime
    start_text: str
    row: dict[str, str]


@dataclass
class Reading:
    """All that a file says. `session` is None where it does not tell of one that ran."""

    webinar_id: str
    session: Session | None = None
    at: datetime | None = None
    connections: list[Connection] = field(default_factory=list)
    registrations: dict[str, Registration] = field(default_factory=dict)
    panelists: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("attendee", "panelist", "host", "other"), 0))
    set_aside: list[tuple[int, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(path: Path, zone: ZoneInfo) -> Reading:
    """Read a file whose times are of this zone.

    Raises:
        ReportError: it cannot be opened, or is no report that we know.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReportError(f"it cannot be opened ({error.strerror or error}). Name a CSV file.") from None
    return _Reader(path, content, layout.read(content), zone).read()


def address(text: str) -> str:
    """Return an address as all of turnout compares it: trimmed, lower-cased, nothing else folded (HZ-10)."""
    return text.strip().lower()


class _Reader:
    """Reads the tables of one sheet; sets aside each row that it cannot read, and goes on."""

    def __init__(self, path: Path, content: bytes, sheet: Sheet, zone: ZoneInfo) -> None:
        self.path = path
        self.content = content
        self.sheet = sheet
        self.clock = Clock(zone, is_day_first(_cells(sheet)))
        self.out = Reading("", set_aside=list(sheet.set_aside))
        self.registering: list[tuple[Table, Line, bool]] = []
        self.generated: datetime | None = None

    def read(self) -> Reading:
        """Read all of it: the rows' own times first, since the session's may have to come from them."""
        if self.clock.is_day_first:
            self.out.notes.append("dates with slashes were read day first, since most of them can be nothing else")
        self.out.webinar_id = self._webinar_id()
        host = _ADDRESS.search(f"{self.sheet.summed_up('host')} {self.sheet.summed_up('email')}")
        host_email = address(host[0]) if host else ""
        for table in self.sheet.tables:
            for line in table.lines:
                self._read_row(table, line, host_email)
        start = self._told_start()
        self._drop_what_is_far(start)
        self.out.session = self._session(start, host_email)
        self.generated = self._generated(self.out.session.end if self.out.session else start)
        self._read_registrations(self.out.session.start if self.out.session else start)
        self.out.people = {one.email or f"name {one.name}" for one in self.out.connections if one.role == "attendee"}
        self.out.at = self._latest()
        self.out.set_aside.sort(key=lambda row: row[0])
        return self.out

    def _set_aside(self, line: Line, reason: str) -> None:
        self.out.set_aside.append((line.number, reason, line.text))

    def _take_back(self, table: Table, line: Line, reason: str) -> None:
        """Set aside a row that was counted already."""
        self._set_aside(line, reason)
        self.out.counts[_kind(table)] -= 1

    def _webinar_id(self) -> str:
        told = self.sheet.summed_up("id") or next(
            (cell for table in self.sheet.tables for line in table.lines if (cell := table.cell(line, "id"))), ""
        )
        if found := _digits(told):
            return found
        if told:
            self.out.notes.append(f"the webinar id {told!r} cannot be read: a spreadsheet may have rounded it")
        if in_name := _ID_IN_A_NAME.search(self.path.stem):
            return in_name[0]
        made = int.from_bytes(blake2b(layout.decode(self.content).encode(), digest_size=8).digest(), "big") % 10**11
        self.out.notes.append(
            f"neither the file nor its name holds a webinar id: it is kept under 9{made:011d}, made from its content. "
            "Put the id into the file's name (participants_84759841045.csv) to have it under its own"
        )
        return f"9{made:011d}"

    def _read_row(self, table: Table, line: Line, host_email: str) -> None:
        if "id" in table.columns and _digits(table.cell(line, "id")) not in {"", self.out.webinar_id}:
            self._set_aside(line, "it is of another meeting than the rows before; export each as a file of its own")
            return
        attended = table.cell(line, "attended").lower()
        has_joined = bool(table.cell(line, "join"))
        is_registration = bool(table.cell(line, "registered") or table.cell(line, "approval"))
        if "attended" in table.columns and attended not in {"yes", "no"}:
            if not has_joined and not is_registration:
                self._set_aside(line, "Attended is neither Yes nor No")
                return
            attended = "yes" if has_joined else "no"
        elif "attended" not in table.columns:
            if "join" not in table.columns and not {"registered", "approval"} & set(table.columns):
                reason = "the list of unique users has no join and leave times; export it without that option"
                self._set_aside(line, reason)
                return
            is_to_have_joined = "join" in table.columns and (has_joined or not is_registration)
            attended = "yes" if is_to_have_joined else "no"
        email = "" if table.section == "other" else address(table.cell(line, "email"))
        if attended == "yes" and not self._connect(table, line, email, host_email):
            return
        if attended == "no" and is_registration and not email:
            self._set_aside(line, "a registration without an address cannot be told from another")
            return
        if table.section == "panelist" and email:
            name = self._name(table, line)
            self.out.panelists.setdefault(email, (name, table.told_of_registration(line)))
        if is_registration and email:
            self.registering.append((table, line, attended == "yes"))
        self.out.counts[_kind(table)] += 1

    def _connect(self, table: Table, line: Line, email: str, host_email: str) -> bool:
        try:
            joined, left = self.clock.read_span(table.cell(line, "join"), table.cell(line, "leave"))
        except ValueError as error:
            self._set_aside(line, str(error))
            return False
        if joined is None:
            self._set_aside(line, "it has no join time")
            return False
        if left is not None and left < joined:
            self._set_aside(line, "it leaves before it joins")
            return False
        role = "host" if table.section == "flat" and email and email == host_email else _kind(table)
        is_waiting = table.cell(line, "waiting").lower() == "yes"
        name = self._name(table, line)
        self.out.connections.append(Connection(line, table, role, name, email, joined, left, is_waiting))
        return True

    def _name(self, table: Table, line: Line) -> str:
        whole = " ".join(filter(None, (table.cell(line, "first_name"), table.cell(line, "last_name"))))
        return table.cell(line, "name") or whole

    def _told_start(self) -> datetime | None:
        text = self.sheet.summed_up("start")
        try:
            return self.clock.read(text)
        except ValueError as error:
            if self.sheet.summary is not None:
                line = self.sheet.summary.lines[0]
                self._set_aside(line, f"the start cannot be read, so the first join stands for it: {error}")
        return None

    def _drop_what_is_far(self, start: datetime | None) -> None:
        """Set aside connections whose times cannot be of this session."""
        if not self.out.connections:
            return
        middle = start or median_low([one.joined for one in self.out.connections])
        kept: list[Connection] = []
        for one in self.out.connections:
            if max(abs(one.joined - middle), abs((one.left or one.joined) - middle)) <= FARTHEST:
                kept.append(one)
                continue
            self._take_back(one.table, one.line, f"its times are more than {FARTHEST.days} days from the session")
        dropped = {one.line.number for one in self.out.connections} - {one.line.number for one in kept}
        self.registering = [one for one in self.registering if one[1].number not in dropped]
        self.out.connections = kept

    def _session(self, start: datetime | None, host_email: str) -> Session | None:
        if not any("join" in table.columns for table in self.sheet.tables):
            return None
        hosts = [one for one in self.out.connections if one.role == "host"]
        inside = [one for one in self.out.connections if not one.is_waiting] or self.out.connections
        joins = [one.joined for one in inside]
        leaves = [one.left or one.joined for one in inside]
        told_start = start or min(joins, default=None)
        if told_start is None:
            self.out.notes.append("no session: the file has neither a start nor anybody who joined")
            return None
        real_start = told_start
        first = min((one.joined for one in hosts), default=None)
        if (
            start is not None
            and start.second == 0
            and first is not None
            and first.replace(second=0, microsecond=0) == start
        ):
            real_start = first
        end = self._told_end(real_start)
        if end is None:
            end = max([real_start, *leaves])
        last = max((one.left for one in hosts if one.left is not None), default=None)
        if last is not None and timedelta(0) <= end - last <= HOST_TOLERANCE:
            end = max(last, real_start)
        for table in self.sheet.tables:
            if not host_email and table.section == "host":
                host_email = next((address(told) for line in table.lines if (told := table.cell(line, "email"))), "")
        summary = self.sheet.summary
        row = summary.told(summary.lines[0]) if summary is not None and summary.lines else {}
        topic = self.sheet.summed_up("topic") or self._row_topic() or self.path.name.encode(errors="replace").decode()
        start_text = self.sheet.summed_up("start") if start is not None else ""
        return Session(topic, host_email, told_start, real_start, end, start_text, row)

    def _row_topic(self) -> str:
        cells = (table.cell(line, "topic") for table in self.sheet.tables for line in table.lines)
        return next((cell for cell in cells if cell), "")

    def _told_end(self, start: datetime) -> datetime | None:
        try:
            end = self.clock.read(self.sheet.summed_up("end"))
        except ValueError:
            end = None
        if end is not None and timedelta(0) <= end - start <= FARTHEST:
            return end
        text = self.sheet.summed_up("minutes") or self.sheet.summed_up("duration")
        try:
            length = timedelta(minutes=int(text.replace(",", "")))
        except (ValueError, OverflowError):
            if text:
                self.out.notes.append(f"the duration {text!r} cannot be read: the session ends with the last leave")
            return None
        return start + length if timedelta(0) <= length <= FARTHEST else None

    def _generated(self, ended: datetime | None) -> datetime | None:
        """Return when the file was made, if that can be: Zoom keeps reports for 15 months at most."""
        try:
            moment = self.clock.read(self.sheet.generated)
        except ValueError:
            moment = None
        is_absurd = moment is not None and ended is not None and moment - ended > LONGEST_KEPT
        if is_absurd or (moment is None and self.sheet.generated):
            self.out.notes.append(f"when the file was made cannot be read: {self.sheet.generated!r}")
            return None
        return moment

    def _read_registrations(self, start: datetime | None) -> None:
        """Keep one registration a person: the latest that has a time."""
        unreadable = 0
        for table, line, has_attended in self.registering:
            try:
                registered = self._registered(table.cell(line, "registered"), start)
            except ValueError as error:
                if start is None:
                    self._take_back(table, line, str(error))
                    continue
                registered = None
                unreadable += 1
            created = registered or start
            if created is None:
                self._take_back(table, line, "the registration has no time, and the file no start to stand for it")
                continue
            word = " ".join(table.cell(line, "approval").lower().split())
            status = "cancelled" if word.startswith("cancel") else STATUSES.get(word, "")
            if word and not status and not has_attended:
                self._take_back(table, line, f"the approval status {word!r} is none that we know")
                continue
            email = address(table.cell(line, "email"))
            known = self.out.registrations.get(email)
            if known is not None and (registered is None or not known.is_before(registered)):
                continue
            first_name, last_name = table.cell(line, "first_name"), table.cell(line, "last_name")
            if not first_name and not last_name:
                first_name, _, last_name = table.cell(line, "name").partition(" ")
            row = table.told_of_registration(line)
            told = Registration(email, first_name, last_name, status or "approved", registered, created, row)
            self.out.registrations[email] = told
        if unreadable:
            self.out.notes.append(
                f"registration times that cannot be read, so that the session's start stands for them: {unreadable}"
            )

    def _registered(self, text: str, start: datetime | None) -> datetime | None:
        registered = self.clock.read(text)
        last = self.generated + timedelta(days=1) if self.generated else start + LONGEST_KEPT if start else None
        if registered is not None and last is not None and registered > last:
            raise ValueError(f"{text!r} is after the file was made")
        return registered

    def _latest(self) -> datetime | None:
        """Return the latest moment that the file speaks of."""
        moments = [one.left or one.joined for one in self.out.connections]
        moments += [one.created for one in self.out.registrations.values()]
        if self.out.session is not None:
            moments.append(self.out.session.end)
        if self.generated is not None:
            moments.append(self.generated)
        return max(moments, default=None)


def _kind(table: Table) -> str:
    """Return whose rows a table holds; a list without sections is one of attendees."""
    return "attendee" if table.section == "flat" else table.section


def _digits(text: str) -> str:
    """Return the digits of a webinar id, "" where it is none: a spreadsheet writes 8.47598E+10 for long ones."""
    found = re.sub(r"[\s\-\u2010-\u2013']", "", text)
    return found if re.fullmatch(r"[0-9]{1,18}", found) else ""


def _cells(sheet: Sheet) -> Iterator[str]:
    tables = [*sheet.tables, *([sheet.summary] if sheet.summary else [])]
    return (
        table.cell(line, meaning)
        for table in tables
        for line in table.lines
        for meaning in ("start", "end", "join", "leave", "registered")
    )
