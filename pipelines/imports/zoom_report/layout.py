"""The shape of Zoom's CSV exports: several tables in one file, found by their titles and the names of their columns.

An Attendee Report has a title, when it was made, a line of names and one of values that sum it up, then sections
(`Host Details`, `Panelist Details`, `Attendee Details`, `Other Attended`) that each have their own header. A meeting's
participant list may have such a summary, and one table without a title. Nothing is found by position, since each year
brought other columns and each custom question is one more.

Where the columns of one meaning are named twice (a custom question called "Email"), the first is Zoom's own.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.errors import ReportError
from pipelines.imports.zoom_report.times import is_missing

LONGEST_RECORD = 200
"""Lines that one row may span by line breaks inside quotation marks; more is a mark that is never closed."""
SHOWN_CHARACTERS = 1_000

TITLES = {
    "host details": "host",
    "panelist details": "panelist",
    "attendee details": "attendee",
    "registrant details": "attendee",
    "participant details": "flat",
    "participants": "flat",
    "other attended": "other",
}
MEANINGS = {
    "attended": "attended",
    "user name": "name",
    "name": "name",
    "participant": "name",
    "email": "email",
    "user email": "email",
    "email address": "email",
    "first name": "first_name",
    "last name": "last_name",
    "registration time": "registered",
    "approval status": "approval",
    "join time": "join",
    "leave time": "leave",
    "time in session": "duration",
    "duration": "duration",
    "total duration": "duration",
    "in waiting room": "waiting",
    "topic": "topic",
    "webinar id": "id",
    "meeting id": "id",
    "id": "id",
    "actual start time": "start",
    "start time": "start",
    "end time": "end",
    "actual duration": "minutes",
    "host": "host",
    "host email": "host",
}
SESSION_COLUMNS = frozenset({"attended", "name", "join", "leave", "duration", "waiting"})
"""What a row says of one session, not of the person's registration."""
_NAMES = re.compile(r"attended|join|registration|approval|duration|topic", re.IGNORECASE)
"""What every line of names that we know has one of; most other lines need no closer look."""
_OF_A_SESSION = frozenset({"is guest", "guest", "country/region name", "country/region", "attendance type"})


@dataclass(frozen=True)
class Line:
    """One row of the file: the line it starts on (from 1), its cells, and its text as it stands."""

    number: int
    cells: Sequence[str]
    text: str


@dataclass(frozen=True)
class Table:
    """Rows below one header.

    Attributes:
        section: host, panelist, attendee, other, or flat for a list without sections.
        columns: meaning to position.
    """

    section: str
    header: Sequence[str]
    columns: dict[str, int]
    lines: list[Line] = field(default_factory=list)

    def cell(self, line: Line, meaning: str) -> str:
        """Return a row's cell by what it means, "" where there is none or it says so."""
        at = self.columns.get(meaning, -1)
        text = line.cells[at].strip() if 0 <= at < len(line.cells) else ""
        return "" if is_missing(text) else text

    def told(self, line: Line) -> dict[str, str]:
        """Return a row as header to value, both as they stand."""
        return _verbatim(self.header, line.cells)

    def told_of_registration(self, line: Line) -> dict[str, str]:
        """Return of a row what does not change from one date of a series to the next."""
        cells = [line.cells[at] if at < len(line.cells) else "" for at in self._lasting]
        return _verbatim([self.header[at] for at in self._lasting], cells)

    @cached_property
    def _lasting(self) -> list[int]:
        """Positions of the columns that say nothing of the session."""
        of_session = {self.columns[meaning] for meaning in SESSION_COLUMNS & set(self.columns)}
        of_session |= {at for at, name in enumerate(self.header) if _plain(name) in _OF_A_SESSION}
        return [at for at in range(len(self.header)) if at not in of_session]


