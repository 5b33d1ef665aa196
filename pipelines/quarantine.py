"""Records that cannot be read: set aside in the table `quarantine`, counted, and back by themselves once readable.

Staging reads every record; what makes nothing of it is a field without which no row can stand: its column is null.
The table is computed from the log and from staging as they are, so that a record leaves it when its vendor tells it
anew, or when its staging model learns to read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import duck
from pipelines.errors import LogError, ModelError
from pipelines.log import Log
from pipelines.warehouse import Catalog, Entry, Warehouse

NAME = "quarantine"
SCHEMA = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("stream", pa.string()),
        pa.field("account", pa.string()),
        pa.field("scope", pa.string()),
        pa.field("key", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("event_id", pa.string()),
        pa.field("batch", pa.string()),
        pa.field("since", pa.timestamp("us", "UTC")),
    ]
)
"""`event_id` names the event in the log of the stream, where the payload is; `batch` is the run that read it."""


@dataclass(frozen=True)
class Needed:
    """A column of staging without which nothing can be made of a record.

    Attributes:
        path: the field of the payload that it is read from; "" where it is the record's own `key` or `scope`.
    """

    source: str
    stream: str
    column: str
    path: str = ""
    own: str = "key"

    @property
    def model(self) -> str:
        """The staging model."""
        return f"stg_{self.source}__{self.stream}"

    @property
    def reason(self) -> str:
        """Why nothing can be made of it, as SQL over the event."""
        if not self.path:
            return f"'{self.own} is no number'"
        return (
            f"case when coalesce(payload ->> '$.{self.path}', '') = '' then '{self.path} is missing' "
            f"else '{self.path} cannot be read' end"
        )


NEEDED = (
    Needed("zoom", "webinars", "webinar_id"),
    Needed("zoom", "registrants", "webinar_id", own="scope"),
    Needed("zoom", "panelists", "webinar_id", own="scope"),
    Needed("zoom", "participants", "joined_at", "join_time"),
    Needed("zoom", "instances", "webinar_id", own="scope"),
    Needed("zoom", "instances", "start_at", "start_time"),
    Needed("zoom", "session_reports", "webinar_id", own="scope"),
    Needed("zoom", "session_reports", "start_at", "start_time"),
    Needed("hubspot", "contacts", "contact_id"),
    Needed("hubspot", "companies", "company_id"),
    Needed("hubspot", "deals", "deal_id"),
    Needed("hubspot", "email_events", "event_type", "type"),
)


def set_aside(log: Log, warehouse: Warehouse) -> int:
    """Write the table, if staging has changed since, and return how many records are in it.

    Readers of the file of views find it when `Warehouse.show` is called.

    Raises:
        LogError: the table cannot be written; what is in the log and in the other tables stands.
    """
    before = warehouse.catalog()
    entries = {one.model: before.entries[one.model] for one in NEEDED if one.model in before.entries}
    made_of = {name: entry.fingerprint for name, entry in entries.items()}
    old = before.entries.get(NAME)
    if old is not None and old.made_of == made_of and warehouse.is_whole(old):
        return old.rows
    try:
        rows = _unread(log, _odd(warehouse, entries))
    except duckdb.Error as error:
        raise ModelError(f"{NAME} cannot be made: {str(error)[:400]}. Run `turnout rebuild`.") from None
    fingerprint = blake2b(orjson.dumps([list(map(str, row.values())) for row in rows]), digest_size=12).hexdigest()
    file = f"{NAME}/{fingerprint}.parquet"
    path = warehouse.root / file
    if old is None or old.files != [file] or not path.exists():
        _write(path, pa.Table.from_pylist(rows, schema=SCHEMA))
    after = Catalog(dict(before.entries), dict(before.retired), before.as_of)
    columns = {field.name: "TIMESTAMP WITH TIME ZONE" if field.name == "since" else "VARCHAR" for field in SCHEMA}
    after.entries[NAME] = Entry(fingerprint, [file], len(rows), columns, as_of=before.as_of, made_of=made_of)
    warehouse.swap(before, after, show=False)
    return len(rows)


def _odd(warehouse: Warehouse, entries: Mapping[str, Entry]) -> dict[Needed, list[bytes]]:
    """Return the events of which staging made nothing that could stand, by what they lack."""
    asked = [one for one in NEEDED if one.model in entries and entries[one.model].rows]
    if not asked:
        return {}
    parts = [
        f"select {at} as at, event_id from ({warehouse.relation(entries[one.model])}) where "
        + (f"{one.column} = ''" if one.stream == "email_events" else f"kind = 'seen' and {one.column} is null")
        for at, one in enumerate(asked)
    ]
    found: dict[Needed, list[bytes]] = {}
    with duck.look() as db:
        for at, event_id in db.execute(" union all ".join(parts)).fetchall():
            found.setdefault(asked[at], []).append(bytes(event_id))
    return found


def _unread(log: Log, odd: Mapping[Needed, list[bytes]]) -> list[dict[str, object]]:
    """Return the rows of the table: those events after which nothing readable was told under the same key."""
    rows: dict[str, dict[str, object]] = {}
    for needed, ids in odd.items():
        told = log.query(
            needed.source,
            needed.stream,
            f"""
            with

            asked as (
                select account, scope, key from events where event_id in (select event_id from odd)
            ),

            latest as (
                select account, scope, key, kind, event_id, batch, observed_at, payload
                from (select * from events where (account, scope, key) in (from asked))
                qualify row_number() over (
                    partition by account, scope, key order by occurred_at desc, observed_at desc, event_id desc
                ) = 1
            )

            select account, scope, key, {needed.reason}, lower(hex(event_id)), batch, observed_at
            from latest where kind = 'seen' and event_id in (select event_id from odd)
            order by observed_at, event_id
            """,
            {},
            odd=pa.table({"event_id": pa.array(ids, pa.binary())}),
        )
        for account, scope, key, reason, event_id, batch, since in told:
            values = (needed.source, needed.stream, account, scope, key, reason, event_id, batch, since)
            rows.setdefault(str(event_id), dict(zip(SCHEMA.names, values, strict=True)))
    return list(rows.values())


def _write(path: Path, rows: pa.Table) -> None:
    """Write the table beside its place, then put it there."""
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, fresh, compression="zstd")
        fresh.replace(path)
    except OSError as error:
        raise LogError(
            f"{path} cannot be written: {error}. What was read is in the log; see that the disk has room, run again."
        ) from None
