"""The workbench: write SQL in the browser, see how many, who and a chart, and save it as a segment (EV-11).

What is computed is here; `notebook.py` is the page. It asks as `turnout sql` does: read-only, within its limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from pipelines.asking import Answer, Desk
from pipelines.errors import UsageError
from pipelines.models import DELIVERED
from pipelines.segments import written

NOTEBOOK = Path(__file__).with_name("notebook.py")
SHOWN = 1_000
"""Rows that the page shows of a result."""
BARS, WIDTH, ROW, LABEL = 30, 640, 22, 200


@dataclass
class Shown:
    """A result as the page shows it: all rows are counted, the first are kept."""

    columns: list[str] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    count: int = 0
    contacts: int | None = None

    @property
    def about(self) -> str:
        """How many rows, and how many contacts where there are any, as a sentence."""
        told = f"{self.count:,} row{'' if self.count == 1 else 's'}"
        told += f", {self.contacts:,} contact{'' if self.contacts == 1 else 's'}" if self.contacts is not None else ""
        return told + (f"; the first {SHOWN:,} are shown" if self.count > SHOWN else "")

    @property
    def records(self) -> list[dict[str, str]]:
        """The rows as texts by column."""
        return [
            {name: "" if value is None else str(value) for name, value in zip(self.columns, row, strict=True)}
            for row in self.rows
        ]


def shown(desk: Desk, query: str) -> Shown:
    """Run one query.

    Raises:
        UsageError: it cannot be run, takes too long, or there are several.
    """
    found: list[Shown] = []

    def take(answer: Answer) -> None:
        columns, rows = answer.rows()
        one = Shown(columns)
        place = columns.index("contact_id") if "contact_id" in columns else None
        ids: set[Any] = set()
        for row in rows:
            one.count += 1
            if len(one.rows) < SHOWN:
                one.rows.append(row)
            if place is not None and row[place] is not None:
                ids.add(row[place])
        one.contacts = len(ids) if place is not None else None
        found.append(one)

    desk.ask(query, take)
    if len(found) != 1:
        raise UsageError("there are several queries; write one at a time.")
    return found[0]


def bars(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a chart of the first column of texts or days against the last one of numbers, as SVG; "" without both."""
    numeric = [at for at in range(len(columns)) if _is_numeric(at, columns, rows)]
    others = [at for at, name in enumerate(columns) if at not in numeric and not name.endswith("_id")]
    if not rows or not numeric or not others:
        return ""
    name, value = others[0], numeric[-1]
    drawn = [(str(row[name]), float(row[value] or 0)) for row in rows[:BARS]]
    most = max(1e-9, *(number for _, number in drawn))
    lines = []
    for at, (label, number) in enumerate(drawn):
        long = max(1, round((WIDTH - LABEL - 80) * max(number, 0) / most))
        y = at * ROW
        lines.append(
            f'<text x="{LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(label[:28])}</text>'
            f'<rect x="{LABEL}" y="{y + 4}" width="{long}" height="{ROW - 8}" fill="#3b6ea5"/>'
            f'<text x="{LABEL + long + 6}" y="{y + 15}">{number:,.10g}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{len(drawn) * ROW}" '
        f'font-family="sans-serif" font-size="12">{"".join(lines)}</svg>'
    )


def save(folder: Path, query: str, name: str, title: str, destinations: Sequence[str]) -> str:
    """Write a query as a segment, and return what to say of it.

    Raises:
        UsageError: the name is none or taken, or a destination is unknown.
    """
    if strange := [one for one in destinations if one not in DELIVERED]:
        raise UsageError(f"there is no destination {', '.join(strange)}; there is {', '.join(DELIVERED)}.")
    path = written(folder, name, title=title, deliver=destinations, sql=query)
    return f"{path.name} is written; the next run builds it" + (" and delivers it." if destinations else ".")


def _is_numeric(at: int, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bool:
    values = [row[at] for row in rows if row[at] is not None]
    is_id = columns[at].endswith("_id")
    return not is_id and bool(values) and all(type(value) in (int, float, Decimal) for value in values)