@dataclass
class Sheet:
    """A file in its parts; `set_aside` are rows in no table that we know: line, reason, text."""

    title: str = ""
    generated: str = ""
    summary: Table | None = None
    tables: list[Table] = field(default_factory=list)
    set_aside: list[tuple[int, str, str]] = field(default_factory=list)

    def summed_up(self, meaning: str) -> str:
        """Return what the summary says, "" where it is silent or there is none."""
        if self.summary is None or not self.summary.lines:
            return ""
        return self.summary.cell(self.summary.lines[0], meaning)


def decode(content: bytes) -> str:
    """Return a file's text: UTF-8 or UTF-16 by its mark or its look, else Windows-1252; NUL characters left out."""
    sample = content[:4096]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", "replace")
    elif sample and sample[1::2].count(0) > len(sample) // 4:
        text = content.decode("utf-16-le", "replace")
    elif sample and sample[::2].count(0) > len(sample) // 4:
        text = content.decode("utf-16-be", "replace")
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    return text.replace("\0", "").removeprefix("\ufeff")


def read(content: bytes) -> Sheet:
    """Take a file apart.

    Raises:
        ReportError: no part of it is a list of people that we know, or it holds several sessions.
    """
    if content.startswith(b"PK\x03\x04"):
        raise ReportError("it is an Excel workbook, not a CSV file. Export it again as CSV, or save it as CSV UTF-8.")
    text = decode(content)
    if not text.strip():
        raise ReportError("it is empty. Export it again.")
    sheets = []
    for delimiter in ",;\t":
        sheet = _Parser(delimiter).parse(text)
        if sheet.tables:
            return sheet
        sheets.append(sheet)
    title = next((sheet.title for sheet in sheets if sheet.title), "")
    kind = f'it is a "{title}"' if title else "it has no header of a Zoom list of people"
    raise ReportError(
        f"{kind}. Export the Attendee Report of a webinar, its Registration Report, or the participants of a meeting."
    )


