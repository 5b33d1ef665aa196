"""The command that says why: explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.output import Json, give, table, workspace

if TYPE_CHECKING:
    from pipelines.explain import Account, Explainer, Explanation

SHOWN = 12
"""Rows of each kind that a person is shown; --json gives all."""


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    asking = typer.Typer(help="Say what made something so, or why it is not there.", no_args_is_help=True)
    for command in (contact, task, segment, field):
        asking.command(name=command.__name__)(command)
    app.add_typer(asking, name="explain")


Who = Annotated[str, typer.Argument(metavar="ID", help="A contact's id, or an address.")]


All = Annotated[bool, typer.Option("--all", help="Look up every event in the log, however many there are.")]


def contact(name: Who, is_all: All = False, as_json: Json = False) -> None:
    """Explain a contact: every field, and every record that is theirs."""
    _give(_explainer(is_all).contact(name), as_json)


def task(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A Task's Turnout_Id__c or Salesforce id, or an activity's key or id.")
    ],
    is_all: All = False,
    as_json: Json = False,
) -> None:
    """Explain a Task: its activity, on whom it is, and its window; or why there is none."""
    _give(_explainer(is_all).task(name), as_json)


def segment(
    name: Annotated[str, typer.Argument(metavar="SEGMENT", help="A segment, as its file is called.")],
    who: Annotated[str, typer.Argument(metavar="ID", help="A contact's id, or an address.")],
    is_all: All = False,
    as_json: Json = False,
) -> None:
    """Explain why a contact is in a segment or not: since when, and the rows of theirs that it reads."""
    _give(_explainer(is_all).segment(name, who), as_json)


def field(
    name: Who,
    wanted: Annotated[str, typer.Argument(metavar="NAME", help="A property, or the id of a marketing event.")],
    is_all: All = False,
    as_json: Json = False,
) -> None:
    """Explain one property of a contact, or its part in a marketing event."""
    _give(_explainer(is_all).field(name, wanted), as_json)


def _explainer(is_all: bool) -> Explainer:
    from pipelines.explain import Explainer
    from pipelines.models import segments_folder

    opened = workspace()
    return Explainer(opened.log, opened.warehouse, is_all=is_all, segments=segments_folder(opened.environment))


def _give(found: Explanation, as_json: bool) -> None:
    give(found.told(), as_json, [] if as_json else lines_explanation(found))


def lines_explanation(found: Explanation) -> list[str]:
    """Return an explanation for a person."""
    lines = [_about(found), f"as of {found.as_of}"]
    if found.what == "segment":
        since = f" since {found.subject['since']:%Y-%m-%d %H:%M} UTC" if found.subject["since"] else ""
        lines.append(f"{'in' if found.subject['is_member'] else 'not in'} {found.subject['segment']}{since}")
    elif not found.accounts:
        why = found.subject.get("reason")
        lines += ["", f"Nothing is published of it: {why}" if why else "No record at a destination is made of it."]
    for account in found.accounts:
        lines += ["", *_lines_account(account, is_whole=found.what == "contact")]
    if found.others:
        rows = [(one["destination"], one["object"], one["about"], _verdict(one)) for one in found.others[:SHOWN]]
        lines += ["", *table(rows, ["destination", "object", "about", "verdict"])]
        lines += _more(len(found.others) - len(rows), "records")
    if found.question:
        lines += ["", f"{found.question['asks']} ({found.question['rule']})".removesuffix(" ()")]
        for alike in _alike(found.counted):
            lines += _lines_rows(alike)
        lines += [] if found.counted else ["    none"]
    if found.events:
        rows = [
            (one["stream"], one["key"], f"{one['occurred_at']:%Y-%m-%d %H:%M:%S}", one["file"])
            for one in found.events[:SHOWN]
        ]
        lines += ["", "Events of the log:", *table(rows, ["stream", "key", "occurred (UTC)", "file"])]
        lines += _more(found.event_count - len(rows), "events", "--all --json")
    if found.settings:
        since = found.settings["occurred_at"]
        lines += ["", f"Settings in force since {since:%Y-%m-%d %H:%M:%S} UTC: event {found.settings['event_id']}"]
    return lines


def _about(found: Explanation) -> str:
    told = found.subject
    if found.what == "task":
        return f"activity {told['activity_id']}: {told['activity_type']} of contact {told['contact_id'] or 'nobody'}"
    if told["contact_id"] is None:
        return f"{found.asked}: met in Zoom, no contact" + (f" ({told['reason']})" if told["reason"] else "")
    state = "deleted contact" if told["is_deleted"] else "merged into contact" if told["is_merged"] else "contact"
    return f"{found.asked}: {state} {told['contact_id']}, {', '.join(told['emails'] or ['no address'])}" + (
        f" ({told['reason']})" if told["reason"] else ""
    )


def _verdict(one: Any) -> str:
    told = one if isinstance(one, dict) else vars(one)
    verdict = told["verdict"] or "not planned yet"
    return verdict + (f": {told['reason']}" if told["reason"] else "")


def _lines_account(account: Account, *, is_whole: bool) -> list[str]:
    lines = [f"{account.destination} {account.object} {account.key}: {_verdict(account)}"]
    if account.since:
        lines[0] += f", since {account.since:%Y-%m-%d %H:%M} UTC"
    if account.mend:
        lines.append(f"    To mend: {account.mend}")
    fields = [one for one in account.fields if one["wanted"] or one["held"] or not is_whole]
    if fields:
        rows = [(f"    {one['field']}", one["wanted"] or "–", one["held"] or "–") for one in fields]
        lines += table(rows, ["    field", "should hold", "holds"])
    lines.append(f"    by {account.model}: {account.rule}")
    for one in account.sent[: SHOWN if is_whole else 3]:
        lines.append(
            f"    {one['operation']} sent {one['at']:%Y-%m-%d %H:%M:%S} UTC by run {one['run']}: {one['status']}"
            + (f", {one['reason']}" if one["reason"] else "")
        )
        lines.append(f"        intent {one['intent']} in {one['sent_file']}, answer in {one['answer_file']}")
    return lines


def _alike(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return rows by the table that they are of."""
    by_table: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        by_table.setdefault(row.get("table"), []).append(row)
    return list(by_table.values())


def _lines_rows(rows: list[dict[str, Any]]) -> list[str]:
    shown = rows[:SHOWN]
    names = [name for name in shown[0] if any(row[name] is not None for row in shown)]
    cells = [tuple(_cell(row[name]) for name in names) for row in shown]
    if len(rows) == 1:
        return [f"    {name}: {value}" for name, value in zip(names, cells[0], strict=True)]
    return [*table(cells, names), *_more(len(rows) - len(shown), "rows")]


def _cell(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "strftime") else value


def _more(count: int, what: str, how: str = "--json") -> list[str]:
    return [f"… {count:,} more {what}; {how} gives all"] if count > 0 else []
