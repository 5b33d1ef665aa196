"""Apply: send exactly one plan, in waves of intent, calls, outcome; refuse a stale plan and a plan of a wrong shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import pyarrow as pa

from pipelines.errors import FuseError, StalePlanError, UnknownOutcomeError, VendorError
from pipelines.log import Log
from pipelines.publish.plan import Plan
from pipelines.publish.planned import Planned
from pipelines.publish.receipts import STOPPED, JobBook, write_intents, write_outcomes
from pipelines.publish.rows import Destination, Outcome, Phase, Row
from pipelines.settings import Fuses

MEMBERSHIPS = frozenset({"list_member", "campaign_member", "static_list_member"})
"""Objects that come and go with the people in segments; their deletion is no loss."""
EMPTIED = "segment_emptied"
CALLS_A_WAVE = 16
"""Calls between two commits of the log: a kill leaves at most this many to be asked about."""


@dataclass
class ApplyReceipt:
    """What applying did: outcomes by object and status, and what stopped a destination."""

    plan: str
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    rejected: list[tuple[Row, str]] = field(default_factory=list)
    waiting: list[tuple[Row, str]] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    @property
    def published(self) -> int:
        """Rows that the vendors confirmed."""
        return sum(counts.get("published", 0) for counts in self.outcomes.values())

    def __add__(self, later: ApplyReceipt) -> ApplyReceipt:
        """Return what both did, under the name of the first plan."""
        outcomes = {kind: dict(counts) for kind, counts in self.outcomes.items()}
        for kind, counts in later.outcomes.items():
            mine = outcomes.setdefault(kind, {})
            mine |= {status: mine.get(status, 0) + count for status, count in counts.items()}
        return ApplyReceipt(
            self.plan,
            outcomes,
            [*self.rejected, *later.rejected],
            [*self.waiting, *later.waiting],
            {**self.stopped, **later.stopped},
            self.calls + later.calls,
        )

    def count(self, row: Row, status: str) -> None:
        """Note one outcome."""
        counts = self.outcomes.setdefault(row.object, {})
        counts[status] = counts.get(status, 0) + 1

    def wait(self, rows: Iterable[tuple[Row, str]]) -> None:
        """Note rows that are not sent yet, each with why."""
        for row, why in rows:
            self.count(row, "waiting")
            self.waiting.append((row, why))


def hold_emptied(plan: Plan, fuses: Fuses) -> list[tuple[Row, str]]:
    """Let the members of segments that went from many to none wait, and nothing else (EV-10); return them.

    The plan stays the one that it was made as: its id is that of all its rows.
    """
    waiting: list[tuple[Row, str]] = []
    plan.plan_id = plan.plan_id  # from here on, whatever its rows are
    for name, rows in plan.rows.items():
        by_list: dict[str, list[int]] = {}
        for at, row in enumerate(rows) if MEMBERSHIPS.intersection(rows.counts()) else ():
            if row.object in MEMBERSHIPS and row.operation == "delete" and row.context.get("is_emptied") == "true":
                by_list.setdefault(str(row.context["list_name"]), []).append(at)
        held: set[int] = set()
        for title, places in by_list.items():
            if len(places) >= max(fuses.emptied_at_least, 1):
                why = f"{EMPTIED}: {title} would go from {len(places)} members to none; if that is right, add --allow"
                waiting += [(rows[at], why) for at in places]
                held.update(places)
        if held:
            plan.waiting.setdefault(name, []).extend(waiting[-len(held) :])
            left = pa.array([at for at in range(len(rows)) if at not in held], pa.int64())
            plan.rows[name] = Planned(rows.table.take(left))
    return waiting


def check_fresh(plan: Plan, positions: Mapping[str, int], settings: str) -> None:
    """See that the plan still stands on what is true.

    Raises:
        StalePlanError: events were appended or settings changed since; names what moved.
    """
    moved = sorted(name for name in {*plan.positions, *positions} if plan.positions.get(name) != positions.get(name))
    if plan.settings != settings:
        moved.append("the settings")
    if moved:
        raise StalePlanError(
            f"plan {plan.plan_id} is stale: since it was made, {', '.join(moved)} moved. "
            "Nothing was written. Make a new one with `turnout plan`."
        )


def check_fuses(plan: Plan, fuses: Fuses, earlier_creates: Mapping[str, Sequence[int]]) -> None:
    """See that the plan's shape is one that was to be expected.

    Args:
        earlier_creates: per destination, how many contacts each earlier plan created.

    Raises:
        FuseError: names the fuse, its figures, and how to go on.
    """
    if plan.undoes:  # deleting is what it is for, and a person asked for this very run
        return
    for destination, by_object in plan.counts().items():
        total = sum(sum(by_operation.values()) for by_operation in by_object.values())
        lasting = [by_operation for kind, by_operation in by_object.items() if kind not in MEMBERSHIPS]
        deletes = sum(by_operation.get("delete", 0) for by_operation in lasting)
        if deletes >= max(fuses.delete_at_least, 1) and deletes > fuses.delete_share * total:
            raise FuseError(
                f"plan {plan.plan_id} would delete {deletes} of {total} records at {destination}, more than the share "
                f"of {fuses.delete_share} in fuses.delete_share. Look at the plan; if it is right, add --allow."
            )
        creates = by_object.get("contact", {}).get("create", 0)
        usual = sorted(earlier_creates.get(destination, ()))
        limit = usual[len(usual) // 2] * fuses.create_times_usual if usual else None
        if limit is not None and creates > max(limit, fuses.create_at_least):
            raise FuseError(
                f"plan {plan.plan_id} would create {creates} contacts at {destination}; earlier plans created "
                f"{usual[len(usual) // 2]} (median), and fuses.create_times_usual allows {fuses.create_times_usual:g} "
                "times that. Look at the plan; if it is right, add --allow."
            )


def apply(
    plan: Plan,
    log: Log,
    connected: Mapping[str, Destination],
    *,
    run: str,
    at: datetime,
    progress: Callable[[str], None] = lambda _: None,
    held: Mapping[str, str] | None = None,
) -> ApplyReceipt:
    """Send the plan's rows, phase by phase. The caller has checked that the plan is fresh and its fuses hold.

    A record that the vendor refuses waits with its reason and stops no other. When the vendor itself stops us
    (quota, credentials, no answer), the rest of that destination waits for the next run.

    Args:
        held: destinations that nothing may be sent to yet, each with why.

    Raises:
        LogError: an intent or outcome could not be written.
    """
    receipt = ApplyReceipt(plan.plan_id)
    with log.locked():
        for name, rows in plan.rows.items():
            if not rows:
                continue
            if name not in connected or name in (held or {}):
                why = held[name] if held and name in held else f"{name} is not connected"
                receipt.stopped[name] = why
                for row in rows:
                    receipt.count(row, "waiting")
                    receipt.waiting.append((row, why))
                continue
            connected[name].begin(JobBook(log, name, run=run, at=at))
            _Sending(plan, log, connected[name], run, at, receipt, progress).go(rows)
    return receipt


@dataclass
class _Sending:
    """The sending of one destination's rows."""

    plan: Plan
    log: Log
    destination: Destination
    run: str
    at: datetime
    receipt: ApplyReceipt
    progress: Callable[[str], None]
    learned: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    waves: int = 0

    def go(self, rows: Planned) -> None:
        """Send phase by phase until all is sent or the vendor stops us."""
        for phase in self.destination.phases:
            mine = rows.of_phase(phase)
            batches = self._grouped(phase, mine) if phase.grouped_by else self._cut(phase, mine)
            done = 0
            while wave := list(islice(batches, CALLS_A_WAVE)):
                self.progress(f"{self.destination.name}: {phase.object}: {done:,} of {len(mine):,} sent")
                done += sum(map(len, wave))
                if self.destination.name in self.receipt.stopped:
                    for row in (row for batch in wave for row in batch):
                        self._wait(row, self.receipt.stopped[self.destination.name])
                else:
                    self._wave(phase, wave)

    def _cut(self, phase: Phase, mine: Planned) -> Iterator[list[Row]]:
        """Yield rows as they are needed, call by call: there may be a million."""
        size = phase.size(len(mine))
        for at in range(0, len(mine), size):
            if batch := self._ready(mine[at : at + size]):
                yield batch

    def _grouped(self, phase: Phase, mine: Planned) -> Iterator[list[Row]]:
        return iter(phase.batches(self._ready(mine)))

    def _ready(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in map(self._identified, rows) if row is not None]

    def _identified(self, row: Row) -> Row | None:
        """Return the row with the id that an earlier phase learned; None where its contact did not come to be."""
        address = row.context.get("email")
        if row.vendor_id is not None or not address or "vendor_id" in row.fields:
            return row
        if address in self.learned:
            return row.identified(self.learned[address])
        self._wait(row, self.lost.get(address, "its contact was not created yet"))
        return None

    def _wave(self, phase: Phase, batches: Sequence[list[Row]]) -> None:
        name = self.destination.name
        rows = [row for batch in batches for row in batch]
        self.waves += 1
        intents = write_intents(self.log, name, rows, run=self.run, wave=self.waves, plan=self.plan.plan_id, at=self.at)
        by_row = dict(zip(map(id, rows), intents, strict=True))
        closed: list[tuple[str, Outcome]] = []
        with ThreadPoolExecutor(phase.at_once) as pool:
            for batch, answer in zip(batches, pool.map(lambda batch: self._send(phase, batch), batches), strict=True):
                self.receipt.calls += 1
                if isinstance(answer, UnknownOutcomeError):
                    for row in batch:
                        self._wait(row, "nobody knows whether it arrived; the next run asks")
                elif isinstance(answer, VendorError):
                    self._stop(str(answer))
                    for row in batch:
                        self._wait(row, str(answer))
                        closed.append((by_row[id(row)], Outcome(row, "not_done", reason=STOPPED)))
                else:
                    closed += [(by_row[id(outcome.row)], outcome) for outcome in answer]
        write_outcomes(
            self.log, name, closed, run=self.run, plan=self.plan.plan_id, settings=self.plan.settings, at=self.at
        )
        for _, outcome in closed:
            self._note(phase, outcome)

    def _send(self, phase: Phase, batch: Sequence[Row]) -> list[Outcome] | VendorError:
        if self.destination.name in self.receipt.stopped:
            return VendorError(self.receipt.stopped[self.destination.name])
        try:
            return self.destination.send(phase, batch)
        except UnknownOutcomeError as error:
            return self._asked(phase, batch, error)
        except VendorError as error:
            return error

    def _asked(self, phase: Phase, batch: Sequence[Row], error: UnknownOutcomeError) -> list[Outcome] | VendorError:
        """Ask at once what became of a batch without a clear answer, and send what never arrived once more."""
        try:
            answers = self.destination.ask(batch)
            again = [answer.row for answer in answers if answer.status == "not_done"]
            arrived = [answer for answer in answers if answer.status != "not_done"]
            return [*arrived, *(self.destination.send(phase, again) if again else ())]
        except VendorError:
            self._stop(str(error))
            return error

    def _note(self, phase: Phase, outcome: Outcome) -> None:
        row = outcome.row
        if outcome.status == "not_done" and outcome.reason == STOPPED:
            return
        self.receipt.count(row, outcome.status)
        address = row.fields.get("email") or row.context.get("email")
        if outcome.status == "rejected":
            self.receipt.rejected.append((row, outcome.reason))
        elif outcome.status in ("waiting", "not_done"):
            self.receipt.waiting.append((row, outcome.reason))
        if phase.learns and address:
            if outcome.status == "published" and outcome.vendor_id:
                self.learned[address] = outcome.vendor_id
            else:
                self.lost[address] = f"its contact was not created: {outcome.reason}"

    def _stop(self, why: str) -> None:
        self.receipt.stopped.setdefault(self.destination.name, why)

    def _wait(self, row: Row, why: str) -> None:
        self.receipt.count(row, "waiting")
        self.receipt.waiting.append((row, why))
