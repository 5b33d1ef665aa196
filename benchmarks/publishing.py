"""Plan and publish: a day's changes against what was published before, and what sending them takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import orjson

from benchmarks import history
from pipelines import publish
from pipelines.events import EVENT_SCHEMA
from pipelines.models import Model
from pipelines.publish.plan import fields_of, words
from pipelines.publish.rows import Phase, Row
from pipelines.run import Workspace
from pipelines.settings import Connection, Settings
from pipelines.vendors.hubspot.destination import HubSpotDestination


def baseline(home: Path, at: datetime) -> int:
    """Say in the log that all that the sync models want was published: one outcome a record; return how many."""
    workspace = Workspace({"TURNOUT_HOME": str(home)})
    total = 0
    with workspace.warehouse.connect() as db:
        for model in workspace.models.values():
            if model.layer == "sync" and fields_of(db, model):
                rows = db.sql(_outcomes(db, model, at)).to_arrow_table().cast(EVENT_SCHEMA)
                if rows.num_rows:
                    history.commit(history.table_at(home, "turnout/outcomes"), rows, at)
                total += rows.num_rows
    return total


def _outcomes(db: duckdb.DuckDBPyConnection, model: Model, at: datetime) -> str:
    once = words(model.header.get("create only"))
    fields = [name for name in fields_of(db, model) if name not in once]
    columns = [str(row[0]) for row in db.execute(f"describe {model.name}").fetchall()]
    packed = ", ".join(f'"{name}" := "{name}"' for name in fields)
    email = "email" if "email" in columns else "cast(null as varchar)"
    is_created = f"vendor_id is null and {'true' if 'create when' in model.header else 'false'}"
    stranger = f"cast(1000000000000000 + hash({email}) % 100000000000000 as varchar)"
    known = f"case when {email} is null then vendor_id else coalesce(vendor_id, {stranger}) end"
    key = f"case when {is_created} then known_id else object_key end"
    if "step" in columns:  # a stranger's steps are known under the id that his contact was given
        key = "external_event_id || '|' || known_id || '|' || step"
    return f"""
        with wanted as (
            select *, {known} as known_id, {email} as address
            from {model.name} where reason is null
        ),
        told as (
            select
                '{model.name}-' || object_key as key,
                to_json(struct_pack(
                    run := 'made', plan := 'made', destination := '{model.header["destination"]}', settings := 'made',
                    object := '{model.header["object"]}', operation := case when {is_created} then 'create' else 'update' end,
                    key := {key}, planned_key := object_key,
                    vendor_id := known_id, email := address, status := 'published', reason := '', payload_hash := '',
                    fields := struct_pack({packed})
                )) as payload
            from wanted
        )
        select unhex(md5('outcome' || key)) as event_id, '{model.header["destination"]}' as account, '' as scope, key,
            'seen' as kind, timestamptz '{at.isoformat()}' as occurred_at, timestamptz '{at.isoformat()}' as observed_at,
            'made' as batch, unhex(md5(payload)) as digest, cast(payload as varchar) as payload
        from told order by key
    """


class Recorder:
    """HubSpot's client as far as the sending of contacts needs it; keeps the size of every body."""

    def __init__(self) -> None:
        self.bodies: list[int] = []

    def path(self, *names: str) -> str:
        """Return any path."""
        return "/".join(names)

    def post(self, path: str, *, doing: str, json: Any, **more: Any) -> Any:
        """Serialise as the HTTP client does, and say that all is done."""
        self.bodies.append(len(orjson.dumps(json)))
        told = [
            {"id": one.get("id", "1"), "objectWriteTraceId": one.get("objectWriteTraceId")} for one in json["inputs"]
        ]
        return SimpleNamespace(data={"status": "COMPLETE", "results": told}, status=200)


def make(home: Path, as_of: datetime) -> publish.Plan:
    """Make the plan from the models as they stand."""
    workspace = Workspace({"TURNOUT_HOME": str(home)})
    with workspace.warehouse.connect() as db:
        return publish.make_plan(
            db,
            workspace.models,
            ["hubspot"],
            as_of=as_of,
            positions=workspace.log.positions(),
            settings=workspace.settings_id,
            connected={},
        )


def sending(plan: publish.Plan, home: Path) -> dict[str, Any]:
    """Tell calls and bytes of what the plan would send, and the bytes of sending every property of the same contacts."""
    rows = plan.rows["hubspot"]
    nowhere = Connection("hubspot", "https://hubspot.invalid", access_token="none")  # noqa: S106, it opens nothing
    destination = HubSpotDestination(nowhere, Settings().hubspot.api_version)
    recorder: Any = Recorder()
    destination.client = recorder
    calls, least, at_least = 0, 0, 0
    for phase in destination.phases:
        mine = [row for row in rows if phase.takes(row)]
        calls += len(phase.batches(mine))
        at_least += _groups(phase, mine)
        least += -(-len(mine) // phase.batch_size)
    updates = next(phase for phase in destination.phases if phase.object == "contact" and "update" in phase.operations)
    mine = [row for row in rows if updates.takes(row)]
    for batch in updates.batches(mine):
        destination.send(updates, batch)
    whole = _all_properties(home, [row.key for row in mine])
    return {
        "rows": len(rows),
        "calls": calls,
        "calls_at_least": at_least,
        "ceil": least,
        "contacts": len(mine),
        "contact_calls": len(recorder.bodies),
        "contact_ceil": -(-len(mine) // updates.batch_size),
        "bytes": sum(recorder.bodies),
        "bytes_of_all": whole,
        "by_object": plan.counts().get("hubspot", {}),
    }


def _groups(phase: Phase, rows: Sequence[Row]) -> int:
    """Return the fewest calls there can be where the vendor takes one group a call."""
    sizes: dict[tuple[str | None, ...], int] = {}
    for row in rows:
        group = tuple(row.context.get(name) for name in phase.grouped_by)
        sizes[group] = sizes.get(group, 0) + 1
    return sum(-(-size // phase.batch_size) for size in sizes.values())


def _all_properties(home: Path, keys: Sequence[str]) -> int:
    workspace = Workspace({"TURNOUT_HOME": str(home)})
    model = workspace.models["sync_hubspot_contacts"]
    once = words(model.header.get("create only"))
    with workspace.warehouse.connect() as db:
        fields = [name for name in fields_of(db, model) if name not in once]
        listed = ", ".join(f'"{name}"' for name in fields)
        found = db.execute(
            f"select vendor_id, {listed} from sync_hubspot_contacts where list_contains(?, object_key)", [list(keys)]
        ).fetchall()
    trace = "00-" + 24 * "0"
    inputs = [
        {
            "id": row[0],
            "properties": dict(zip(fields, map(_cleared, row[1:]), strict=True)),
            "objectWriteTraceId": trace,
        }
        for row in found
    ]
    return sum(len(orjson.dumps({"inputs": inputs[at : at + 100]})) for at in range(0, len(inputs), 100))


def _cleared(value: str | None) -> str:
    return "" if value is None else value


def bodies(rows: Sequence[Row], dump: Any) -> int:
    """Make the bodies of batches of updates by a serialiser; return their bytes."""
    total = 0
    for at in range(0, len(rows), 100):
        inputs = [{"id": row.vendor_id, "properties": _told(row.fields)} for row in rows[at : at + 100]]
        total += len(dump({"inputs": inputs}))
    return total


def _told(fields: Mapping[str, str | None]) -> dict[str, str]:
    return {name: _cleared(value) for name, value in fields.items()}


def dumped(told: Any) -> str:
    """Serialise by the standard library."""
    return json.dumps(told)
