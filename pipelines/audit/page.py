"""The audit as one static page, `audit/index.html` in TURNOUT_HOME: searched and read without a server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from pipelines.audit import READ, STATUSES, Audited, Gap, dates_of
from pipelines.warehouse import Warehouse, write_whole

TEMPLATE = Path(__file__).with_name("page.html")
SLOT = re.compile(r"\{(as_of|filters|dates|none)\}")
CODE = re.compile(r"`([^`]+)`")
SHOWN_DATES = 2_000
SHOWN_EMAILS = 200
"""Addresses of one reason; the command gives all."""
NAMES = {"attendance": "connection"}


def renew(warehouse: Warehouse, as_of: datetime) -> Path:
    """Write the page of what the tables and the verdicts say now.

    Raises:
        OSError: it cannot be written; the old page still stands.
    """
    with warehouse.connect({"verdicts", *READ}) as db:
        return write_page(warehouse.root.parent, dates_of(db, most=SHOWN_EMAILS), as_of)


def write_page(home: Path, dates: Sequence[Audited], as_of: datetime) -> Path:
    """Write the page of these dates, and return its path.

    Raises:
        OSError: it cannot be written; the old page still stands.
    """
    path = home / "audit" / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page(dates, as_of).encode())
    return path


def page(dates: Sequence[Audited], as_of: datetime) -> str:
    """Return the page of these dates."""
    counts = Counter(date.status for date in dates)
    shown = [_date(date) for date in dates[:SHOWN_DATES]]
    if len(dates) > SHOWN_DATES:
        shown.append(
            f"<p>{len(dates) - SHOWN_DATES:,} older dates are not shown; <code>turnout audit</code> has all.</p>"
        )
    slots = {
        "as_of": f"{as_of:%Y-%m-%d %H:%M}",
        "filters": "".join(
            f'<button type="button" data-status="{name}" aria-pressed="false">{name} {counts[name]:,}</button>'
            for name in STATUSES
        ),
        "dates": "\n".join(shown),
        "none": "hidden" if dates else "",
    }
    return SLOT.sub(lambda found: slots[found[1]], TEMPLATE.read_text(encoding="utf-8"))


def _date(date: Audited) -> str:
    at = f"{date.start_at:%Y-%m-%d %H:%M}" if date.start_at else "no date"
    numbers = {
        "registered": date.registered,
        "attended": date.attended,
        "matched": date.matched,
        "anonymous": date.anonymous,
        "excluded": date.excluded,
        "pending": date.pending,
    }
    counts = " · ".join(f"{name} {count:,}" for name, count in numbers.items() if count or name == "registered")
    facts = " · ".join(filter(None, [str(date.webinar_id), at, date.progress.replace("_", " "), date.host]))
    pending = f"<p>{date.pending:,} records are planned and not sent yet.</p>" if date.pending else ""
    return (
        f'<details class="date" id="w{escape(date.event_id, quote=True)}" data-status="{date.status}">'
        f'<summary><span class="status {date.status.split()[0]}">{date.status}</span>'
        f"<b>{escape(date.topic or 'no title')}</b><small>{escape(facts)}</small><small>{counts}</small></summary>"
        f"{''.join(map(_gap, date.gaps)) + pending or '<p>Nothing is missing.</p>'}</details>"
    )


def _gap(gap: Gap) -> str:
    said = "".join(f"<blockquote>{escape(words)}</blockquote>" for words in gap.said)
    emails = "".join(f"<li>{escape(email)}</li>" for email in gap.emails)
    if gap.email_count > len(gap.emails):
        emails += f"<li>and {gap.email_count - len(gap.emails):,} more</li>"
    listed = f"<ul>{emails}</ul>" if emails else ""
    return (
        f'<section data-reason="{escape(gap.reason, quote=True)}"><h2><code>{escape(gap.reason)}</code> '
        f"{escape(things(gap))}</h2>"
        f"<p>{_words(gap.what)}</p><p><b>To mend:</b> {_words(gap.mend)}</p>{said}{listed}</section>"
    )


def things(gap: Gap) -> str:
    """Return how many things a reason concerns, in words."""
    named = [(NAMES.get(name, name), count) for name, count in gap.things.items()]
    return ", ".join(f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in named)


def _words(text: str) -> str:
    return CODE.sub(r"<code>\1</code>", escape(text, quote=False))
