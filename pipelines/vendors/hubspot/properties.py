"""Definitions of properties: which the portal lacks, and how they are made.

Facts, from https://developers.hubspot.com/docs/api-reference/crm/properties (read 2026-11): a definition needs its
group first; a name that is taken is answered with 409; whether values must be unique cannot be changed later, and at
most ten properties of an object type can have unique ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from pipelines.publish.rows import Outcome, Row
from pipelines.vendors.hubspot.answers import errors, results, why
from pipelines.vendors.hubspot.client import HubSpotClient
from pipelines.vendors.hubspot.definitions import GROUP, GROUP_LABEL, KEY, KEY_ABOUT, KEY_LABEL, PROPERTIES, TEXT
from pipelines.vendors.hubspot.writing import after_writing

READS = ("stg_hubspot__properties", "stg_hubspot__activity_properties", "stg_turnout__outcomes")
KNOWN = """
    with

    told as (
        select property_name, kind, occurred_at, observed_at, event_id from stg_hubspot__properties
        union all
        select activity_kind || 's.' || property_name, kind, occurred_at, observed_at, event_id
        from stg_hubspot__activity_properties
    ),

    seen as (
        select
            property_name,
            arg_max(kind, (occurred_at, observed_at, event_id)) as kind,
            max(observed_at) as seen_at
        from told group by property_name
    ),

    made as (
        select object_key as property_name, max(observed_at) as made_at
        from stg_turnout__outcomes
        where destination = 'hubspot' and object = 'property' and status = 'published'
        group by object_key
    )

    select property_name from seen where kind = 'seen'
    union
    select property_name from made left join seen using (property_name)
    where seen.kind is null or made.made_at > seen.seen_at
"""
"""Names of what the portal has: of contacts bare, of other object types behind their name and a dot."""
UNIQUE = "hasUniqueValue"


def lacking(db: duckdb.DuckDBPyConnection, kinds: Sequence[str]) -> list[Row]:
    """Return the definitions that the portal lacks: those of contacts, and our key on each kind that comes in."""
    present = {name for (name,) in db.execute(KNOWN).fetchall()}
    contacts = [
        Row("property", "create", name, fields={"label": label, "type": kind, "fieldType": field, "description": about})
        for name, (label, (kind, field), about) in PROPERTIES.items()
        if name not in present
    ]
    kind, field = TEXT
    told = {"label": KEY_LABEL, "type": kind, "fieldType": field, "description": KEY_ABOUT, UNIQUE: "true"}
    keys = [
        Row("property", "create", f"{one}.{KEY}", fields=told, context={"object_type": one})
        for one in kinds
        if f"{one}.{KEY}" not in present
    ]
    return [*contacts, *keys]


class Properties:
    """Making of definitions in one portal; the rows of one call are of one object type."""

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client

    def send(self, rows: Sequence[Row]) -> list[Outcome]:
        """Make the group, then the definitions; one that is there already is as good as made."""
        kind = _kind(rows[0])
        groups = self._client.path("properties", kind, "groups")
        group = {"name": GROUP, "label": GROUP_LABEL, "displayOrder": -1}
        self._client.post(groups, doing="the property group", json=group, accept=(409,))
        path = self._client.path("properties", kind, "batch", "create")
        answer = self._client.post(
            path,
            doing=f"{len(rows)} property definitions",
            json={"inputs": [_definition(row) for row in rows]},
            accept=(409,),
        )
        if answer.status != 409:
            made = {str(found.get("name")) for found in results(answer.data)}
            if made >= {_name(row) for row in rows}:
                return [Outcome(row, "published") for row in rows]
        return [
            Outcome(asked.row, "published")
            if asked.status == "published"
            else Outcome(asked.row, "rejected", reason=why(errors(answer.data), "HubSpot did not create it"))
            for asked in after_writing(lambda: self.ask(rows))
        ]

    def ask(self, rows: Sequence[Row]) -> list[Outcome]:
        """Read back which definitions there are."""
        present: set[tuple[str, str]] = set()
        for kind in sorted({_kind(row) for row in rows}):
            answer = self._client.get(self._client.path("properties", kind), doing=f"the properties of {kind}")
            present |= {(kind, str(found.get("name"))) for found in results(answer.data)}
        return [Outcome(row, "published" if (_kind(row), _name(row)) in present else "not_done") for row in rows]


def _kind(row: Row) -> str:
    return row.context.get("object_type") or "contacts"


def _name(row: Row) -> str:
    return row.key.rpartition(".")[2]


def _definition(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = dict(row.fields)
    if UNIQUE in told:
        told[UNIQUE] = told[UNIQUE] == "true"
    return {"name": _name(row), "groupName": GROUP, **told}
