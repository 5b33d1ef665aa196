"""Who is in a segment: is a contact a member, since when, and which rows of theirs does the segment read?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.explain.evidence import EVENT, told_event
from pipelines.log import OURS, Log
from pipelines.warehouse import Warehouse

SEGMENT = "segment_"
CHANGES = "segment_changes"
"""The stream of who entered and left which segment; keys are segment, contact and a number, with `|` between."""
MOST_ROWS = 50
WHOSE = ("contact_id", "subject_key")


def membership(
    warehouse: Warehouse, table: str, reads: Sequence[str], contact_id: int | None
) -> tuple[bool, list[dict[str, Any]]]:
    """Return whether a contact is in a segment, and the rows of theirs in the tables that it reads."""
    rows: list[dict[str, Any]] = []
    with warehouse.connect({table, *reads}) as db:
        is_member = bool(
            db.execute(f"select 1 from {table} where contact_id = $contact", {"contact": contact_id}).fetchall()  # noqa: S608
        )
        for name in reads:
            columns = [str(row[0]) for row in db.execute(f"describe {name}").fetchall()]
            whose = next((column for column in WHOSE if column in columns), None)
            if whose is None:
                continue
            found = db.execute(
                f"select * from {name} where {whose} = $contact limit {MOST_ROWS}",  # noqa: S608
                {"contact": contact_id},
            )
            rows += [{"table": name, **dict(zip(columns, row, strict=True))} for row in found.fetchall()]
    return is_member, rows


def changes_of(log: Log, table: str, contact_id: int | None) -> list[dict[str, Any]]:
    """Return when a contact entered and left a segment, the latest first, as the log has it."""
    beginnings = [f"{name}|{contact_id}|" for name in (table, table.removeprefix(SEGMENT))]
    sql = f"""
        select {EVENT} from events
        where starts_with(key, $first) or starts_with(key, $second) order by occurred_at desc, key desc
    """  # noqa: S608
    rows = log.query(OURS, CHANGES, sql, {"first": beginnings[0], "second": beginnings[1]})
    return [told_event(log, f"{OURS}/{CHANGES}", row) for row in rows]
