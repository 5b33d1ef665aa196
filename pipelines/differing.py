"""What changed in a table between two moments, row by row and column by column, and which events did it (EV-03).

Both moments are seen by all that is known now. An event belongs to a row when they share whom or what they are of, and
it occurred between the two; a row that changed without one changed by time alone: something left a rolling window.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.errors import UsageError
from pipelines.explain.evidence import events_of, streams_of
from pipelines.log import Log
from pipelines.models import Model
from pipelines.warehouse import Entry, Warehouse

MOST_ROWS = 500
MOST_EVENTS = 25
"""Rows that are told, and events that are looked up in the log; the counts are of all."""
TIMES = ("occurred_at", "happened_at", "submitted_at")
SETTINGS = "stg_turnout__settings"
HELPERS = ("int_registrants", "int_contact_addresses", "int_sessions")
SUBJECT = pa.schema(
    [
        pa.field("place", pa.int64()),
        pa.field("contact_id", pa.int64()),
        pa.field("email_key", pa.int64()),
        pa.field("webinar_id", pa.int64()),
        pa.field("activity_key", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Differences:
    """What changed in one table.

    Attributes:
        key: the columns that tell rows apart; without one, rows came or went as a whole.
        counts: rows that came, went and changed. `rows`: the first of them, each with `change`, its `key`, its
            `columns` (old, new) and the ids of its `events`.
        events: the events of these rows, as the log has them.
    """

    table: str
    start: datetime
    end: datetime
    key: tuple[str, ...]
    counts: dict[str, int]
    rows: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        told = asdict(self)
        return {("from" if name == "start" else "to" if name == "end" else name): told[name] for name in told}


def differences(
    log: Log,
    models: Mapping[str, Model],
    before: Warehouse,
    after: Warehouse,
    table: str,
    *,
    start: datetime,
    end: datetime,
) -> Differences:
    """Compare a table in two warehouses, as of `start` and as of `end`.

    Raises:
        UsageError: there is no such table, or it is one of the events themselves.
    """
    old, new = before.catalog().entries.get(table), after.catalog().entries.get(table)
    model = models.get(table)
    if old is None or new is None or model is None or model.layer in ("staging", "audits"):
        names = [name for name, one in models.items() if one.layer in ("marts", "segments", "sync")]
        raise UsageError(f"{table} is no table that can be compared. There is {', '.join(sorted(names))}.")
    with after.connect({*_above(after, table), *HELPERS}) as db:
        db.execute(f"create temp view earlier as {before.relation(old)}")
        db.execute(f"create temp view later as {after.relation(new)}")
        names = list(new.columns)
        key = _key(db, model, names)
        counts, rows = _compared(db, names, key)
        _subjects(db, rows, set(names))
        events = _events(db, after, table, start, end)
    for place, row in enumerate(rows):
        row["events"] = [bytes(one["event_id"]).hex() for one in events if one["place"] == place]
        del row["whole"]
    looked_up = {one["event_id"]: one for one in events}
    told = events_of(log, list(looked_up.values())[:MOST_EVENTS])
    return Differences(table, start, end, key, counts, rows, told)


def _above(warehouse: Warehouse, table: str) -> set[str]:
    """Return every model that a table was made of."""
    entries = warehouse.catalog().entries
    found: set[str] = set()
    waiting = [table]
    while waiting:
        one = waiting.pop()
        if one not in found and one in entries:
            found.add(one)
            waiting += entries[one].made_of
    return found


def _key(db: duckdb.DuckDBPyConnection, model: Model, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that the grain names, if they tell the rows apart."""
    grain = re.split(r"[;:]", model.header["grain"])[0]
    key = tuple(name for name in dict.fromkeys(re.findall(r"\w+", grain)) if name in names)
    if not key:
        return ()
    listed = ", ".join(f'"{name}"' for name in key)
    for view in ("earlier", "later"):
        twice = db.execute(f"select 1 from {view} group by {listed} having count(*) > 1 limit 1").fetchall()  # noqa: S608
        if twice:
            return ()
    return key


