"""Verdicts: everything that could have been published, and what became of it. In = out + reasons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b

import duckdb
import pyarrow as pa

from pipelines import duck
from pipelines.errors import LogError
from pipelines.log import Log
from pipelines.models import Model
from pipelines.publish.holds import TAKEN_BACK
from pipelines.publish.plan import Plan
from pipelines.publish.planned import Planned
from pipelines.publish.receipts import outcomes_of
from pipelines.publish.sending import EMPTIED
from pipelines.warehouse import Catalog, Entry, Warehouse

NAME = "verdicts"
HELD = "held back by a check: "
"""How the reason of a record that a failed check holds back begins."""


def write_verdicts(
    log: Log, models: Mapping[str, Model], plan: Plan, *, at: datetime, is_applied: bool = False
) -> dict[str, int]:
    """Write the table `verdicts`, one row per destination, object and key, and return the count of each verdict.

    After `apply` it tells what the vendors answered (`is_applied`), before it what is planned. Destinations that the
    plan is not for keep the verdicts that they had.
    """
    warehouse = Warehouse(log.home)
    syncs = [model for model in models.values() if model.layer == "sync" and model.header["destination"] in plan.rows]
    with log.locked(), warehouse.connect({NAME, *(model.name for model in syncs)}) as db:
        db.register("planned_rows", _planned(plan))
        db.register("waiting_rows", _waiting(plan))
        db.register("answers", _answers(log, plan if is_applied else None))
        candidates = "".join(
            f" union all select '{model.header['destination']}' as destination, '{model.header['object']}' as object, "
            f"object_key, reason, {model.header.get('verdict', 'cast(null as varchar)')} as judged from {model.name}"
            for model in syncs
        )
        before = warehouse.catalog()
        earlier = (
            f"select destination, object, object_key, verdict, reason, since from {NAME}"
            if NAME in before.entries and warehouse.is_whole(before.entries[NAME])
            else "select '' as destination, '' as object, '' as object_key, '' as verdict, '' as reason, "
            "cast(null as timestamptz) as since where false"
        )
        sql = f"""
            with

            candidates as (
                select
                    destination, object, object_key,
                    cast(null as varchar) as reason, cast(null as varchar) as judged
                from planned_rows where object = 'property'
                {candidates}
            ),

            grouped as (
                select
                    destination, object, object_key,
                    min(reason) as reason, min(judged) as judged, bool_or(reason is null) as is_wanted
                from candidates group by destination, object, object_key
            ),

            judged as (
                select
                    grouped.destination,
                    grouped.object,
                    grouped.object_key,
                    case
                        when not grouped.is_wanted and grouped.reason like 'ambiguous%' then 'quarantined'
                        when not grouped.is_wanted and grouped.reason like 'segment\\_%' escape '\\' then 'waiting'
                        when not grouped.is_wanted then coalesce(grouped.judged, 'excluded')
                        when answers.status = 'published' then 'published'
                        when answers.status = 'rejected' then 'rejected'
                        when waiting_rows.object_key is not null then waiting_rows.verdict
                        when planned_rows.object_key is not null then {"'waiting'" if is_applied else "'planned'"}
                        else 'unchanged'
                    end as verdict,
                    case
                        when not grouped.is_wanted then grouped.reason
                        when answers.status is not null then answers.reason
                        else waiting_rows.reason
                    end as reason
                from grouped
                left join planned_rows using (destination, object, object_key)
                left join waiting_rows using (destination, object, object_key)
                left join answers using (destination, object, object_key)
            )

            select
                judged.destination, judged.object, judged.object_key, judged.verdict, judged.reason,
                coalesce(earlier.since, cast('{at.isoformat()}' as timestamptz)) as since
            from judged
            left join ({earlier}) as earlier
                on judged.destination = earlier.destination and judged.object = earlier.object
                and judged.object_key = earlier.object_key and judged.verdict = earlier.verdict
                and judged.reason is not distinct from earlier.reason
            union all
            select destination, object, object_key, verdict, reason, since from ({earlier})
            where destination not in ({", ".join(f"'{name}'" for name in plan.rows) or "''"})
            order by destination, object, object_key
        """
        return _swap(db, warehouse, before, sql)


def _swap(db: duckdb.DuckDBPyConnection, warehouse: Warehouse, before: Catalog, sql: str) -> dict[str, int]:
    rows: pa.Table = db.sql(sql).to_arrow_table()
    db.register("verdict_rows", rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    fingerprint = blake2b(sink.getvalue(), digest_size=12).hexdigest()
    file = f"{NAME}/{fingerprint}.parquet"
    path = warehouse.root / file
    counts = db.execute("select verdict, count(*) from verdict_rows group by verdict order by verdict").fetchall()
    if NAME in before.entries and before.entries[NAME].files == [file] and path.exists():
        warehouse.show()
        return dict(counts)
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db.execute(f"copy verdict_rows to {duck.text(fresh)} (format parquet, compression zstd)")
        fresh.replace(path)
    except (duckdb.IOException, OSError) as error:
        raise LogError(
            f"{path} cannot be written: {str(error)[:300]}. What was sent and answered is in the log; "
            "see that the disk has room and the folder can be written, then run again."
        ) from None
    columns = {str(row[0]): str(row[1]) for row in db.execute("describe verdict_rows").fetchall()}
    after = Catalog(dict(before.entries), dict(before.retired), before.as_of)
    after.entries[NAME] = Entry(fingerprint, [file], rows.num_rows, columns, as_of=before.as_of)
    warehouse.swap(before, after)
    return dict(counts)


def _planned(plan: Plan) -> pa.Table:
    empty = pa.table({name: pa.array([], pa.string()) for name in ("destination", "object", "object_key")})
    return pa.concat_tables(
        [
            empty,
            *(
                rows.table.select(["object", "object_key"]).add_column(
                    0, "destination", pa.array([name] * len(rows), pa.string())
                )
                for name, rows in plan.rows.items()
            ),
        ]
    )


def _waiting(plan: Plan) -> pa.Table:
    told = [
        (name, row.object, row.key, _verdict(reason), reason)
        for name, rows in plan.waiting.items()
        for row, reason in rows
    ]
    names = ("destination", "object", "object_key", "verdict", "reason")
    waiting = pa.table({name: pa.array([one[at] for one in told], pa.string()) for at, name in enumerate(names)})
    held = [_of(rows, name, "waiting", HELD + plan.held_by[name]) for name, rows in plan.held.items()]
    return pa.concat_tables([waiting, *held])


def _of(rows: Planned, destination: str, verdict: str, reason: str) -> pa.Table:
    """Return the same verdict of many rows."""
    same = {"destination": destination, "verdict": verdict, "reason": reason}
    columns = {name: pa.array([text] * len(rows), pa.string()) for name, text in same.items()}
    told = {**columns, "object": rows.table["object"], "object_key": rows.table["object_key"]}
    return pa.table(told).select(["destination", "object", "object_key", "verdict", "reason"])


def _verdict(reason: str) -> str:
    """Return the verdict of a row that is not sent: the vendor refused it, or it waits."""
    return "waiting" if "broken off" in reason or reason.startswith((EMPTIED, TAKEN_BACK)) else "rejected"


def _answers(log: Log, plan: Plan | None) -> pa.Table:
    columns: dict[str, list[str]] = {"destination": [], "object": [], "object_key": [], "status": [], "reason": []}
    for told in outcomes_of(log, plan.plan_id) if plan is not None else ():
        if told["status"] in ("published", "rejected") or told["reason"]:
            values = (told["destination"], told["object"], told["planned_key"], told["status"], told["reason"])
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
