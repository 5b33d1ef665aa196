"""Pages made from the code: docs/rules.md from the tests' marks, docs/sql.md from the models.

`python -m tests.house.pages` writes them, `--check` says whether they are what the code says.
"""

from __future__ import annotations

import ast
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pipelines.run import Workspace

ROOT = Path(__file__).resolve().parents[2]

RULES = {
    "HZ-01": "Registrations and attendance in scope reach the CRM",
    "HZ-02": "Scope: global switch, user's default, webinar's own",
    "HZ-03": "Recordings have a scope of their own",
    "HZ-04": "Exclusions: host domains, recording domains, contacts",
    "HZ-05": "Users of the CRM are not created, their Zoom activity is not synced",
    "HZ-06": "Only the primary address matches, unless attributed",
    "HZ-07": "A deleted contact is never created again",
    "HZ-08": "A row without an address is found by its registrant, or stays anonymous",
    "HZ-09": "Webinars of Zoom Events are out of scope",
    "HZ-10": "Addresses: valid, trimmed, lower-cased, nothing else",
    "HZ-11": "A created contact: name, address, origin; names are never written over",
    "HZ-12": "Meetings are activities of contacts, with switches of their own",
    "HZ-13": "Several Zoom accounts, one for each brand",
    "HZ-14": "With webhooks, what happens in Zoom is in the CRM within a minute; both paths give the same rows",
    "HZ-20": "Attendance: union of connections, clipped to what really ran",
    "HZ-21": "Average attendance: mean over occurrences attended",
    "HZ-22": "Registered and attended: distinct webinars; occurrences beside",
    "HZ-23": "Last registered webinar",
    "HZ-24": "Marketing events and each contact's state in them",
    "HZ-25": "One timeline entry per registration and attended occurrence",
    "HZ-26": "A recording is one call, with its transcript, on each contact who attended",
    "HZ-27": "Rolling windows and last activity",
    "HZ-28": "Order, batches and repetition change nothing",
    "HZ-30": "Whatever is not synced has its reason, its addresses, and how to mend it",
    "HZ-31": "One webinar is read again, all of it, and what differs is published",
    "HZ-32": "Registered in Zoom from the CRM: a property, a form, or by hand",
    "HZ-33": "A question that must be answered is named, and a mapping answers it",
    "HZ-34": "Host, connected user and panelists are told apart",
    "HZ-35": "A webinar is looked up in the account of its brand",
    "ZM-02": "A member who becomes Registered is registered in Zoom, and nobody else",
    "ZM-04": "Sent to Zoom: names, address, organization, phone",
    "ZM-12": "Registration must be required on the webinar",
    "HS-01": "Thirteen types of activities, and when each occurred",
    "HS-02": "A type that is switched on syncs all of its activities",
    "HS-03": "What sales people do counts from the contact's sync time on, and nothing earlier",
    "HS-04": "Marketing email events: thirty days before the sync time, to the microsecond",
    "HS-05": "Form submissions: a calendar year before it",
    "HS-06": "Each open and click is a Task, or one Task rolls them up",
    "HS-07": "A forwarded email counts for whom it was sent to",
    "HS-08": "An activity of several contacts is one Task, of the contact created last",
    "HS-09": "A Task is on a Contact or a Lead, and follows conversions and merges",
    "HS-10": "A Task exists exactly once, by an id that follows from its activity",
    "HS-11": "Two reports: activities with contacts, activities with leads",
    "HS-12": "Salesforce into HubSpot: a switch per kind, and no history",
    "HS-13": "A deletion in Salesforce is carried, or not",
    "HS-14": "Where both changed, the preferred side stays",
    "HS-15": "Property mappings: defaults, edited, added to; what does not exist is an error",
    "HS-16": "Owners are not carried, or by address",
    "HS-17": "What is no Task record is not carried",
    "HS-18": "What we wrote never comes back",
    "HS-19": "Whom and what an activity is of is carried both ways",
    "EV-01": "The log is append-only and the only truth",
    "EV-02": "A rebuild gives what increments gave",
    "EV-03": "Any table as of any moment",
    "EV-04": "Whatever was published, or was not, can be explained",
    "EV-05": "Plan, then apply exactly that plan",
    "EV-06": "Written once, whatever breaks off",
    "EV-07": "What is refused waits and stops nothing else",
    "EV-08": "A run can be undone by a plan of its own",
    "EV-10": "A segment is one file: a table, events, sizes, and lists in the CRMs",
    "EV-11": "Readers neither wait nor are noticed",
    "EV-12": "A failed check stops what it concerns and nothing else; what cannot be read is set aside",
    "EV-13": "Settings are events",
    "ZM-01": "A program is of one webinar, and its channel is for webinars",
    "ZM-03": "The registrant's own join link is the member's before anything waits for it",
    "ZM-05": "Attended and No Show, by the channel's own names, once the report has settled",
    "ZM-06": "Attendees become leads and members; registrations on Zoom's own page only where wanted",
    "ZM-07": "Webinars of the owner and of named users are visible, meetings are not",
    "ZM-08": "A recurring webinar is linked by one occurrence",
    "ZM-09": "A start that was changed after people had registered is flagged; attendance is of the actual times",
    "ZM-10": "A webinar that never started makes nobody a No Show, and is audited",
    "ZM-11": "A linked program says what its webinar is and when",
    "ZM-13": "Several connections to one Zoom account live side by side",
    "ZM-14": "What Marketo refuses or skips at HTTP 200 is never taken for success",
}
"""Rules of this version; each must bear at least one test."""