class _Parser:
    """Goes through a file row by row; what a row is depends on those before it."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        self.sheet = Sheet()
        self.table: Table | None = None
        self.section = ""
        self.is_titled = False
        self.is_value_due = False

    def parse(self, text: str) -> Sheet:
        for line in self._lines(text):
            cells = [cell.strip() for cell in line.cells]
            if any(cells):
                self._take(line, cells)
        return self.sheet

    def _take(self, line: Line, cells: list[str]) -> None:
        first = _plain(cells[0])
        is_alone = not any(cells[1:])
        columns = _columns(cells)
        if is_alone and first in TITLES:
            self.section, self.is_titled, self.table, self.is_value_due = TITLES[first], True, None, False
        elif first.startswith("report generated"):
            self.sheet.generated = next((cell for cell in cells[1:] if cell), "")
        elif _is_header(columns):
            self._open(line, columns)
        elif _is_summary(columns):
            self._sum_up(line, columns)
        elif self.is_value_due and self.sheet.summary is not None:
            self._summary_values(self.sheet.summary, line)
        elif self.table is not None:
            self.table.lines.append(line)
        elif self.is_titled:
            self._set_aside(line, "the columns of its section are not known")
        elif is_alone and first.endswith("report") and not self.sheet.title:
            self.sheet.title = cells[0]

    def _open(self, line: Line, columns: dict[str, int]) -> None:
        self.is_value_due = False
        if not self.is_titled:
            if "registered" in columns:
                self.section = "attendee"
            elif not self.section:
                self.section = "attendee" if "attended" in columns else "flat"
        self.is_titled = False
        self.table = Table(self.section, _trimmed(line.cells), columns)
        self.sheet.tables.append(self.table)

    def _sum_up(self, line: Line, columns: dict[str, int]) -> None:
        if self.sheet.summary is None:
            self.sheet.summary = Table("summary", _trimmed(line.cells), columns)
        self.is_value_due = True
        self.table = None

    def _summary_values(self, summary: Table, line: Line) -> None:
        self.is_value_due = False
        if not summary.lines:
            summary.lines.append(line)
        elif [cell.strip() for cell in line.cells] != [cell.strip() for cell in summary.lines[0].cells]:
            raise ReportError(
                f"it holds more than one session (a second one at line {line.number}). "
                "Export each session as a file of its own."
            )

    def _set_aside(self, line: Line, reason: str) -> None:
        self.sheet.set_aside.append((line.number, reason, line.text))

    def _lines(self, text: str) -> Iterator[Line]:
        """Yield the rows. A quotation mark that is never closed costs its own line, not those that follow."""
        lines = list(io.StringIO(text, newline=""))
        at = 0
        while at < len(lines):
            cells, taken = self._record(lines, at)
            following = lines[at + 1 : at + taken]
            if cells is None or any(self._is_row(one) for one in following):
                broken = Line(at + 1, (), _shown(lines[at]))
                if self.table is not None or self.is_titled:
                    self._set_aside(broken, "a quotation mark opens and never closes, so its columns cannot be told")
                at += 1
                continue
            yield Line(at + 1, cells, _shown("".join(lines[at : at + taken])))
            at += taken

    def _record(self, lines: list[str], at: int) -> tuple[list[str] | None, int]:
        """Return the cells of the row that starts at a line, and of how many lines it is; None for no whole row."""

        def fed() -> Iterator[str]:
            yield from (lines[number] for number in range(at, min(at + LONGEST_RECORD, len(lines))))
            yield "\0"  # the text has none, so a row that holds it has run past its end

        reader = csv.reader(fed(), delimiter=self.delimiter)
        try:
            cells = next(reader)
        except csv.Error:
            return None, 1
        if any("\0" in cell for cell in cells):
            return None, 1
        return cells, reader.line_num

    def _is_row(self, text: str) -> bool:
        """Whether a line that a quoted cell ran over is a row of its own."""
        try:
            cells = next(csv.reader([text], delimiter=self.delimiter), [])
        except csv.Error:
            return False
        if not cells:
            return False
        if not any(cell.strip() for cell in cells[1:]) and _plain(cells[0]) in TITLES:
            return True
        if self.table is None or text.count('"') % 2 or len(_trimmed(cells)) < len(self.table.header) - 1:
            return False
        return "attended" not in self.table.columns or self.table.cell(Line(0, cells, ""), "attended").lower() in {
            "yes",
            "no",
        }


def _plain(name: str) -> str:
    """Return the name of a column or section, in the one spelling that we compare."""
    name = re.sub(r"\((original name|minutes|mins?)\)", "", " ".join(name.lower().split()))
    return name.strip(" \ufeff:\"'")


def _columns(cells: Sequence[str]) -> dict[str, int]:
    """Return meaning to position, for a line of names; the first column of a meaning counts."""
    found: dict[str, int] = {}
    if not _NAMES.search("\n".join(cells)):
        return found
    for at, cell in enumerate(cells):
        meaning = MEANINGS.get(_plain(cell))
        if meaning is not None:
            found.setdefault(meaning, at)
    return found


def _is_header(columns: dict[str, int]) -> bool:
    is_of_people = bool({"name", "email", "first_name", "last_name"} & set(columns))
    is_a_total = {"name", "duration"} <= set(columns) and "id" not in columns
    return is_of_people and (bool({"attended", "join", "registered", "approval"} & set(columns)) or is_a_total)


def _is_summary(columns: dict[str, int]) -> bool:
    return "topic" in columns and bool({"id", "start"} & set(columns))


def _trimmed(cells: Sequence[str]) -> list[str]:
    """Return the cells without the empty ones at the end."""
    kept = list(cells)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _verbatim(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    told: dict[str, str] = {}
    for at in range(max(len(header), len(_trimmed(cells)))):
        name = header[at].strip() if at < len(header) else ""
        name = name or f"column {at + 1}"
        if name in told:
            name = f"{name} ({at + 1})"
        told[name] = cells[at] if at < len(cells) else ""
    return told


def _shown(text: str) -> str:
    text = text.rstrip("\r\n")
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
