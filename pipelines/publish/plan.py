"""The plan: what the sync models want, less what the vendors confirmed, field by field (EV-05). Writes nothing outside.

A sync model is one row per record with the columns `object_key`, `vendor_id`, `reason` (null: to be published) and
its fields; its header names the `destination` and the `object`, and may name columns that go out `create only`, or
are `context` of the call and no field; `send: whole` sends every field of a record of which one has changed.

`send whole when` names a boolean column that says so of one record, `delete when` one of a record that goes if it was
ever told, and `fields` a column with a JSON object of further fields, whose names come from the settings. What that
object does not name stays as it is. `verdict` names a column with the verdict on a record that has a reason, where
that is another than `excluded`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.checks import Check
from pipelines.errors import UsageError
from pipelines.models import Model
from pipelines.publish.holds import Holds
from pipelines.publish.planned import CHUNK, SCHEMA, Planned
from pipelines.publish.rows import Destination, Phase, Row
from pipelines.warehouse import write_whole

PLAN_SCHEMA = pa.schema(
    [
        pa.field("destination", pa.string()),
        *SCHEMA,
        pa.field("payload_hash", pa.string()),
        pa.field("why", pa.string()),
    ]
)
"""The columns of a plan's Parquet; `why` names the model and the rule."""

BROKEN_OFF = "an earlier sending was broken off, and {vendor} could not be asked yet"
VENDORS = {"hubspot": "HubSpot", "salesforce": "Salesforce", "marketo": "Marketo", "zoom": "Zoom"}


