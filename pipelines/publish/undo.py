"""Undo: what a run wrote, taken back as a plan of its own (EV-08).

What it created is deleted; what it changed goes back to what we had told before. What somebody changed since is left
and listed, and so is what a destination has no way to take back. What an undo took back is held: later plans do not
send it again until it should say something else, or until `turnout retry`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from pipelines.errors import UsageError
from pipelines.log import OURS, Log
from pipelines.publish.plan import Plan, ordered
from pipelines.publish.planned import Planned
from pipelines.publish.receipts import INTENTS
from pipelines.publish.rows import UNDOES, Destination, Row
from pipelines.publish.sending import MEMBERSHIPS

CHUNK = 5_000
"""Records that are looked at together."""
RUN = r"^(.+)-[a-z]+-\d+-\d+$"
"""The name of an outcome begins with the run that meant to send it, which an interrupted one did not live to answer."""

PEOPLE = frozenset({"contact", "lead"})
OF_PEOPLE = MEMBERSHIPS | {"attendance", "member", "webinar_url"}
"""Records whose id at the vendor is that of the person; all others have ids of their own, which may be the same."""


@dataclass(frozen=True)
class Told:
    """What a run wrote to one record, and what we told of it last, that run or a later one.

    Attributes:
        row: as it was sent, under the key that it has since.
        latest: field to what was told last. `by`: field to the run that told it.
        deleted_by: the run that deleted the record after, "" where it stands.
    """

    row: Row
    latest: Mapping[str, str | None] = field(default_factory=dict)
    by: Mapping[str, str] = field(default_factory=dict)
    deleted_by: str = ""


def runs(db: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return every run that wrote anything, the latest first, with what it wrote; `undoes` names what it took back."""
    rows = db.execute(
        f"""
        select
            regexp_extract(outcome_id, '{RUN}', 1) as sender, min(occurred_at), destination, object, operation,
            count(*), max(undone ->> '$.run')
        from stg_turnout__outcomes where status = 'published'
        group by sender, destination, object, operation order by sender desc, destination, object, operation
        """  # noqa: S608
    ).fetchall()
    found: dict[str, dict[str, Any]] = {}
    for run, at, destination, kind, operation, count, undoes in rows:
        one = found.setdefault(run, {"run": run, "at": at, "undoes": None, "wrote": []})
        one["at"], one["undoes"] = min(one["at"], at), one["undoes"] or undoes
        one["wrote"].append({"destination": destination, "object": kind, "operation": operation, "records": count})
    return list(found.values())


def make_undo(
    db: duckdb.DuckDBPyConnection,
    log: Log,
    run: str,
    *,
    as_of: datetime,
    positions: Mapping[str, int],
    settings: str,
    connected: Mapping[str, Destination],
    unclear: Iterable[tuple[str, Row]] = (),
) -> Plan:
    """Make the plan that takes back what a run wrote; the destinations are asked what they hold now.

    Args:
        db: `stg_turnout__outcomes`, as it stands.
        unclear: (destination, row) of intents whose outcome nobody knows: their records are left.

    Raises:
        UsageError: that run wrote nothing. VendorError: a destination cannot be asked.
    """
    plan = Plan(as_of, positions, settings, undoes=run)
    names = [row[0] for row in db.execute("select distinct destination from stg_turnout__outcomes").fetchall()]
    found = False
    open_keys = {(name, row.object, row.key) for name, row in unclear}
    for name in sorted(names):
        rows: list[Row] = []
        for chunk in _chunks(db, log, name, run):
            found = True
            if name not in connected:
                plan.left += [(name, one.row, f"{name} is not connected, so it cannot be asked") for one in chunk]
                continue
            waiting = [one for one in chunk if (name, one.row.object, one.row.key) in open_keys]
            plan.left += [(name, one.row, "nobody knows yet what became of a later sending") for one in waiting]
            rows += _taken_back(plan, name, connected[name], [one for one in chunk if one not in waiting])
        if name in connected:
            rows += _parts(db, connected[name], name, run, rows)
            plan.left = _without_gone(plan.left, name, rows)
            phases = connected[name].phases
            plan.rows[name] = ordered(Planned.of(rows), phases)
            plan.why |= {row.object: f"undo of run {run}" for row in rows}
            plan.calls[name] = plan.rows[name].calls(phases)
            plan.quota_left[name] = connected[name].quota_left()
    if not found:
        raise UsageError(f"run {run} wrote nothing that was confirmed. `turnout undo` lists the runs that did.")
    return plan


