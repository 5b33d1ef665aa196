"""Deals and companies that activities name, with the record of Salesforce that each of them is (HS-19).

Only those that an activity is associated with are read, and each once more in `reconcile_hours`, since nobody tells
that a connector has written Salesforce's id on one. Where activities come from Salesforce, whatever they are of must be
found here: all that bear an id of Salesforce are read then, as search tells them. A portal without deals, or an app
without their scope, has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pipelines.errors import AuthError, RefusedError
from pipelines.events import Batch, Record, iso, utc
from pipelines.log import Log
from pipelines.vendors.hubspot.client import read_page
from pipelines.vendors.hubspot.engagements import MODIFIED, PAGE, PROPERTIES, read_engagement
from pipelines.vendors.hubspot.run import Run
from pipelines.vendors.hubspot.searching import changed
from pipelines.vendors.reading import moment, payload

SALESFORCE_ID: Mapping[str, str] = {"deals": "hs_salesforceopportunityid", "companies": "salesforceaccountid"}
"""The property that the connector of HubSpot writes Salesforce's id into."""

BEGINNING = 1_136_073_600_000
"""Epoch ms of 2006, before there was a HubSpot."""

Reader = Callable[[Run, Log, Mapping[str, Any] | None], Iterator[Batch]]


def reader(kind: str) -> Reader:
    """Return the reader of one object type; the cursor tells when all that are known were last read."""

    def read(run: Run, log: Log, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        now = run.now()
        known = set(log.latest("hubspot", kind, run.account))
        read_at = utc(cursor["read_at"]) if cursor and "read_at" in cursor else now
        is_due = now - read_at >= timedelta(hours=run.ingest.reconcile_hours)
        wanted = sorted(_named(log, kind, run.account) if is_due else _named(log, kind, run.account) - known)
        done = {"read_at": iso(now if is_due or not cursor else read_at)}
        records: list[Record] = []
        try:
            if run.inbound:
                wanted = sorted({*wanted, *_bearing(run, kind, str((cursor or {}).get("searched_to", "")), now)})
                done["searched_to"] = iso(now - run.lag)
            for at in range(0, len(wanted), PAGE):
                records += _batch(run, kind, wanted[at : at + PAGE])
        except (AuthError, RefusedError) as error:
            if error.status not in (403, 404):
                raise
            run.note(f"hubspot: {kind} cannot be read, so Tasks are put on people alone: {error}")
        yield Batch(tuple(records), done, at=run.now())

    return read


def _named(log: Log, kind: str, account: str) -> set[str]:
    """Return the ids that activities name."""
    found: set[str] = set()
    for stream in PROPERTIES:
        if log.version("hubspot", stream) >= 0:
            sql = (
                f"select distinct unnest(cast(payload -> '$.associations.{kind}' as varchar[])) from events "  # noqa: S608
                "where account = $account and kind = 'seen'"
            )
            found |= {str(name) for (name,) in log.query("hubspot", stream, sql, {"account": account}) if name}
    return found


def _bearing(run: Run, kind: str, since: str, now: datetime) -> set[str]:
    """Return the ids of those that bear an id of Salesforce and were modified since, "" for ever."""
    lowest = int((utc(since) - run.overlap).timestamp() * 1000) if since else BEGINNING
    highest = max(lowest, int(now.timestamp() * 1000))
    windows = changed(run.client, kind, MODIFIED, lowest, highest, SALESFORCE_ID[kind])
    return {name for _, names in windows for name in names}


def _batch(run: Run, kind: str, names: list[str]) -> list[Record]:
    answer = run.client.post(
        run.client.path("objects", kind, "batch", "read"),
        doing=f"{len(names)} {kind}",
        json={"inputs": [{"id": name} for name in names], "properties": [SALESFORCE_ID[kind]]},
        decode=read_page,
    )
    records: list[Record] = []
    for content in (payload(raw) for raw in answer.data.results):
        keys = read_engagement(content)
        if keys.id:
            records.append(Record(str(keys.id), moment(keys.updatedAt, run.now()), content))
    return records
