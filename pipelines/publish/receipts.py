"""Intents and outcomes in the log: what is about to be sent, and what was answered (EV-06)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from pipelines import duck
from pipelines.errors import VendorError
from pipelines.events import Batch, Record, Stream
from pipelines.log import OURS, Log
from pipelines.publish.rows import Destination, Outcome, Row

INTENTS = Stream("intents", "own", about="what is about to be sent, written before it is")
JOBS = Stream("jobs", "own", about="jobs that a vendor works on by itself, written before they get their rows")
STOPPED = "the vendor stopped us"
"""Why a record was not sent: the one before it was refused for a reason that holds for all."""
CALLED_AT = "called_at"
"""In what a destination notes of an answer: when the call was made, by the vendor's clock."""
OUTCOMES = Stream("outcomes", "own", about="what was sent, and what the vendor answered")
RETRIES = Stream("retries", "own", about="when a person asked to try again what had been refused, or taken back")


def write_intents(
    log: Log, destination: str, rows: Sequence[Row], *, run: str, wave: int, plan: str, at: datetime
) -> list[str]:
    """Say in the log what is about to be sent, in one commit; return the intents' ids, in the rows' order."""
    names = [f"{run}-{destination}-{wave:04d}-{number:05d}" for number in range(len(rows))]
    told = [
        {"intent": name, "run": run, "plan": plan, "destination": destination, **row.told()}
        for name, row in zip(names, rows, strict=True)
    ]
    records = [Record(entry["intent"], at, orjson.dumps(entry)) for entry in told]
    log.append(OURS, destination, INTENTS, Batch(records, at=at), run=run)
    return names


def write_outcomes(
    log: Log,
    destination: str,
    outcomes: Sequence[tuple[str, Outcome]],
    *,
    run: str,
    plan: str,
    settings: str,
    at: datetime,
) -> None:
    """Close intents: say in the log what became of each, in one commit."""
    also = {"run": run, "plan": plan, "destination": destination, "settings": settings}
    records = [Record(intent, at, orjson.dumps({**also, **outcome.told()})) for intent, outcome in outcomes]
    log.append(OURS, destination, OUTCOMES, Batch(records, at=at), run=run)


def write_retry(log: Log, destinations: Collection[str], *, is_undone: bool, run: str, at: datetime) -> None:
    """Say in the log that what was refused is tried again, and with `is_undone` what was taken back, too."""
    for name in destinations:
        told = {"run": run, "destination": name, "undone": is_undone}
        log.append(OURS, name, RETRIES, Batch([Record(f"{run}-{name}", at, orjson.dumps(told))], at=at), run=run)


def retried(log: Log) -> tuple[dict[str, datetime], dict[str, datetime]]:
    """Return per destination when what was refused, and when what was taken back, was last let go out again."""
    sql = "select account, max(observed_at), max(observed_at) filter (payload ->> '$.undone' = 'true')"
    rows = log.query(OURS, RETRIES.name, f"{sql} from events group by account", {})
    return {name: at for name, at, _ in rows}, {name: at for name, _, at in rows if at}


