"""The report about quality as one static page, `quality/index.html` in TURNOUT_HOME: no script, nothing from outside.

The pages that Great Expectations itself writes load their parts from the network and are blank without it; this one
shows what it found, and nothing of anybody: counts, and words of vocabularies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Protocol

from pipelines.checks import Check
from pipelines.errors import LogError
from pipelines.expectations.report import Report, Validation, validate_all
from pipelines.log import Log
from pipelines.models import Model
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse, write_whole

TEMPLATE = Path(__file__).with_name("page.html")
SLOT = re.compile(r"\{(at|summary|chart|doors|quarantine)\}")
DOORS = {
    "came in": ("What came in", "The vendors' records, as staging reads them."),
    "computed": ("What was computed", "The tables that everything is published from; audits among them."),
    "goes out": ("What goes out", "The last plan, and what became of every record."),
}
WIDTH, HEIGHT, LABEL = 600, 120, 18
STATES = ("failed", "warns", "ok")


class Opened(Protocol):
    """One TURNOUT_HOME with its settings and its models."""

    run_id: str

    @property
    def log(self) -> Log: ...
    @property
    def warehouse(self) -> Warehouse: ...
    @property
    def models(self) -> dict[str, Model]: ...
    @property
    def settings(self) -> Settings: ...


def write_report(opened: Opened, progress: Callable[[str], None] = lambda _: None) -> tuple[Report, Path]:
    """Let Great Expectations validate what came in, was computed and goes out; write the page, and return its path.

    Raises:
        ModelError: something could not be evaluated. LogError: the log or the disk refuses.
    """
    warn = opened.settings.quality.warn
    report = validate_all(opened.log, opened.warehouse, opened.models, run=opened.run_id, warn=warn, progress=progress)
    path = opened.log.home / "quality" / "index.html"
    try:
        write_whole(path, page(report).encode())
    except OSError as error:
        raise LogError(f"{path} cannot be written: {error}. See that the disk has room, and run again.") from None
    return report, path


def page(report: Report) -> str:
    """Return the page."""
    slots = {
        "at": f"{report.at:%Y-%m-%d %H:%M}",
        "summary": _summary(report),
        "chart": chart(report.history),
        "doors": "\n".join(_door(name, [one for one in report.checks if one.door == name]) for name in DOORS),
        "quarantine": _quarantine(report),
    }
    return SLOT.sub(lambda found: slots[found[1]], TEMPLATE.read_text(encoding="utf-8"))


def state(check: Check) -> str:
    """Return how a check stands: ok, warns or failed."""
    return "ok" if check.passed else "failed" if check.is_blocking else "warns"


def _summary(report: Report) -> str:
    held = sum(check.passed for check in report.checks)
    told = f"{held} of {len(report.checks)} checks hold."
    stopped = sorted({place for one in report.checks if state(one) == "failed" for place in one.holds})
    if stopped:
        told += f" Held back: {', '.join(stopped)}."
    if report.disagreeing:
        told += f" Great Expectations finds otherwise: {', '.join(map(escape, report.disagreeing))}."
    return told


def chart(history: Sequence[Validation]) -> str:
    """Return bars as SVG: how many checks failed, warned and held, validation by validation."""
    most = max((one.held + len(one.failed) + len(one.warned) for one in history), default=1) or 1
    step = WIDTH / max(len(history), 12)
    parts: list[str] = []
    for at, one in enumerate(history):
        bottom = float(HEIGHT)
        counts = dict(zip(STATES, (len(one.failed), len(one.warned), one.held), strict=True))
        title = f"{one.at:%Y-%m-%d %H:%M}: {counts['ok']} hold, {counts['warns']} warn, {counts['failed']} failed"
        bars = ""
        for name, count in counts.items():
            high = max(HEIGHT * count / most, 3.0 if count else 0.0)
            bottom -= high
            x, y, wide = at * step, bottom, max(step - 2, 1)
            bars += f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"/>'
        parts.append(f"<g><title>{title}</title>{bars}</g>")
    ends = [f"{history[0].at:%Y-%m-%d}", f"{history[-1].at:%Y-%m-%d}"] if history else ["", ""]
    words = (
        f'<text x="0" y="{HEIGHT + LABEL - 4}">{ends[0]}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + LABEL - 4}" text-anchor="end">{ends[1]}</text>'
    )
    return (
        f'<svg viewBox="0 -8 {WIDTH} {HEIGHT + LABEL + 8}" role="img" aria-label="Validations over time">'
        f"{''.join(parts)}{words}</svg>"
    )


def _door(name: str, checks: Sequence[Check]) -> str:
    title, about = DOORS[name]
    ordered = sorted(checks, key=lambda one: (STATES.index(state(one)), one.table, one.name))
    return (
        f'<section data-door="{name}"><h2>{title}</h2><p>{about}</p>{"".join(map(_check, ordered))}'
        f"{'' if ordered else '<p>Nothing was looked at yet.</p>'}</section>"
    )


def _check(check: Check) -> str:
    counts = f"{check.failing:,} rows contradict it" if check.failing else ""
    if check.failing and check.tolerated:
        counts += f", {check.tolerated:,} may"
    of = f"of {check.considered:,}" if check.considered else ""
    named = "; ".join(map(escape, check.named))
    held = f"holds back {', '.join(sorted(check.holds))}" if state(check) == "failed" else ""
    facts = " · ".join(filter(None, [f"<code>{escape(check.table)}</code>", f"{counts} {of}".strip(), named, held]))
    return (
        f'<div class="check" id="{escape(check.name, quote=True)}"><span class="state {state(check)}">{state(check)}'
        f"</span><b>{escape(check.name)}</b><small>{escape(check.claim)}</small><small>{facts}</small></div>"
    )


def _quarantine(report: Report) -> str:
    if not report.quarantined:
        return "<p>None.</p>"
    rows = "".join(
        f"<tr><td>{escape(source)}</td><td>{escape(stream)}</td><td>{escape(reason)}</td><td>{count:,}</td></tr>"
        for (source, stream, reason), count in report.quarantined.items()
    )
    return f"<table><tr><th>source</th><th>stream</th><th>reason</th><th>records</th></tr>{rows}</table>"
