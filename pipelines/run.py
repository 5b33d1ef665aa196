"""A whole run, and each of its parts, over one TURNOUT_HOME: what the command line and the orchestrator both call.

ingest → settle what broke off → settings → build → check → plan → apply → verdicts.

The moment that everything describes (`as_of`) is, where nobody names one, the latest moment on the vendors' clocks up
to which the log was read: windows then never run ahead of the data.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from pipelines import audit, checks, publish, settings, transform
from pipelines import models as sql_models
from pipelines.audit.page import SHOWN_EMAILS, write_page
from pipelines.checks import Check
from pipelines.errors import ChecksFailed, SettingsError, UsageError, VendorError
from pipelines.events import Batch, Record, Stream, digest
from pipelines.expectations.suites import check_plan, check_tables
from pipelines.inbox import Inbox, read_moved
from pipelines.ingest import IngestReceipt, Source, ingest
from pipelines.log import OURS, Log, compaction
from pipelines.models import Model
from pipelines.publish import ApplyReceipt, Destination, Plan
from pipelines.quarantine import set_aside
from pipelines.segments import follow
from pipelines.transform import BuildReceipt
from pipelines.warehouse import Warehouse

SETTINGS = Stream("settings", "state", about="the settings in force, whenever they change")
Progress = Callable[[str], None]


def silent(_: str) -> None:
    """Report progress to nobody."""


@dataclass
class RunReceipt:
    """What a run did, part by part."""

    run: str
    as_of: datetime
    ingested: list[IngestReceipt] = field(default_factory=list)
    built: BuildReceipt | None = None
    checks: list[Check] = field(default_factory=list)
    plan: Plan | None = None
    applied: ApplyReceipt | None = None
    verdicts: dict[str, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    @property
    def is_partial(self) -> bool:
        """Whether something waits: a stream not read, a record refused, a vendor that stopped us."""
        failed = any(receipt.failed for receipt in self.ingested)
        held = self.plan is not None and any(self.plan.held.values())
        applied = self.applied is not None and bool(
            self.applied.stopped or self.applied.rejected or self.applied.waiting
        )
        return failed or held or applied or bool(self.built and self.built.faults)


class Workspace:
    """One TURNOUT_HOME with its settings, its models and its connections."""

    def __init__(self, environment: Mapping[str, str] | None = None, *, settings_path: Path | None = None) -> None:
        self.environment = dict(os.environ if environment is None else environment)
        self.home = settings.home(self.environment)
        named = self.environment.get("TURNOUT_SETTINGS")
        self.settings = settings.load(settings_path or (Path(named) if named else None))
        self.log = Log(self.home)
        self.warehouse = Warehouse(self.home)
        self.run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"

    @cached_property
    def models(self) -> dict[str, Model]:
        """The models of `sql/`, in the order in which they are built."""
        folder = sql_models.segments_folder(self.environment)
        return sql_models.load(sql_models.SQL_ROOT, folder, self.warehouse.root / "queries.json")

    @cached_property
    def sources(self) -> list[Source]:
        """The vendors that are connected, to read."""
        from pipelines.vendors.registry import sources  # what only looks at the log does without HTTP

        return sources(self.settings, self.environment)

    @cached_property
    def destinations(self) -> dict[str, Destination]:
        """The vendors that are connected, to write."""
        from pipelines.vendors.registry import destinations

        return destinations(self.settings, self.environment)

    @property
    def targets(self) -> list[str]:
        """Destinations that sync models name; a plan can be made for them without a connection."""
        found = {model.header["destination"] for model in self.models.values() if model.layer == "sync"}
        return sorted(found)

    def now(self) -> datetime:
        """Return the latest moment on the vendors' clocks that the log knows, or our clock where it knows none."""
        return self.log.last_read_at() or datetime.now(UTC)

    @property
    def settings_id(self) -> str:
        """Identity of the settings in force."""
        return digest(orjson.dumps(self.settings.meaning())).hex()

    def record_settings(self) -> None:
        """Append the settings in force, if they changed (EV-13)."""
        last = self.log.latest(OURS, SETTINGS.name).get("settings")
        if digest(orjson.dumps(last)).hex() != self.settings_id:  # seldom; what appending needs takes long to import
            now = self.now()
            record = Record("settings", now, orjson.dumps(self.settings.meaning()))
            self.log.append(OURS, OURS, SETTINGS, Batch([record], at=now), run=self.run_id)

    def ingest(
        self, names: Collection[str] = (), streams: Collection[str] | None = None, progress: Progress = silent
    ) -> list[IngestReceipt]:
        """Take what the vendors delivered into the log, then read the connected sources, or those named.

        Webinars that a delivery names are read again first (HZ-14), unless streams are named.

        Raises:
            UsageError: a source or a stream is named that there is not.
            SettingsError: a source is named that is not connected.
        """
        if unknown := sorted(set(names) - set(settings.NEEDED)):
            raise UsageError(f"there is no source {', '.join(unknown)}; there is {', '.join(sorted(settings.NEEDED))}.")
        if missing := sorted(set(names) - {source.name for source in self.sources}):
            raise SettingsError(
                f"{', '.join(missing)} is not connected. `turnout doctor` lists the variables that connect a vendor."
            )
        wanted = [source for source in self.sources if not names or source.name in names]
        chosen = {source.name: [one.name for one in source.streams if one.name in (streams or ())] for source in wanted}
        if lost := sorted(set(streams or ()) - {name for found in chosen.values() for name in found}):
            known = "; ".join(f"{one.name} has {', '.join(stream.name for stream in one.streams)}" for one in wanted)
            raise UsageError(f"there is no stream {', '.join(lost)}{f': {known}' if known else ''}.")
        with self.log.locked():
            Inbox(self.home).take(self.log, run=self.run_id, progress=progress)
            whole = [one for one in wanted if not streams or len(chosen[one.name]) == len(one.streams)]
            return read_moved(whole, self.log, run=self.run_id, progress=progress) + [
                ingest(
                    source,
                    self.log,
                    run=self.run_id,
                    streams=chosen[source.name] if streams else None,
                    progress=progress,
                )
                for source in wanted
                if not streams or chosen[source.name]
            ]

    def build(
        self,
        as_of: datetime | None = None,
        only: Collection[str] | None = None,
        progress: Progress = silent,
        *,
        show: bool = True,
    ) -> BuildReceipt:
        """Bring the models up to the log; `show` as in `transform.build`."""
        with self.log.locked():
            self.record_settings()
            moment = as_of or self.now()
            receipt = transform.build(self.log, self.models, as_of=moment, only=only, show=False, progress=progress)
            set_aside(self.log, self.warehouse)
            follow(self.log, self.models, receipt, run=self.run_id)
            if show:
                self.warehouse.show()
            compaction.tidy(self.log, progress=progress)
            return receipt

    def rebuild(self, as_of: datetime | None = None, progress: Progress = silent) -> BuildReceipt:
        """Drop everything derived, and build it from the log."""
        with self.log.locked():
            for folder in (self.warehouse.root, self.home / "past"):
                shutil.rmtree(folder, ignore_errors=True)
            return self.build(as_of, progress=progress)

    def check(self) -> list[Check]:
        """Run the audits over the models as they stand, and judge what is expected of them.

        Raises:
            UsageError: there are no tables yet.
        """
        if not self.warehouse.is_there:
            raise UsageError(f"{self.warehouse.file} is not there yet. `turnout build` makes it.")
        return check_tables(self.log, self.warehouse, self.models, warn=self.settings.quality.warn)

    def plan(
        self, names: Collection[str] = (), as_of: datetime | None = None, progress: Progress = silent
    ) -> tuple[Plan, list[str]]:
        """Build, settle what an earlier run left open, and make a plan; return it with lines for a person.

        Raises:
            ChecksFailed: a check of the tables failed; there is no plan.
        """
        unknown_names = sorted(set(names) - set(self.targets))
        if unknown_names:
            raise UsageError(f"there is no destination {', '.join(unknown_names)}; there is {', '.join(self.targets)}.")
        with self.log.locked():
            moment = as_of or self.now()
            receipt = RunReceipt(self.run_id, moment)
            plan = self._plan_anew(receipt, names, progress)
            return plan, receipt.lines

    def _plan_anew(self, receipt: RunReceipt, names: Collection[str], progress: Progress) -> Plan:
        """Settle, build, check and plan, as of the receipt's moment; note each in the receipt.

        Raises:
            ChecksFailed: a check of the tables failed; there is no plan.
        """
        settled = publish.resolve(
            self.log, self.destinations, run=self.run_id, settings=self.settings_id, at=self.now()
        )
        try:
            receipt.built = self.build(receipt.as_of, progress=progress, show=False)
            receipt.checks = self.check()
            held = checks.held_by(receipt.checks)
            if held.keys() >= set(names or self.targets):
                checks.require(held, receipt.checks)
            receipt.plan = self._plan(receipt, names, progress)
        finally:
            self.warehouse.show()
        receipt.lines = [*settled, *(f"{why} Its lists keep who is in them." for why in receipt.built.faults.values())]
        receipt.lines += self._missing(receipt.plan)
        if receipt.plan.total == 0:
            checks.require(receipt.plan.held_by, receipt.checks)
        return receipt.plan

    def _plan(self, receipt: RunReceipt, names: Collection[str], progress: Progress) -> Plan:
        """Make a plan of the tables as they stand, hold back what failed checks concern, and write its verdicts."""
        progress("plan")
        with self.warehouse.connect(publish.read_by_plans(self.models, self.destinations.values())) as db:
            plan = publish.make_plan(
                db,
                self.models,
                [name for name in self.targets if not names or name in names],
                as_of=receipt.as_of,
                positions=self.log.positions(),
                settings=self.settings_id,
                connected=self.destinations,
                unknown=[(told["destination"], publish.Row.of(told)) for _, told in publish.unknown_intents(self.log)],
                retried=publish.retried(self.log),
            )
            plan.checks = check_plan(db, self.models, plan, warn=self.settings.quality.warn)
        receipt.checks += plan.checks
        plan.hold(checks.held_by(receipt.checks))
        publish.write_verdicts(self.log, self.models, plan, at=self.now())
        return plan

    def apply(self, plan: Plan, *, allow: bool = False, progress: Progress = silent) -> ApplyReceipt:
        """Send a plan, if it is fresh and of a shape that was to be expected.

        Raises:
            StalePlanError, FuseError, ChecksFailed: nothing was sent.
        """
        with self.log.locked():
            publish.check_fresh(plan, self.log.positions(), self.settings_id)
            emptied: list[tuple[publish.Row, str]] = []
            if not allow:
                publish.check_fuses(plan, self.settings.fuses, self._earlier_creates())
                emptied = publish.hold_emptied(plan, self.settings.fuses)
            if missing := sorted(name for name, rows in plan.rows.items() if rows and name not in self.destinations):
                lost = f"{', '.join(missing)} is not connected, so the plan cannot be applied"
                raise SettingsError(f"{lost}. `turnout doctor` says what is missing.")
            how: dict[str, Any] = {"run": self.run_id, "at": self.now(), "progress": progress}
            receipt = publish.apply(plan, self.log, self.destinations, held=self._held(plan), **how)
            receipt.wait(emptied)
            progress("verdicts")
            if plan.undoes:  # what was taken back waits now, which only another look can tell
                self.build(plan.as_of)
                self._plan(RunReceipt(self.run_id, plan.as_of), (), progress)
                return receipt
            transform.build(self.log, self.models, as_of=plan.as_of, only=self._told_by_us, show=False)
            publish.write_verdicts(self.log, self.models, plan, at=self.now(), is_applied=True)
            return receipt

    @property
    def _told_by_us(self) -> set[str]:
        """Models that are made of what we said ourselves and of nothing else: what was published, first of all."""
        told = {name: {source for source, _ in model.raws} for name, model in self.models.items()}
        return sql_models.made_of_alone(self.models, [name for name, sources in told.items() if sources == {OURS}])

    def _missing(self, plan: Plan) -> list[str]:
        """Return what each connected destination of a plan still lacks, before anything can be sent to it."""
        told: list[str] = []
        for name in plan.rows:
            try:
                found = self.destinations[name].unknown(self.log) if name in self.destinations else []
            except VendorError as error:
                found = [str(error)]
            told += [f"{name}: {line}" for line in [*found, *getattr(self.destinations.get(name), "notes", ())]]
        return told

    def _held(self, plan: Plan) -> dict[str, str]:
        """Return the destinations that must not be written to yet, each with why; the others go on.

        Raises:
            ChecksFailed: none is left.
        """
        wanted = [name for name, rows in plan.rows.items() if rows]
        unknown = {name: lines for name in wanted if (lines := self.destinations[name].unknown(self.log))}
        if unknown and len(unknown) == len(wanted):
            raise ChecksFailed(
                "nothing was published:\n  " + "\n  ".join(sum(unknown.values(), [])) + "\n"
                "`turnout ingest` says why; mend that (`turnout doctor` names what is missing) and run again."
            )
        return {name: "; ".join(lines) for name, lines in unknown.items()}

    def _earlier_creates(self) -> dict[str, list[int]]:
        with self.warehouse.connect(["stg_turnout__outcomes"]) as db:
            rows = db.execute(
                """
                select destination, plan, count(*) from stg_turnout__outcomes
                where object = 'contact' and operation = 'create' and status = 'published' and plan <> ''
                group by destination, plan
                """
            ).fetchall()
        found: dict[str, list[int]] = {}
        for destination, _, created in rows:
            found.setdefault(destination, []).append(created)
        return found

    def sync(self, webinar_id: str, *, allow: bool = False, progress: Progress = silent) -> RunReceipt:
        """Read one webinar again, all of it, then do a run, which publishes what differs (HZ-31).

        Raises:
            UsageError: no connected account knows the webinar; names those that were asked.
            SettingsError: no account with webinars is connected.
        """
        from pipelines import registering

        with self.log.locked():
            read = [
                ingest(source.of_webinar(webinar_id), self.log, run=self.run_id, progress=progress)
                for source in registering.knowing(self, webinar_id)
            ]
            receipt = self.run(allow=allow, progress=progress)
            receipt.ingested = [*read, *receipt.ingested]
            return receipt

    def run(self, as_of: datetime | None = None, *, allow: bool = False, progress: Progress = silent) -> RunReceipt:
        """Do all of it in order.

        Raises:
            ChecksFailed, FuseError: everything was read and computed, nothing was published.
        """
        from pipelines import registering  # which begins runs of its own

        with self.log.locked():
            receipt = RunReceipt(self.run_id, as_of or datetime.now(UTC))
            receipt.ingested = self.ingest(progress=progress)
            receipt.as_of = as_of or self.now()
            connected = [name for name in self.targets if name in self.destinations]
            self.publish(receipt, connected, allow=allow, progress=progress)
            if as_of is None:
                others = [name for name in connected if name != "zoom"]
                registering.follow(self, receipt, others, allow=allow, progress=progress)
            progress("audit")
            with self.warehouse.connect({"verdicts", *audit.READ}) as db:
                counts = db.execute("select verdict, count(*) from verdicts group by verdict order by verdict")
                receipt.verdicts = {str(name): int(count) for name, count in counts.fetchall()}
                dates = audit.dates_of(db, most=SHOWN_EMAILS)
            write_page(self.home, dates, receipt.as_of)
            return receipt

    def publish(
        self, receipt: RunReceipt, names: Collection[str], *, allow: bool = False, progress: Progress = silent
    ) -> None:
        """Plan as of the receipt's moment, apply that, and add what was done to the receipt.

        Raises:
            ChecksFailed, FuseError: nothing of it was published.
        """
        plan = self._plan_anew(receipt, names, progress)
        self.save(plan)
        if plan.total:
            try:
                applied = self.apply(plan, allow=allow, progress=progress)
            except ChecksFailed as error:
                unread = {why: name for one in receipt.ingested for name, why in one.failed.items()}
                raise ChecksFailed("\n  not read: ".join([str(error), *unread])) from None
            receipt.applied = applied if receipt.applied is None else receipt.applied + applied

    def save(self, plan: Plan, out: Path | None = None) -> Path:
        """Write a plan to `plans/`, or where it is wanted."""
        return plan.save(out or self.home / "plans" / f"{plan.plan_id}.parquet")
