"""The plan: what the sync models want, less what the vendors confirmed, field by field (EV-05). Writes nothing outside.

A sync model is one row per record with the columns `object_key`, `vendor_id`, `reason` (null: to be published) and
its fields; its header names the `destination` and the `object`, and may name columns that go out `create only`, or
are `context` of the call and no field; `send: whole` sends every field of a record of which one has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import UsageError
from pipelines.models import Model
from pipelines.publish.rows import Destination, Phase, Row
from pipelines.warehouse import write_whole

PLAN_SCHEMA = pa.schema(
    [
        pa.field("destination", pa.string()),
        pa.field("object", pa.string()),
        pa.field("operation", pa.string()),
        pa.field("object_key", pa.string()),
        pa.field("vendor_id", pa.string()),
        pa.field("changes", pa.string()),
        pa.field("context", pa.string()),
        pa.field("payload_hash", pa.string()),
        pa.field("why", pa.string()),
    ]
)
"""`changes` is a JSON object of field to `[old, new]`; `why` names the model and the rule."""

Step = tuple[str, str]


@dataclass
class Plan:
    """What would be written, to which destination, and where the log stood when that was found.

    Attributes:
        rows: per destination, in the order in which they go out.
        waiting: rows that are not sent since the vendor refused the same before, or nobody knows what became of them.
    """

    as_of: datetime
    positions: Mapping[str, int]
    settings: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    waiting: dict[str, list[tuple[Row, str]]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    quota_left: dict[str, int | None] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    @property
    def plan_id(self) -> str:
        """Hash of all that the plan says: the same content is the same plan."""
        told = [
            self.as_of.isoformat(),
            sorted(self.positions.items()),
            self.settings,
            [[name, [row.told() for row in rows]] for name, rows in sorted(self.rows.items()) if rows],
        ]
        return blake2b(orjson.dumps(told, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()

    @property
    def total(self) -> int:
        """Rows that would be written."""
        return sum(map(len, self.rows.values()))

    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return destination to object to operation to number of rows."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for destination, rows in self.rows.items():
            for row in rows:
                by_operation = found.setdefault(destination, {}).setdefault(row.object, {})
                by_operation[row.operation] = by_operation.get(row.operation, 0) + 1
        return found

    def summary(self) -> dict[str, Any]:
        """Return what `--json` and the file beside the Parquet say."""
        return {
            "plan": self.plan_id,
            "as_of": self.as_of.isoformat(),
            "changes": self.total,
            "counts": self.counts(),
            "waiting": {name: len(rows) for name, rows in self.waiting.items()},
            "calls": self.calls,
            "quota_left": self.quota_left,
            "positions": dict(self.positions),
            "settings": self.settings,
        }

    def save(self, path: Path) -> Path:
        """Write the Parquet, and its summary beside it as JSON; return the Parquet's path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            {
                "destination": destination,
                "object": row.object,
                "operation": row.operation,
                "object_key": row.key,
                "vendor_id": row.vendor_id,
                "changes": orjson.dumps({name: [row.old.get(name), new] for name, new in row.fields.items()}).decode(),
                "context": orjson.dumps(dict(row.context)).decode(),
                "payload_hash": row.payload_hash,
                "why": self.why.get(row.object, ""),
            }
            for destination, rows in self.rows.items()
            for row in rows
        ]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, schema=PLAN_SCHEMA), sink, compression="zstd")
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
        table = pq.read_table(path).to_pylist()
        plan = Plan(datetime.fromisoformat(told["as_of"]), told["positions"], told["settings"], calls=told["calls"])
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such plan. `turnout plan` makes one and names it.") from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UsageError(f"{path} is no plan that can be read: {error}. Make a new one with `turnout plan`.") from None
    for entry in table:
        changes = orjson.loads(entry["changes"])
        row = Row(
            entry["object"],
            entry["operation"],
            entry["object_key"],
            entry["vendor_id"],
            {name: pair[1] for name, pair in changes.items()},
            {name: pair[0] for name, pair in changes.items()},
            orjson.loads(entry["context"]),
        )
        plan.rows.setdefault(entry["destination"], []).append(row)
    for destination in told["counts"]:
        plan.rows.setdefault(destination, [])
    if plan.plan_id != told["plan"]:
        raise UsageError(f"{path} was changed since it was made. Make a new plan with `turnout plan`.")
    return plan


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
) -> Plan:
    """Compare the sync models with what was published.

    Args:
        db: the models as views, as `Warehouse.connect` gives them.
        connected: destinations that can be asked what they still need; a plan without them is made all the same.
        unknown: (destination, row) of intents whose outcome nobody knows: their records wait.
    """
    plan = Plan(as_of, positions, settings)
    unclear = {(name, row.object, row.key) for name, row in unknown}
    for name in destinations:
        rows: list[Row] = list(connected[name].prepare(db)) if name in connected else []
        for model in models.values():
            if model.layer == "sync" and model.header.get("destination") == name:
                rows += _changes(db, model)
                rule = model.header.get("rule", "").partition(";")[0]
                plan.why.setdefault(model.header["object"], f"{model.name}: {rule}")
        phases = connected[name].phases if name in connected else ()
        refused = _refused(db, name, settings)
        plan.rows[name], plan.waiting[name] = [], []
        for row in _ordered(rows, phases):
            if (name, row.object, row.key) in unclear:
                plan.waiting[name].append(
                    (row, "an earlier sending was broken off, and HubSpot could not be asked yet")
                )
            elif (row.object, row.key, row.payload_hash) in refused:
                plan.waiting[name].append((row, refused[row.object, row.key, row.payload_hash]))
            else:
                plan.rows[name].append(row)
        plan.calls[name] = sum(
            len(phase.batches([row for row in plan.rows[name] if phase.takes(row)])) for phase in phases
        )
        plan.quota_left[name] = connected[name].quota_left() if name in connected else None
    return plan