def marks() -> dict[str, list[tuple[str, str]]]:
    """Return rule to (file, test) of every test that bears it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rule":
                        for rule in mark.args:
                            found.setdefault(ast.literal_eval(rule), []).append(
                                (str(path.relative_to(ROOT)), node.name)
                            )
    return found


def rules_page() -> str:
    """Return docs/rules.md."""
    borne = marks()
    lines = [
        "# The rules, and the tests that bear them",
        "",
        "Made from the tests by `python -m tests.house.pages`; do not edit.",
        "",
        "| rule | what | proved by |",
        "|---|---|---|",
    ]
    for rule in sorted(RULES):
        tests = "<br>".join(
            f"[{name.removeprefix('test_').replace('_', ' ')}](../{file})" for file, name in borne.get(rule, ())
        )
        lines.append(f"| {rule} | {RULES[rule]} | {tests or '**none**'} |")
    return "\n".join(lines) + "\n"


def sql_page() -> str:
    """Return docs/sql.md."""
    with tempfile.TemporaryDirectory() as home:
        opened = Workspace({"TURNOUT_HOME": home})
        receipt = opened.build(datetime(2026, 1, 1, tzinfo=UTC))
    lines = [
        "# The tables",
        "",
        "Made from the models by `python -m tests.house.pages`; do not edit.",
        "",
        "`warehouse.duckdb` in TURNOUT_HOME holds these as views, for any DuckDB client, at any time; `turnout sql`",
        "asks them read-only:",
        "",
        "```console",
        '$ turnout sql "select topic, attended_count from webinars order by attended_count desc limit 5"',
        "```",
        "",
        "Without a query it reads them from a terminal, with completion and history, until Ctrl-D; or from its input.",
        "`--csv` and `--json` print the whole result, `--parquet F` writes it, `--seconds N` gives a query more time",
        "than a minute. There is no writing, no file and no network in it, and 2 GB of memory. `getvariable('as_of')`",
        "is the moment that the tables describe.",
        "",
        "Any number of readers open the file while runs go on; a run puts a new file in its place, and who had the old",
        "one open goes on reading that. Open it read-only:",
        "",
        "| tool | how |",
        "|---|---|",
        "| DuckDB | `duckdb -readonly data/warehouse.duckdb` (1.5 or newer) |",
        "| Harlequin | `harlequin -r data/warehouse.duckdb` |",
        "| DBeaver | a DuckDB connection to the file, with `duckdb.read_only` set to `true` |",
        '| pandas | `duckdb.connect("data/warehouse.duckdb", read_only=True).sql("from webinars").df()` |',
        "| Polars | the same, with `.pl()` |",
        "",
        "`turnout workbench` is a page on this machine to write queries in: it counts and draws what they give, and",
        "saves one as a [segment](segments.md). It needs marimo, the extra `workbench`.",
        "",
        "`subject_key` is the contact's id, or a negative number for somebody met in Zoom who is no contact yet. The",
        "table `verdicts` says what became of everything that could have been published: `destination`, `object`,",
        "`object_key`, `verdict`, `reason`, `since`; `quarantine`, which records cannot be read: `source`, `stream`,",
        "`account`, `scope`, `key`, `reason`, `event_id`, `batch`, `since`.",
        "",
    ]
    for layer, title in (
        ("marts", "Marts: ask these"),
        ("segments", "Segments: what is there, and who is in"),
        ("sync", "Sync: what a CRM should hold"),
        ("intermediate", "In between"),
    ):
        lines += [f"## {title}", ""]
        for name, model in sorted(opened.models.items()):
            if model.layer == layer and not model.is_segment:
                lines += [f"### {name}", "", model.question, ""]
                lines += [
                    f"- **{word}**: {text}" for word, text in model.header.items() if word in ("grain", "units", "rule")
                ]
                columns = ", ".join(
                    f"`{column}` {kind.lower()}" for column, kind in receipt.models[name].columns.items()
                )
                lines += [f"- **columns**: {columns}", ""]
    return "\n".join(lines).rstrip() + "\n"


PAGES = {"docs/rules.md": rules_page, "docs/sql.md": sql_page}


def stale() -> list[str]:
    """Return the pages that are not what the code says."""
    return [
        name
        for name, make in PAGES.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != make()
    ]


if __name__ == "__main__":
    if "--check" in sys.argv:
        if names := stale():
            sys.exit(f"{', '.join(names)}: not what the code says. Run `python -m tests.house.pages`.")
    else:
        for name, make in PAGES.items():
            (ROOT / name).write_text(make(), encoding="utf-8")