@dataclass
class Plan:
    """What would be written, to which destination, and where the log stood when that was found.

    Attributes:
        rows: per destination, in the order in which they go out.
        storage: bytes that the new records take at a destination that counts them.
        waiting: rows that are not sent since the vendor refused the same before, nobody knows what became of them, or
            they were taken back.
        held: rows of destinations that failed checks hold back. held_by: the words of these checks.
        checks: what was found of the rows themselves.
        undoes: the run that the plan takes back, "" for any other plan.
        left: (destination, row, why) of what such a plan cannot take back.
    """

    as_of: datetime
    positions: Mapping[str, int]
    settings: str
    rows: dict[str, Planned] = field(default_factory=dict)
    waiting: dict[str, list[tuple[Row, str]]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    quota_left: dict[str, int | None] = field(default_factory=dict)
    storage: dict[str, int] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    held: dict[str, Planned] = field(default_factory=dict)
    held_by: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    undoes: str = ""
    left: list[tuple[str, Row, str]] = field(default_factory=list)

    @cached_property
    def plan_id(self) -> str:
        """Hash of all that the plan says: the same content is the same plan."""
        told = [self.as_of.isoformat(), sorted(self.positions.items()), self.settings]
        hasher = blake2b(orjson.dumps(told), digest_size=8)
        for name, rows in sorted(self.rows.items()):
            if rows:
                hasher.update(name.encode())
                for text in rows.texts():
                    hasher.update(text)
        return hasher.hexdigest()

    @property
    def total(self) -> int:
        """Rows that would be written."""
        return sum(map(len, self.rows.values()))

    def hold(self, held: Mapping[str, str]) -> None:
        """Let all that would go to these destinations wait, each with the words of the checks that failed."""
        for name in held.keys() & self.rows.keys():
            self.held[name], self.held_by[name] = self.rows[name], held[name]
            self.rows[name], self.calls[name] = Planned(), 0
            self.storage.pop(name, None)

    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return destination to object to operation to number of rows."""
        return {name: rows.counts() for name, rows in self.rows.items() if rows}

    def summary(self) -> dict[str, Any]:
        """Return what `--json` and the file beside the Parquet say."""
        return {
            "plan": self.plan_id,
            "as_of": self.as_of.isoformat(),
            "changes": self.total,
            "counts": self.counts(),
            "waiting": {name: len(rows) for name, rows in self.waiting.items()},
            "held": {name: {"records": len(rows), "why": self.held_by[name]} for name, rows in self.held.items()},
            "calls": self.calls,
            "quota_left": self.quota_left,
            "storage_bytes": self.storage,
            "positions": dict(self.positions),
            "settings": self.settings,
            **({"undoes": self.undoes, "left": self._told_left()} if self.undoes else {}),
        }

    def _told_left(self) -> list[dict[str, str]]:
        return [
            {"destination": name, "object": row.object, "key": row.key, "operation": row.operation, "why": why}
            for name, row, why in self.left
        ]

    def save(self, path: Path) -> Path:
        """Write the Parquet, and its summary beside it as JSON; return the Parquet's path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        sink = pa.BufferOutputStream()
        with pq.ParquetWriter(sink, PLAN_SCHEMA, compression="zstd") as writer:
            for destination, rows in self.rows.items():
                for at in range(0, len(rows), CHUNK):
                    some = Planned(rows.table.slice(at, CHUNK))
                    told = {
                        "destination": [destination] * len(some),
                        **{name: some.table[name] for name in SCHEMA.names},
                        "payload_hash": [row.payload_hash for row in some],
                        "why": [self.why.get(kind, "") for kind in some.table["object"].to_pylist()],
                    }
                    writer.write_table(pa.table(told, schema=PLAN_SCHEMA))
        write_whole(path, sink.getvalue().to_pybytes())
        write_whole(path.with_suffix(".json"), orjson.dumps(self.summary(), option=orjson.OPT_INDENT_2))
        return path


def load_plan(home: Path, name: str) -> Plan:
    """Read a plan by its id, or by the path of its Parquet.

    Raises:
        UsageError: there is no such plan, or its files are damaged.
    """
    path = Path(name)
    if path.suffix != ".parquet":
        named = path.with_name(path.name + ".parquet") if path.name else path
        path = named if named.exists() else home / "plans" / f"{name}.parquet"
    try:
        told = orjson.loads(path.with_suffix(".json").read_bytes())
        table = pq.read_table(path, schema=PLAN_SCHEMA)
        plan = Plan(datetime.fromisoformat(told["as_of"]), told["positions"], told["settings"], calls=told["calls"])
        plan.undoes = str(told.get("undoes", ""))
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such plan. `turnout plan` makes one and names it.") from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UsageError(f"{path} is no plan that can be read: {error}. Make a new one with `turnout plan`.") from None
    for destination in dict.fromkeys(table["destination"].to_pylist()):
        plan.rows[destination] = Planned(table.filter(pc.equal(table["destination"], destination)))
    for destination in told["counts"]:
        plan.rows.setdefault(destination, Planned())
    if plan.plan_id != told["plan"]:
        raise UsageError(f"{path} was changed since it was made. Make a new plan with `turnout plan`.")
    return plan


READS = ("int_published", "stg_turnout__outcomes")
"""Models that every plan reads, beside the sync models and what destinations read to prepare."""


def read_by_plans(models: Mapping[str, Model], connected: Iterable[Destination]) -> set[str]:
    """Return the names of all models that making a plan reads."""
    syncs = {model.name for model in models.values() if model.layer == "sync"}
    return {*syncs, *READS, *(name for destination in connected for name in destination.reads)}


def make_plan(
    db: duckdb.DuckDBPyConnection,
    models: Mapping[str, Model],
    destinations: Sequence[str],
    *,
    as_of: datetime,
    positions: Mapping[str, int],
    settings: str,
    connected: Mapping[str, Destination],
    unknown: Iterable[tuple[str, Row]] = (),
    retried: tuple[Mapping[str, datetime], Mapping[str, datetime]] = ({}, {}),
) -> Plan:
    """Compare the sync models with what was published.

    Args:
        db: the models as views, as `Warehouse.connect` gives them.
        connected: destinations that can be asked what they still need; a plan without them is made all the same.
        unknown: (destination, row) of intents whose outcome nobody knows: their records wait.
        retried: per destination, since when a refusal, and what an undo took back, holds up what it did.
    """
    plan = Plan(as_of, positions, settings)
    unclear = {(name, row.object, row.key) for name, row in unknown}
    for name in destinations:
        phases = connected[name].phases if name in connected else ()
        tables = [Planned.of(connected[name].prepare(db) if name in connected else ()).table]
        for model in models.values():
            if model.layer == "sync" and model.header.get("destination") == name:
                tables.append(_changes(db, model, phases))
                rule = model.header.get("rule", "").partition(";")[0]
                plan.why.setdefault(model.header["object"], f"{model.name}: {rule}")
        rows = ordered(Planned(pa.concat_tables(tables)), phases)
        refused = _refused(db, name, settings, retried[0].get(name))
        rows, plan.waiting[name] = _without_waiting(rows, name, unclear, refused)
        holds = Holds.of(db, name, connected[name].parts if name in connected else {}, retried[1].get(name))
        rows, held = holds.applied(rows)
        plan.waiting[name] += held
        plan.rows[name] = ordered(rows, phases) if held else rows
        plan.calls[name] = plan.rows[name].calls(phases)
        plan.quota_left[name] = connected[name].quota_left() if name in connected else None
        sizes = connected[name].storage if name in connected else {}
        created = {kind: by_operation.get("create", 0) for kind, by_operation in plan.rows[name].counts().items()}
        if taken := sum(created.get(kind, 0) * size for kind, size in sizes.items()):
            plan.storage[name] = taken
    return plan


def ordered(rows: Planned, phases: Sequence[Phase]) -> Planned:
    """Return rows in the order in which they go out: phase by phase, in each as they were made."""
    parts = [rows.of_phase(phase).table for phase in phases]
    taken = {(phase.object, operation) for phase in phases for operation in phase.operations}
    kinds = rows.table["object"], rows.table["operation"]
    if {(kind, operation) for kind, by in rows.counts().items() for operation in by} - taken:
        is_left = [one not in taken for one in zip(*(kind.to_pylist() for kind in kinds), strict=True)]
        parts.append(rows.table.filter(pa.array(is_left, pa.bool_())))
    return Planned(pa.concat_tables([SCHEMA.empty_table(), *parts]))


def _without_waiting(
    rows: Planned,
    destination: str,
    unclear: Collection[tuple[str, str, str]],
    refused: Mapping[tuple[str, str, str], str],
) -> tuple[Planned, list[tuple[Row, str]]]:
    """Return the rows to send, and those that wait, each with why."""
    doubtful = {(kind, key) for name, kind, key in unclear if name == destination}
    refused_keys = {(kind, key) for kind, key, _ in refused}
    waiting: list[tuple[Row, str]] = []
    kept: list[int] = []
    kinds, keys = (rows.table[name].to_pylist() for name in ("object", "object_key"))
    for at, place in enumerate(zip(kinds, keys, strict=True)):
        if place in doubtful:
            waiting.append((rows[at], BROKEN_OFF.format(vendor=VENDORS.get(destination, destination))))
            continue
        if place in refused_keys:
            row = rows[at]
            reason = refused.get((row.object, row.key, row.payload_hash))
            if reason is not None:
                waiting.append((row, reason))
                continue
        kept.append(at)
    return (Planned(rows.table.take(pa.array(kept, pa.int64()))) if waiting else rows), waiting


def words(text: str | None) -> list[str]:
    """Return the names in a header's list: `a, b` is two."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def fields_of(db: duckdb.DuckDBPyConnection, model: Model) -> list[str]:
    """Return the columns of a sync model that are fields at the vendor."""
    columns = [str(row[0]) for row in db.execute(f"describe {model.name}").fetchall()]
    apart = {
        "object_key",
        "vendor_id",
        "reason",
        *words(model.header.get("context")),
        *words(model.header.get("apart")),
        *(model.header.get(name, "") for name in ("fields", "delete when", "send whole when", "verdict")),
    }
    return [column for column in columns if column not in apart]


def _mapped(db: duckdb.DuckDBPyConnection, model: Model) -> list[str]:
    """Return the fields that a sync model holds as JSON."""
    column = model.header.get("fields")
    if not column:
        return []
    rows = db.execute(f'select distinct unnest(json_keys("{column}")) as name from {model.name} order by name')  # noqa: S608
    return [str(name) for (name,) in rows.fetchall()]


def _changes(db: duckdb.DuckDBPyConnection, model: Model, phases: Sequence[Phase]) -> pa.Table:
    is_empty = not db.execute(f"from {model.name} limit 1").fetchall()
    plain, mapped = ([], []) if is_empty else (fields_of(db, model), _mapped(db, model))
    if not (fields := [*plain, *mapped]):
        return SCHEMA.empty_table()
    target = {"destination": model.header["destination"], "object": model.header["object"]}
    once = [name for name in words(model.header.get("create only")) if name in fields]
    context = words(model.header.get("context"))
    whole, goes = (model.header.get(name) for name in ("send whole when", "delete when"))
    is_whole = f'given."{whole}"' if whole else str(model.header.get("send") == "whole").lower()
    is_new = "wanted.vendor_id is null" if "create when" in model.header else "told.is_told is null"
    described = ", ".join(f"'{name}': \"{name}\"" for name in context)
    among = next((phase.sorted_by for phase in phases if phase.object == target["object"]), ())
    told = f"cast(to_json({{{described}}}) as varchar)" if context else "'{}'"
    held = ", ".join(
        f"max(case when field_name = '{name}' then nullif(field_value, '') end) as \"{name}\"" for name in fields
    )
    wanted = [*(f'given."{name}"' for name in plain), *(_within(model.header["fields"], name) for name in mapped)]
    cells = {name: _cell(name, is_once=name in once) for name in sorted(fields)}
    table: pa.Table = db.sql(
        f"""
        with

        told as (
            select object_key, true as is_told, {held}
            from int_published where destination = $destination and object = $object
            group by object_key
        ),

        wanted as (
            select given.object_key, given.vendor_id, {told} as context,
                [{", ".join(f"coalesce({name}, '')" for name in (f'"{one}"' for one in among))}]::varchar[] as among,
                {f'given."{goes}"' if goes else "false"} as is_deleted, {is_whole} as is_whole, {", ".join(wanted)}
            from {model.name} as given {"left join told using (object_key)" if mapped else ""}
            where given.reason is null
        ),

        compared as (
            select
                wanted.object_key, wanted.vendor_id, wanted.context, wanted.among, wanted.is_deleted,
                {is_new} as is_new,
                [{", ".join(cells.values())}] as cells
            from wanted left join told using (object_key)
            where case
                when wanted.is_deleted then told.is_told
                else {" or ".join(_differs(name, is_new if name in once else "") for name in fields)}
            end
        )

        select
            $object as object,
            case when is_deleted then 'delete' when is_new then 'create' else 'update' end as operation,
            object_key,
            vendor_id,
            cast(to_json(map_from_entries(list_transform(
                list_filter(cells, lambda cell: cell.is_sent and not is_deleted),
                lambda cell: {{'key': cell.name, 'value': [cell.old, cell.new]}}
            ))) as varchar) as changes,
            context
        from compared
        order by among, object_key
        """,
        params={"destination": target["destination"], "object": target["object"]},
    ).to_arrow_table()
    return table.cast(SCHEMA)


def _differs(name: str, only_when: str = "") -> str:
    """Return the condition that a field should hold something else than it does."""
    differs = f'nullif(wanted."{name}", \'\') is distinct from told."{name}"'
    return f"({only_when} and {differs})" if only_when else differs


def _within(column: str, name: str) -> str:
    """Return one field of a JSON column; one that it does not name stays what the vendor holds."""
    path = f'given."{column}", \'$."{name}"\''
    return f'case when json_exists({path}) then json_extract_string({path}) else told."{name}" end as "{name}"'


def _cell(name: str, *, is_once: bool) -> str:
    """Return one field as a struct: its name, what the vendor holds, what it should, and whether that is sent."""
    sent = " and ".join([*(["is_new"] if is_once else []), f"(wanted.is_whole or {_differs(name)})"])
    return f"{{'name': '{name}', 'old': told.\"{name}\", 'new': wanted.\"{name}\", 'is_sent': {sent}}}"


def _refused(
    db: duckdb.DuckDBPyConnection, destination: str, settings: str, since: datetime | None
) -> dict[tuple[str, str, str], str]:
    """Return what the vendor refused when it was last told, under the settings in force and since a retry (EV-07)."""
    rows = db.execute(
        """
        select object, planned_key, payload_hash, reason from stg_turnout__outcomes
        where destination = ? and settings = ? and (? is null or observed_at > ?)
        qualify status = 'rejected'
            and 1 = row_number() over (
                partition by object, planned_key order by occurred_at desc, observed_at desc, event_id)
        """,
        [destination, settings, since, since],
    ).fetchall()
    return {(kind, key, payload_hash): reason for kind, key, payload_hash, reason in rows}