def _ordered(rows: Iterable[Row], phases: Sequence[Phase]) -> list[Row]:
    def place(row: Row) -> tuple[int, str]:
        return next((at for at, phase in enumerate(phases) if phase.takes(row)), len(phases)), row.key

    return sorted(rows, key=place)


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
    }
    return [column for column in columns if column not in apart]


def _changes(db: duckdb.DuckDBPyConnection, model: Model) -> list[Row]:
    fields = fields_of(db, model)
    if not fields:
        return []
    target = {"destination": model.header["destination"], "object": model.header["object"]}
    once = [name for name in words(model.header.get("create only")) if name in fields]
    context = words(model.header.get("context"))
    is_whole = model.header.get("send") == "whole"
    is_new = "wanted.vendor_id is null" if "create when" in model.header else "told.is_told is null"
    described = ", ".join(f"'{name}': \"{name}\"" for name in context) or "'none': null"
    held = ", ".join(
        f"max(case when field_name = '{name}' then nullif(field_value, '') end) as \"{name}\"" for name in fields
    )
    cells = {name: _cell(name, is_once=name in once, is_whole=is_whole) for name in sorted(fields)}
    rows = db.execute(
        f"""
        with

        wanted as (
            select object_key, vendor_id, {{{described}}} as context, {", ".join(f'"{name}"' for name in fields)}
            from {model.name} where reason is null
        ),

        told as (
            select object_key, true as is_told, {held}
            from int_published where destination = $destination and object = $object
            group by object_key
        ),

        compared as (
            select
                wanted.object_key, wanted.vendor_id, wanted.context, {is_new} as is_new,
                [{", ".join(cells.values())}] as cells
            from wanted left join told using (object_key)
            where {" or ".join(_differs(name, is_new if name in once else "") for name in fields)}
        )

        select object_key, vendor_id, context, is_new, list_filter(cells, lambda cell: cell.is_sent) from compared
        order by object_key
        """,
        {"destination": target["destination"], "object": target["object"]},
    ).fetchall()
    return [
        Row(
            target["object"],
            "create" if is_created else "update",
            key,
            vendor_id,
            {cell["name"]: cell["new"] for cell in sent},
            {cell["name"]: cell["old"] for cell in sent},
            {name: told[name] for name in context},
        )
        for key, vendor_id, told, is_created, sent in rows
    ]


def _differs(name: str, only_when: str = "") -> str:
    """Return the condition that a field should hold something else than it does."""
    differs = f'nullif(wanted."{name}", \'\') is distinct from told."{name}"'
    return f"({only_when} and {differs})" if only_when else differs


def _cell(name: str, *, is_once: bool, is_whole: bool) -> str:
    """Return one field as a struct: its name, what the vendor holds, what it should, and whether that is sent."""
    sent = " and ".join([*(["is_new"] if is_once else []), *([] if is_whole else [_differs(name)])]) or "true"
    return f"{{'name': '{name}', 'old': told.\"{name}\", 'new': wanted.\"{name}\", 'is_sent': {sent}}}"


def _refused(db: duckdb.DuckDBPyConnection, destination: str, settings: str) -> dict[tuple[str, str, str], str]:
    """Return what the vendor refused last time it was told, under the settings in force (EV-07)."""
    rows = db.execute(
        """
        select object, planned_key, payload_hash, reason from stg_turnout__outcomes
        where destination = ? and settings = ?
        qualify row_number() over (
            partition by object, planned_key order by occurred_at desc, observed_at desc, event_id
        ) = 1 and status = 'rejected'
        """,
        [destination, settings],
    ).fetchall()
    return {(kind, key, payload_hash): reason for kind, key, payload_hash, reason in rows}