class JobBook:
    """The jobs of one destination, in the log."""

    def __init__(self, log: Log, destination: str, *, run: str, at: datetime) -> None:
        self._log, self._destination, self._run, self._at = log, destination, run, at

    def note(self, job: str, keys: Sequence[str]) -> None:
        """Write a job down, with the keys of its rows."""
        told = {"job": job, "destination": self._destination, "run": self._run, "keys": list(keys)}
        batch = Batch([Record(f"{self._destination}-{job}", self._at, orjson.dumps(told))], at=self._at)
        self._log.append(OURS, self._destination, JOBS, batch, run=self._run)

    def jobs(self, keys: Collection[str]) -> list[str]:
        """Return the jobs that hold any of these keys, the oldest first."""
        if self._log.version(OURS, JOBS.name) < 0:
            return []
        sql = "select payload from events where payload ->> '$.destination' = $destination order by observed_at"
        found = self._log.query(OURS, JOBS.name, sql, {"destination": self._destination})
        told = [orjson.loads(payload) for (payload,) in found]
        return [str(one["job"]) for one in told if not set(keys).isdisjoint(one["keys"])]

    def calls(self, within: timedelta) -> list[dict[str, Any]]:
        """Return what was sent of late, or may have been; see `Notebook.calls`."""
        files = self._log.files(OURS, OUTCOMES.name)
        closed = (
            f"select account, key, payload from read_parquet({duck.texts(files)})"
            if files
            else "select '', '', null::varchar"
        )
        sql = f"""
            select
                intent.payload, intent.occurred_at,
                outcome.payload ->> '$.answered.{CALLED_AT}', outcome.payload ->> '$.status'
            from (select account, key, payload, occurred_at from events) as intent
            left join ({closed}) as outcome(account, key, payload)
                on intent.account = outcome.account and intent.key = outcome.key
            where intent.account = $destination and intent.occurred_at >= $since
                and (
                    outcome.payload ->> '$.answered.{CALLED_AT}' is not null
                    or outcome.payload is null
                    or (outcome.payload ->> '$.status' <> 'waiting' and outcome.payload ->> '$.reason' <> '{STOPPED}')
                )
            order by intent.key
        """  # noqa: S608
        found = self._log.query(OURS, INTENTS.name, sql, {"destination": self._destination, "since": self._at - within})
        return [
            {**orjson.loads(payload), "planned_at": planned.astimezone(UTC), CALLED_AT: called, "status": status}
            for payload, planned, called, status in found
        ]


def unknown_intents(log: Log) -> list[tuple[str, dict[str, Any]]]:
    """Return (id, what it says) of each intent that no outcome closes."""
    files = log.files(OURS, OUTCOMES.name)
    closed = f"select account, key from read_parquet({duck.texts(files)})" if files else "select '', ''"
    sql = f"select key, payload from events where (account, key) not in ({closed}) order by key"
    rows = log.query(OURS, INTENTS.name, sql, {})
    return [(key, orjson.loads(payload)) for key, payload in rows]


def outcomes_of(log: Log, plan: str) -> list[dict[str, Any]]:
    """Return what became of each record that a plan sent."""
    sql = "select payload from events where payload ->> '$.plan' = $plan order by key"
    return [orjson.loads(payload) for (payload,) in log.query(OURS, OUTCOMES.name, sql, {"plan": plan})]


def created(log: Log, destination: str, kind: str) -> set[str]:
    """Return the vendor's ids of all records of a kind that we made there."""
    sql = """
        select distinct payload ->> '$.vendor_id' from events
        where payload ->> '$.destination' = $destination and payload ->> '$.object' = $kind
            and payload ->> '$.operation' = 'create' and payload ->> '$.status' = 'published'
    """
    rows = log.query(OURS, OUTCOMES.name, sql, {"destination": destination, "kind": kind})
    return {str(name) for (name,) in rows if name}


def resolve(log: Log, connected: dict[str, Destination], *, run: str, settings: str, at: datetime) -> list[str]:
    """Ask the vendors what became of every unknown intent; return a line for a person about each destination.

    What cannot be asked now stays unknown: its record waits, and nothing is sent for it.
    """
    by_destination: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for intent, told in unknown_intents(log):
        by_destination.setdefault(told["destination"], []).append((intent, told))
    lines: list[str] = []
    for name, found in by_destination.items():
        if name not in connected:
            lines.append(
                f"{name}: {len(found)} records were being sent when a run broke off; connect it to settle them"
            )
            continue
        rows = [Row.of(told) for _, told in found]
        connected[name].begin(JobBook(log, name, run=run, at=at))
        try:
            answers = connected[name].ask(rows)
        except VendorError as error:
            lines.append(f"{name}: {len(found)} records wait to be settled: {error}")
            continue
        outcomes = [(intent, answer) for (intent, _), answer in zip(found, answers, strict=True)]
        write_outcomes(log, name, outcomes, run=run, plan="", settings=settings, at=at)
        done = sum(answer.status == "published" for answer in answers)
        lines.append(
            f"{name}: of {len(found)} records of a run that broke off, {done} had arrived; the rest is planned again"
        )
    return lines
