"""Makes an event log of a company as large as wanted, without any vendor: `python -m benchmarks.history --events 2000000 HOME`.

Heavy-tailed contacts, rejoining participants, redelivered reports (the log drops those), missing addresses, three years.
Rows are made by DuckDB and appended to the log's Delta tables as ingest would write them: one commit a month and stream.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from deltalake import CommitProperties, DeltaTable, write_deltalake

from pipelines.events import EVENT_SCHEMA
from pipelines.log import AT, CURSORS, TABLE, WRITER, Log

START = datetime(2023, 11, 20, tzinfo=UTC)
MONTHS = 36
AS_OF = "2026-11-20T12:00:00+00:00"

PERSON = "cast(floor({people} * pow(random(), 2)) as bigint)"
"""A person's number: a few do much, most do little."""

STREAMS = {
    "hubspot/contacts": (
        0.01,
        """
        select cast(1000 + n as varchar) as key, '' as scope, {moment} as occurred_at,
            '{{"id":"' || (1000 + n) || '","createdAt":"2023-11-20T00:00:00.000Z","archived":false,"properties":{{"email":"p'
            || n || '@example.com","firstname":"First' || n || '","lastname":"Last"}}}}' as payload
        from (select n from range({first}, {last}) as t(n))
        """,
    ),
    "hubspot/email_events": (
        0.60,
        """
        select 'e' || n || '|' || epoch_ms(seen_at) as key, '' as scope, seen_at as occurred_at,
            '{{"id":"e' || n || '","created":' || epoch_ms(seen_at) || ',"type":"'
            || case when n % 10 < 4 then 'SENT' when n % 10 < 6 then 'DELIVERED' when n % 10 < 9 then 'OPEN' else 'CLICK' end
            || '","recipient":"' || case when n % 33 = 0 then ' P' else 'p' end || person || '@example.com","emailCampaignId":'
            || (1000 + cast(floor(random() * 80) as bigint)) || ',"portalId":1,"appId":1,"filteredEvent":'
            || case when n % 14 = 0 then 'true' else 'false' end || ',"userAgent":"Mozilla/5.0 (X11; Linux x86_64)"}}' as payload
        from (select n, {moment} as seen_at, {person} as person from range({first}, {last}) as t(n))
        """,
    ),
    "hubspot/form_submissions": (
        0.04,
        """
        select 'f' || n as key, 'form1' as scope, {moment} as occurred_at,
            '{{"conversionId":"f' || n || '","submittedAt":0,"values":[{{"name":"email","value":"p' || {person}
            || '@example.com"}}]}}' as payload
        from range({first}, {last}) as t(n)
        """,
    ),
    "zoom/instances": (
        0.0002,
        """
        select 'u' || n || '==' as key, cast(80000000000 + n as varchar) as scope, seen_at as occurred_at,
            '{{"meeting_uuid":"u' || n || '==","meeting_id":' || (80000000000 + n) || ',"topic":"Topic ' || n
            || '","host_email":"host@example.org","start_time":"' || strftime(seen_at, '%Y-%m-%dT%H:%M:%SZ') || '","end_time":"'
            || strftime(seen_at + interval 1 hour, '%Y-%m-%dT%H:%M:%SZ') || '"}}' as payload
        from (select n, {moment} as seen_at from range({first}, {last}) as t(n))
        """,
    ),
    "zoom/registrants": (
        0.10,
        """
        select scope || '|r' || person as key, scope, seen_at as occurred_at,
            '{{"id":"r' || person || '","email":"p' || person || '@example.com","first_name":"First","last_name":"Last",'
            || '"status":"approved","create_time":"' || strftime(seen_at, '%Y-%m-%dT%H:%M:%SZ') || '"}}' as payload
        from (
            select distinct cast(80000000000 + w as varchar) as scope, person, {month} as seen_at from (
                select {webinar} as w, {person} as person from range({first}, {last}) as t(n)
            )
        )
        """,
    ),
    "zoom/participants": (
        0.25,
        """
        select 'u' || w || '==|' || n || '|' || n as key, 'u' || w || '==' as scope, seen_at as occurred_at,
            '{{"id":"","user_id":"' || n || '","name":"First Last","user_email":"'
            || case when n % 12 = 0 then '' else 'p' || person || '@example.com' end
            || '","join_time":"' || strftime(seen_at, '%Y-%m-%dT%H:%M:%SZ') || '","leave_time":"'
            || strftime(seen_at + to_seconds(cast(random() * 2400 as integer)), '%Y-%m-%dT%H:%M:%SZ')
            || '","duration":1200,"status":"in_meeting","registrant_id":"r' || person || '"}}' as payload
        from (
            select n, w, person, ran.seen_at + to_seconds(cast(random() * 3000 as integer)) as seen_at
            from (select n, {webinar} as w, {person} as person from range({first}, {last}) as t(n)) as rows
            inner join ran using (w)
        )
        """,
    ),
}
"""Stream to its share of all events, and the SQL that makes the rows of one month."""


def make(home: Path, events: int) -> None:
    """Write a history of about so many events below `home`."""
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    db.execute("select setseed(0.42)")
    people, webinars = max(events // 100, 100), max(events // 5000, 36)
    started = time.monotonic()
    a_month = max(webinars // MONTHS, 1)
    db.execute(
        f"""
        create table ran as
        select n as w, cast(? as timestamptz) + to_months(cast(n // {a_month} as integer))
            + to_hours(cast(24 * (n % 27) + 9 as integer)) as seen_at
        from range(0, {a_month * MONTHS}) as t(n)
        """,
        [START.isoformat()],
    )
    for name, (share, sql) in STREAMS.items():
        source, stream = name.split("/")
        folder = home / "log" / source / stream
        folder.mkdir(parents=True, exist_ok=True)
        table = DeltaTable.create(str(folder), schema=EVENT_SCHEMA, configuration=dict(TABLE))
        count = max(int(events * share) // MONTHS, 1)
        for month in range(MONTHS):
            begin = f"(timestamptz '{START.isoformat()}' + to_months({month}))"
            moment = f"({begin} + to_seconds(cast(random() * 2500000 as integer)))"
            if name == "zoom/instances":
                count = a_month
                moment = "(select seen_at from ran where w = n)"
            rows = sql.format(
                people=people,
                person=PERSON.format(people=people),
                webinar=f"cast({month * a_month} + floor(random() * {a_month}) as bigint)",
                moment=moment,
                month=begin,
                first=month * count,
                last=(month + 1) * count,
            )
            found = db.sql(
                f"""
                select unhex(md5(key || payload)) as event_id, 'one' as account, scope, key, 'seen' as kind, occurred_at,
                    occurred_at as observed_at, 'made' as batch, unhex(md5(payload)) as digest, payload
                from ({rows}) order by occurred_at
                """
            ).to_arrow_table()
            write_deltalake(
                table,
                found.cast(EVENT_SCHEMA),
                mode="append",
                writer_properties=WRITER,
                commit_properties=CommitProperties(custom_metadata={CURSORS: "{}", AT: AS_OF}),
            )
    db.close()
    sizes = {f"{s}/{t}": sum(Path(f).stat().st_size for f in Log(home).files(s, t)) for s, t in Log(home).streams()}
    sys.stderr.write(f"{time.monotonic() - started:.1f} s, {sum(sizes.values()) / 1e6:.0f} MB: {sizes}\n")


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("home", type=Path)
    words.add_argument("--events", type=int, default=2_000_000)
    given = words.parse_args()
    make(given.home, given.events)