def _chunks(db: duckdb.DuckDBPyConnection, log: Log, destination: str, run: str) -> Iterator[list[Told]]:
    """Yield what a run wrote at a destination, some records at a time, each once."""
    outcomes = db.execute(
        f"""
        select outcome_id, object_key, vendor_id, fields from stg_turnout__outcomes
        where destination = $destination and status = 'published' and regexp_extract(outcome_id, '{RUN}', 1) = $run
        order by outcome_id
        """,  # noqa: S608
        {"destination": destination, "run": run},
    ).fetchall()
    for at in range(0, len(outcomes), CHUNK):
        some = {name: (key, vendor_id, orjson.loads(told)) for name, key, vendor_id, told in outcomes[at : at + CHUNK]}
        intents = log.query(
            OURS,
            INTENTS.name,
            "select key, payload from events where account = $destination and key between $first and $last "
            "order by key",
            {"destination": destination, "first": min(some), "last": max(some)},
        )
        told: dict[tuple[str, str], Told] = {}
        for name, payload in intents:
            if name not in some:
                continue
            key, vendor_id, sent = some[name]
            row = Row.of(orjson.loads(payload))
            row = replace(row, key=key, vendor_id=vendor_id or row.vendor_id, fields={**row.fields, **sent})
            told[row.object, key] = Told(row)
        yield _with_latest(db, destination, list(told.values()))


def _with_latest(db: duckdb.DuckDBPyConnection, destination: str, told: Sequence[Told]) -> list[Told]:
    """Return records with what was told of them last, and by which run."""
    keys = pa.table(
        {"object": pa.array([one.row.object for one in told], pa.string()), "object_key": [one.row.key for one in told]}
    )
    db.register("looked_at", keys)
    try:
        rows = db.execute(
            f"""
            with

            theirs as (
                select *, regexp_extract(outcome_id, '{RUN}', 1) as sender
                from stg_turnout__outcomes semi join looked_at using (object, object_key)
                where destination = $destination and status = 'published'
            ),

            cells as (
                select object, object_key, sender, operation, occurred_at, observed_at, event_id,
                    fields, unnest(json_keys(fields)) as name
                from theirs where operation <> 'delete'
                union all
                select object, object_key, sender, operation, occurred_at, observed_at, event_id, fields, ''
                from theirs where operation in ('create', 'delete')
            )

            select object, object_key, name,
                json_extract_string(fields, '$."' || coalesce(nullif(name, ''), '-') || '"'), sender, operation
            from cells
            qualify row_number() over (
                partition by object, object_key, name order by occurred_at desc, observed_at desc, event_id desc
            ) = 1
            """,  # noqa: S608
            {"destination": destination},
        ).fetchall()
    finally:
        db.unregister("looked_at")
    latest: dict[tuple[str, str], dict[str, str | None]] = {}
    by: dict[tuple[str, str], dict[str, str]] = {}
    deleted: dict[tuple[str, str], str] = {}
    for kind, key, name, value, run, operation in rows:
        if name:
            latest.setdefault((kind, key), {})[name] = value
            by.setdefault((kind, key), {})[name] = run
        elif operation == "delete":
            deleted[kind, key] = run
    places = [(one.row.object, one.row.key) for one in told]
    return [
        Told(one.row, latest.get(place, {}), by.get(place, {}), deleted.get(place, ""))
        for one, place in zip(told, places, strict=True)
    ]


