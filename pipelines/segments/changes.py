"""Members who entered and left, in the log: the difference between who is in a segment and what the log says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import orjson

from pipelines import duck, transform
from pipelines.events import Batch, Record, Stream, utc
from pipelines.log import OURS, Log
from pipelines.models import MEMBERS, SEGMENTS, Model, made_of_alone
from pipelines.transform import BuildReceipt
from pipelines.warehouse import Warehouse

CHANGES = Stream("segment_changes", "own", about="who entered and left which segment, and when")
KNOWN = """
    select
        payload ->> '$.segment' as segment,
        cast(payload ->> '$.contact_id' as bigint) as contact_id,
        max(cast(payload ->> '$.number' as bigint)) as number
    from events group by all
"""
"""How often each membership changed: after an odd number of changes the contact is in."""


def follow(log: Log, models: Mapping[str, Model], built: BuildReceipt, *, run: str) -> None:
    """Append who entered and left in a build, and bring up what is made of that alone; note it in the receipt."""
    if MEMBERS not in built.models or not _record(log, Warehouse(log.home), moment=built.as_of, run=run):
        return
    told = made_of_alone(models, [f"stg_{OURS}__{CHANGES.name}"])
    built.models |= transform.build(log, models, as_of=built.as_of, only=told, show=False).models


def _record(log: Log, warehouse: Warehouse, *, moment: datetime, run: str) -> int:
    """Append who entered and left since the log last told of it, in one commit; return how many changes.

    Args:
        moment: what the tables describe; one before the last change that is known, or after what was read, is looking
            elsewhere and changes nothing.
    """
    cursor = log.cursor(OURS, CHANGES.name, OURS)
    last, now = (utc(cursor["as_of"]) if cursor else None), log.last_read_at()
    if now is None or moment > now or (last is not None and moment < last):
        return 0
    files = log.files(OURS, CHANGES.name)
    known = KNOWN.replace("from events", f"from read_parquet({duck.texts(files)})") if files else ""
    none = "select '' as segment, cast(0 as bigint) as contact_id, cast(0 as bigint) as number where false"
    with warehouse.connect({SEGMENTS, MEMBERS}) as db:
        found = db.execute(
            f"""
            with known as ({known or none})
            select segment, contact_id, coalesce(known.number, 0) + 1 as number
            from {MEMBERS} as members full join known using (segment, contact_id)
            where segment in (select segment from {SEGMENTS} where state = 'ok')
                and (members.contact_id is not null) <> (coalesce(known.number, 0) % 2 = 1)
            order by segment, contact_id
            """
        ).fetchall()
    told = [
        {"segment": segment, "contact_id": contact, "change": "entered" if number % 2 else "left", "number": number}
        for segment, contact, number in found
    ]
    if told:
        records = [
            Record(f"{one['segment']}|{one['contact_id']}|{one['number']}", moment, orjson.dumps(one)) for one in told
        ]
        batch = Batch(records, cursor={"as_of": moment.isoformat()}, at=moment)
        log.append(OURS, OURS, CHANGES, batch, run=run)
    return len(told)