def _compared(
    db: duckdb.DuckDBPyConnection, names: Sequence[str], key: Sequence[str]
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Return how many rows came, went and changed, and the first of them."""
    came = "select * from later except all select * from earlier"
    gone = "select * from earlier except all select * from later"
    match = " and ".join(f'came.whole."{name}" is not distinct from gone.whole."{name}"' for name in key) or "false"
    order = ", ".join(f'coalesce(came.whole."{name}", gone.whole."{name}")' for name in (key or names[:1]))
    db.execute(
        f"""
        create temp table compared as
        select
            case when came.is_there and gone.is_there then 'changed' when came.is_there then 'came' else 'gone' end
                as change,
            case when came.is_there then came.whole end as new, case when gone.is_there then gone.whole end as old
        from (select true as is_there, mine as whole from ({came}) as mine) as came
        full join (select true as is_there, mine as whole from ({gone}) as mine) as gone on {match}
        order by {order}
        """  # noqa: S608
    )
    counts = dict(db.execute("select change, count(*) from compared group by change order by change").fetchall())
    rows = []
    for change, new, old in db.execute(f"select * from compared limit {MOST_ROWS}").fetchall():
        whole = new or old
        columns = {
            name: [old and old[name], new and new[name]]
            for name in names
            if name not in key and (old and old[name]) != (new and new[name])
        }
        rows.append({"change": change, "key": {name: whole[name] for name in key}, "columns": columns, "whole": whole})
    return {name: int(counts.get(name, 0)) for name in ("came", "gone", "changed")}, rows


def _subjects(db: duckdb.DuckDBPyConnection, rows: Iterable[Mapping[str, Any]], names: set[str]) -> None:
    """Note for each row whom and what it is of, as `subjects`: a contact under each address, a webinar, an activity."""
    told = []
    for place, row in enumerate(rows):
        whole = row["whole"]
        subject = whole.get("subject_key")
        contact = whole.get("contact_id") or (subject if isinstance(subject, int) and subject > 0 else None)
        named = str(whole.get("object_key") or "")
        if contact is None and "turnout_source" in names and named.isdigit():
            contact = int(named)
        address = whole.get("email_key") or whole.get("person_key")
        if address is None and isinstance(subject, int) and subject < 0:
            address = -subject
        told.append((place, contact, address, whole.get("webinar_id"), whole.get("activity_key")))
    columns = list(zip(*told, strict=True)) or [()] * len(SUBJECT)
    table = pa.table([pa.array(values, kind.type) for values, kind in zip(columns, SUBJECT, strict=True)], SUBJECT)
    db.register("named", table)
    db.execute(
        """
        create temp table subjects as
        select * from named
        union
        select named.place, named.contact_id, addresses.email_key, named.webinar_id, named.activity_key
        from named inner join int_contact_addresses as addresses using (contact_id)
        """
    )


def _events(
    db: duckdb.DuckDBPyConnection, warehouse: Warehouse, table: str, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """Return (place, stream, event_id, at) of what occurred between, for each row that it concerns."""
    entries = warehouse.catalog().entries
    parts = [
        part
        for name in sorted(_above(warehouse, table))
        if name.startswith("stg_")
        for part in _joins(name, entries[name])
    ]
    if not parts:
        return []
    rows = db.execute(
        f"select distinct place, stream, event_id, happened from ({' union all '.join(parts)}) "  # noqa: S608
        "where happened >= $start and happened <= $end order by place, stream, happened, event_id",
        {"start": start, "end": end},
    ).fetchall()
    return [dict(zip(("place", "stream", "event_id", "at"), row, strict=True)) for row in rows]


def _joins(name: str, entry: Entry) -> list[str]:
    """Return the queries that join a staging model to `subjects`, by each thing that they may share."""
    streams, time = streams_of(name), next((one for one in TIMES if one in entry.columns), None)
    if len(streams) != 1 or time is None:
        return []
    chosen = f"select place, '{streams[0]}' as stream, mine.event_id, mine.{time} as happened from {name} as mine"
    if name == SETTINGS:
        first = f"(select min(occurred_at) from {SETTINGS})"  # it held before it came into force, too
        return [f"{chosen} cross join subjects where mine.occurred_at > {first}"]
    same_webinar = "true"
    if "webinar_id" in entry.columns:
        same_webinar = "(subjects.webinar_id is null or subjects.webinar_id = mine.webinar_id)"
    elif "session_key" in entry.columns:
        same_webinar = (
            "(subjects.webinar_id is null or mine.session_key in "
            "(select session_key from int_sessions where int_sessions.webinar_id = subjects.webinar_id))"
        )
    found = []
    if "contact_id" in entry.columns:
        found.append(f"{chosen} inner join subjects on subjects.contact_id = mine.contact_id and {same_webinar}")
    if "email_key" in entry.columns:
        found.append(f"{chosen} inner join subjects on subjects.email_key = mine.email_key and {same_webinar}")
    if "registrant_key" in entry.columns and "email_key" in entry.columns and "session_key" in entry.columns:
        found.append(
            f"{chosen} inner join int_registrants as theirs on mine.registrant_key = theirs.registrant_key "
            f"inner join subjects on subjects.email_key = theirs.email_key and {same_webinar}"
        )
    for column in ("activity_key", "event_key"):
        if column in entry.columns:
            found.append(f"{chosen} inner join subjects on subjects.activity_key = mine.{column}")
    alone = "subjects.contact_id is null and subjects.email_key is null" if found else "true"
    if "webinar_id" in entry.columns:
        found.append(f"{chosen} inner join subjects on subjects.webinar_id = mine.webinar_id and {alone}")
    elif "session_key" in entry.columns:
        found.append(
            f"{chosen} inner join int_sessions using (session_key) "
            f"inner join subjects on subjects.webinar_id = int_sessions.webinar_id and {alone}"
        )
    return found
