"""The Salesforce side of the made company: its org, statuses and people, added to the log of a history.

Two people in three are Contacts, one in six a Lead, known to Salesforce since before the history begins; the rest are
not there, so their activities have nowhere to go.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
from deltalake import DeltaTable

from benchmarks import history
from benchmarks.company import START, Size, macros
from pipelines.events import EVENT_SCHEMA

ORG = "00D5g00000KestrlEAM"
STAMP = "2023-01-01T00:00:00.000+0000"
ORGANIZATION = f'{{"Id": "{ORG}", "Name": "Kestrel", "TimeZoneSidKey": "America/New_York"}}'
STATUSES = (
    ("Not Started", "false", "true"),
    ("Completed", "true", "false"),
)


def add(folder: Path, events: int) -> int:
    """Write the streams of Salesforce into a TURNOUT_HOME; return how many records they hold."""
    db = duckdb.connect()
    for statement in macros(Size(events)):
        db.execute(statement)
    statuses = ", ".join(
        f'(\'01J{at}\', \'{{"ApiName": "{name}", "IsClosed": {closed}, "IsDefault": {default}, "SortOrder": {at}}}\')'
        for at, (name, closed, default) in enumerate(STATUSES)
    )
    people = (
        "select p, {prefix} || lpad(cast(p as varchar), 12, '0') as key, '{{\"Id\": \"' || {prefix} || "
        'lpad(cast(p as varchar), 12, \'0\') || \'", "Email": "\' || email(p) || \'", "AccountId": "001\' || '
        'lpad(cast(p % 997 as varchar), 12, \'0\') || \'", "CreatedDate": "{stamp}", "IsDeleted": false}}\' as payload '
        "from range({count}) as t(p) where p % 6 {which}"
    )
    streams = {
        "organization": f"select '{ORG}' as key, '{ORGANIZATION}' as payload",
        "task_statuses": f"select * from (values {statuses}) as t(key, payload)",
        "contacts": people.format(prefix="'003'", stamp=STAMP, count=Size(events).people, which="< 4"),
        "leads": people.format(prefix="'00Q'", stamp=STAMP, count=Size(events).people, which="= 4"),
    }
    total = 0
    for name, sql in streams.items():
        rows = (
            db.sql(
                f"""
                select unhex(md5('{name}' || key)) as event_id, '{ORG}' as account, '' as scope, key, 'seen' as kind,
                    timestamptz '{START.isoformat()}' as occurred_at, timestamptz '{START.isoformat()}' as observed_at,
                    'made' as batch, unhex(md5(payload)) as digest, payload
                from ({sql}) order by occurred_at, event_id
                """
            )
            .to_arrow_table()
            .cast(EVENT_SCHEMA)
        )
        path = folder / "log" / "salesforce" / name
        path.mkdir(parents=True, exist_ok=True)
        history.commit(DeltaTable.create(str(path), EVENT_SCHEMA, configuration=history.TABLE), rows, START)
        total += rows.num_rows
    return total
