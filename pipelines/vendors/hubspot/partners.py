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
        state = cursor or {}
        read_at = utc(state["read_at"]) if "read_at" in state else now
        is_due = now - read_at >= timedelta(hours=run.ingest.reconcile_hours)
        named, seen = _named(log, kind, run.account, {} if is_due else state.get("seen", {}))
        named |= set(state.get("missing", ()))
        wanted = sorted(named if is_due else named - _known(log, kind, run.account))
        done: dict[str, Any] = {"read_at": iso(now if is_due or not cursor else read_at), "seen": seen}
        records: list[Record] = []
        try:
            if run.inbound:
                wanted = sorted({*wanted, *_bearing(run, kind, str(state.get("searched_to", "")), now)})
                done["searched_to"] = iso(now - run.lag)
            for at in range(0, len(wanted), PAGE):
                records += _batch(run, kind, wanted[at : at + PAGE])
        except (AuthError, RefusedError) as error:
            if error.status not in (403, 404):
                raise
            run.note(f"hubspot: {kind} cannot be read, so Tasks are put on people alone: {error}")
        done["missing"] = sorted(set(wanted) - {record.key for record in records})
        yield Batch(tuple(records), done, at=run.now())

    return read


def _named(log: Log, kind: str, account: str, seen: Mapping[str, str]) -> tuple[set[str], dict[str, str]]:
    """Return the ids that activities name, and up to which event of each stream they were looked for.

    Args:
        seen: stream to when the last event that was looked at was observed; what came before it is passed over.
    """
    found: set[str] = set()
    reached = dict(seen)
    for stream in PROPERTIES:
        if log.version("hubspot", stream) < 0:
            continue
        sql = f"""
            select
                list(distinct cast(payload -> '$.associations.{kind}' as varchar[])) filter (kind = 'seen'),
                max(observed_at)
            from events where account = $account and observed_at > coalesce(cast($since as timestamptz), '-infinity')
        """  # noqa: S608
        for lists, last in log.query("hubspot", stream, sql, {"account": account, "since": seen.get(stream)}):
            found |= {name for names in lists or () for name in names or ()}
            if last is not None:
                reached[stream] = last.isoformat()
    return found, reached


def _known(log: Log, kind: str, account: str) -> set[str]:
    """Return the ids of those that were read."""
    sql = "select distinct key from events where account = $account"
    return {key for (key,) in log.query("hubspot", kind, sql, {"account": account})}


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
