"""What importing one file did, for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.events import iso

SHOWN = 20
"""Rows set aside that a person is shown; JSON holds all."""


@dataclass
class ImportReceipt:
    """What importing one file did.

    Attributes:
        problem: why nothing of the file could be read; "" where it could.
        attendee_rows: rows of Attendee Details that were read, `Yes` and `No`; rows of a list without sections.
        people: distinct people with a row that says they were there; who has no address is told by name.
        appended: events that were news to the log, absences among them.
        set_aside: rows that were not read: line on which the row starts, reason, text.
    """

    file: Path
    webinar_id: str = ""
    topic: str = ""
    start: datetime | None = None
    end: datetime | None = None
    attendee_rows: int = 0
    people: int = 0
    registrants: int = 0
    panelist_rows: int = 0
    host_rows: int = 0
    other_rows: int = 0
    appended: int = 0
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    set_aside: list[tuple[int, str, str]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""
        return {
            "file": str(self.file).encode(errors="replace").decode(),
            "webinar_id": self.webinar_id,
            "topic": self.topic,
            "start": iso(self.start) if self.start else None,
            "end": iso(self.end) if self.end else None,
            "attendee_rows": self.attendee_rows,
            "people": self.people,
            "registrants": self.registrants,
            "panelist_rows": self.panelist_rows,
            "host_rows": self.host_rows,
            "other_rows": self.other_rows,
            "appended": self.appended,
            "problem": self.problem or None,
            "notes": list(self.notes),
            "set_aside": [{"line": line, "reason": reason, "row": row} for line, reason, row in self.set_aside],
        }

    def lines(self) -> list[str]:
        """Return what a person should read."""
        if self.problem:
            return [f"{self.file}: nothing was read, since {self.problem}"]
        when = f", {self.start:%Y-%m-%d %H:%M} to {self.end:%H:%M} UTC" if self.start and self.end else ""
        found = [
            f"{self.file}: webinar {self.webinar_id}, {self.topic or 'no session'}{when}",
            f"    {self.attendee_rows:,} attendee rows of {self.people:,} people who came; "
            f"{self.registrants:,} registrants; rows of panelists {self.panelist_rows:,}, hosts {self.host_rows:,}, "
            f"others {self.other_rows:,}",
            f"    {self.appended:,} events were new, {len(self.set_aside):,} rows were set aside",
        ]
        found += [f"    note: {note}" for note in self.notes]
        for line, reason, row in self.set_aside[:SHOWN]:
            found.append(f"    line {line}: {reason}: {' '.join(row.split())}")
        if len(self.set_aside) > SHOWN:
            found.append(f"    … {len(self.set_aside) - SHOWN:,} more rows were set aside; --json gives all")
        return found