def _taken_back(plan: Plan, name: str, destination: Destination, told: Sequence[Told]) -> list[Row]:
    """Return the rows that take some records back; what is left is noted in the plan, with why."""
    run = plan.undoes
    asked: list[Told] = []
    for one in told:
        why = destination.lasting.get(one.row.object, "")
        if one.deleted_by and one.row.operation != "delete":
            why = f"it was deleted by run {one.deleted_by}"
        elif one.row.operation == "delete" and one.row.object not in destination.returning:
            why = "it was deleted, and only a person can restore it"
        if why:
            plan.left.append((name, one.row, why))
        else:
            asked.append(one)
    held = destination.changed([_as_told(one) for one in asked])
    rows: list[Row] = []
    for one, changes in zip(asked, held, strict=True):
        if one.row.operation == "delete":
            if changes is None:
                context = {**one.row.context, UNDOES: run}
                rows.append(Row(one.row.object, "create", one.row.key, one.row.vendor_id, one.latest, context=context))
            else:
                plan.left.append((name, one.row, "it is there again"))
        elif changes is None:
            plan.left.append((name, one.row, "it is not there any more"))
        elif one.row.operation == "create" and changes:
            plan.left.append((name, one.row, f"somebody changed {', '.join(sorted(changes))} since"))
        elif one.row.operation == "create":
            context = {**one.latest, **one.row.context, UNDOES: run}
            rows.append(Row(one.row.object, "delete", one.row.key, one.row.vendor_id, context=context))
        else:
            rows += _set_back(plan, name, one, changes)
    return rows


def _as_told(one: Told) -> Row:
    """Return a record as it should stand: what we told of it last; of a change, of the fields that it changed."""
    names = one.latest if one.row.operation == "create" else one.row.fields
    return Row(
        one.row.object,
        one.row.operation,
        one.row.key,
        one.row.vendor_id,
        {name: one.latest.get(name) for name in names},
        context=one.row.context,
    )


def _set_back(plan: Plan, name: str, one: Told, changes: Mapping[str, str | None]) -> list[Row]:
    """Return the row that sets the fields of a change back, without those that somebody or a later run changed."""
    run = plan.undoes
    moved = {field for field, new in one.row.fields.items() if (one.row.old.get(field) or None) != (new or None)}
    is_whole = moved != set(one.row.fields)
    later = {field: by for field in moved if (by := one.by.get(field, run)) != run}
    others = sorted(field for field in moved if field in changes and field not in later)
    if others:
        plan.left.append((name, one.row, f"somebody changed {', '.join(others)} since"))
    for by in sorted(set(later.values())):
        names = ", ".join(sorted(field for field, who in later.items() if who == by))
        plan.left.append((name, one.row, f"run {by} told {names} since"))
    back = moved - set(later) - set(others)
    if not back:
        return []
    fields = {field: one.row.old.get(field) for field in one.row.fields if field in back}
    old = {field: one.row.fields[field] for field in fields}
    if is_whole:  # the vendor takes the record as a whole: what is left stays as it is there, and is held, too
        fields = {name: fields[name] if name in back else changes.get(name, new) for name, new in one.latest.items()}
        old = {**one.latest, **old}
    context = {**one.row.context, UNDOES: run}
    return [Row(one.row.object, "update", one.row.key, one.row.vendor_id, fields, old, context)]


def _parts(
    db: duckdb.DuckDBPyConnection, destination: Destination, name: str, run: str, rows: Sequence[Row]
) -> list[Row]:
    """Return rows for what goes with a record that is deleted: it is no longer there, whoever told it."""
    found: list[Row] = []
    for kind, parts in destination.parts.items():
        gone = [row.key for row in rows if row.object == kind and row.operation == "delete"]
        if not gone:
            continue
        told = db.execute(
            """
            select object, object_key, max(vendor_id) from stg_turnout__outcomes
            where destination = $name and status = 'published' and list_contains($parts, object)
                and split_part(object_key, '|', 1) in (select unnest($gone))
            group by object, object_key
            having arg_max(operation, (occurred_at, observed_at, event_id)) <> 'delete'
            order by object, object_key
            """,
            {"name": name, "parts": list(parts), "gone": gone},
        ).fetchall()
        found += [Row(part, "delete", key, vendor_id, context={UNDOES: run}) for part, key, vendor_id in told]
    return found


def _without_gone(left: Sequence[tuple[str, Row, str]], name: str, rows: Sequence[Row]) -> list[tuple[str, Row, str]]:
    """Return what is left without what goes with a record that is deleted: a part of it, or what a person was in."""
    deleted = [row for row in rows if row.operation == "delete"]
    gone = {(row.object, row.key) for row in deleted}
    people = {row.vendor_id for row in deleted if row.object in PEOPLE and row.vendor_id}
    return [
        (where, row, why)
        for where, row, why in left
        if where != name
        or ((row.object, row.key) not in gone and not (row.object in OF_PEOPLE and row.vendor_id in people))
    ]
