"""The commands of one webinar: audit, sync, register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.moments import WithSettings, tables
from pipelines.cli.output import AsOf, Json, give, progress, table, workspace
from pipelines.cli.steps import Allow, lines_run, told_run
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.audit import Audited

SHOWN_DATES = 100
LONGEST_TOPIC = 40
LONGEST_CONTACT_ID = 18
COUNTS = ("registered", "attended", "matched", "anonymous", "excluded")


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(audit)
    app.command()(sync)
    app.command()(register)


def _webinar_id(text: str) -> str:
    """Read a webinar's id.

    Raises:
        UsageError: it is none.
    """
    from pipelines.settings import webinar_id

    try:
        return webinar_id(text)
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}.") from None


def audit(
    webinar: Annotated[
        str | None, typer.Argument(metavar="WEBINAR", help="A webinar's id; without it, all webinars.")
    ] = None,
    as_of: AsOf = None,
    with_settings: WithSettings = "then",
    as_json: Json = False,
) -> None:
    """Say of each webinar whether it is synced, what of it is not, why, and how to mend it."""
    from pipelines import audit as auditing

    number = None if webinar is None else int(_webinar_id(webinar))
    dates = auditing.audit(tables(workspace(), as_of, with_settings), number)
    lines = _table(dates[:SHOWN_DATES])
    if len(dates) > SHOWN_DATES:
        lines.append(f"… {len(dates) - SHOWN_DATES:,} older dates; --json gives all")
    if number is not None:
        lines += [line for date in dates for line in _reasons(date, is_alone=len(dates) == 1)]
    give([date.told() for date in dates], as_json, lines)


def _table(dates: list[Audited]) -> list[str]:
    """Return dates as a table, each with the reasons for what is missing."""
    rows = [
        (
            date.event_id,
            f"{date.start_at:%Y-%m-%d %H:%M}" if date.start_at else "",
            date.status,
            *(getattr(date, name) for name in COUNTS),
            date.topic if len(date.topic) <= LONGEST_TOPIC else f"{date.topic[: LONGEST_TOPIC - 1]}…",
            ", ".join(dict.fromkeys(gap.reason for gap in date.gaps)),
        )
        for date in dates
    ]
    headings = ["webinar", "start (UTC)", "status", *COUNTS, "topic", "reasons"]
    return table(rows, headings) if rows else ["no webinar was read yet; `turnout run` reads them"]


def _reasons(date: Audited, is_alone: bool) -> list[str]:
    """Return what of a date is not synced, reason by reason, with the addresses and how to mend it."""
    from pipelines.audit.page import things

    lines = [] if is_alone else ["", f"{date.event_id}:"]
    if not date.gaps and not date.pending:
        lines += ["", "Nothing is missing."]
    for gap in date.gaps:
        lines += ["", f"{gap.reason}: {things(gap)}", f"    {gap.what}", f"    To mend: {gap.mend}"]
        lines += [f"    it said: {words}" for words in gap.said]
        lines += [f"    {email}" for email in gap.emails]
    if date.pending:
        lines += ["", f"{date.pending:,} records are planned and not sent yet; `turnout run` sends them"]
    return lines


def sync(
    webinar: Annotated[str, typer.Argument(metavar="WEBINAR", help="A webinar's id; blanks and dashes do not count.")],
    allow: Allow = False,
    as_json: Json = False,
) -> None:
    """Read one webinar again, all of it, and publish what differs."""
    name = _webinar_id(webinar)
    opened = workspace()
    with progress() as tell:
        receipt = opened.sync(name, allow=allow, progress=tell)
    give(told_run(receipt), as_json, lines_run(receipt))
    if receipt.is_partial:
        raise typer.Exit(1)


def register(
    webinar: Annotated[str, typer.Argument(metavar="WEBINAR", help="A webinar's id; blanks and dashes do not count.")],
    contact: Annotated[str, typer.Option("--contact", metavar="ID", help="Id of a contact in HubSpot.")],
    allow: Allow = False,
    as_json: Json = False,
) -> None:
    """Register a contact of HubSpot for a webinar in Zoom; once, however often it is asked for."""
    name = _webinar_id(webinar)
    if not contact.strip().isdecimal() or len(contact.strip()) > LONGEST_CONTACT_ID:
        raise UsageError(
            f"--contact {contact!r}: the id of a contact has digits only; HubSpot shows it in the address."
        )
    from pipelines import registering

    number = int(contact)
    opened = workspace()
    with progress() as tell:
        found = registering.register(opened, name, number, allow=allow, progress=tell)
    told = {"webinar": name, "contact": number, "verdict": found.verdict, "reason": found.reason}
    words = "is registered" if found.is_done else "is not registered"
    reason = f": {found.reason}" if found.reason else ""
    lines = [f"contact {number} {words} for webinar {name}{reason}"]
    unread = [
        f"not read: {one.source} {stream}: {why}"
        for one in found.receipt.ingested
        for stream, why in one.failed.items()
    ]
    give({**told, "run": told_run(found.receipt)}, as_json, [*lines, *unread, *found.receipt.lines])
    if not found.is_done:
        raise typer.Exit(1)
