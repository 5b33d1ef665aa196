"""Builds models: staging from the commits that are new, others by changed key, or whole where that is less work.

Every file is named after what it was made of (SQL, inputs, moment), written beside and renamed, so a kill at any
point leaves the tables as they were, and the next build makes only what is missing. Whatever was built by key equals,
row for row, what a whole build gives (EV-02).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb

from pipelines.errors import ModelError
from pipelines.events import utc
from pipelines.log import Log
from pipelines.models import SEGMENTS, Model
from pipelines.transform.bench import Bench, Change, fingerprint_of
from pipelines.transform.keyed import append, by_key, merge
from pipelines.transform.lanes import in_order
from pipelines.transform.segments import Gathered, after_their_members
from pipelines.transform.staging import bring_up_staging
from pipelines.warehouse import Catalog, Entry, Warehouse

SMALL = 20_000
"""A model of fewer rows is built whole: finding out what to build would cost more."""
SHARE = 0.25
"""A model of which more is touched than this share is built whole, too."""
COMPARED = 200_000
"""A whole build of up to so many rows is compared with what stood, so that models above it learn what changed."""

LARGE = 1_000_000
"""Rows of a model that stands, from which on models that do not read each other are built side by side."""
LANES = 3


@dataclass
class Built:
    """What building one model did: rows that stand, rows written, seconds; `is_reused`: nothing had changed."""

    name: str
    rows: int
    written: int
    seconds: float
    is_reused: bool
    columns: Mapping[str, str]
    how: str = ""


@dataclass
class BuildReceipt:
    """What one build did, model by model; `faults` are segments that could not be built, each with why."""

    as_of: datetime
    models: dict[str, Built] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def rebuilt(self) -> int:
        """How many models were written."""
        return sum(not built.is_reused for built in self.models.values())


def build(
    log: Log,
    models: Mapping[str, Model],
    *,
    as_of: datetime,
    only: Collection[str] | None = None,
    threads: int | None = None,
    small: int | None = None,
    share: float | None = None,
    lanes: int | None = None,
    show: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> BuildReceipt:
    """Bring the models up to the log, as of a moment, and swap them in.

    Args:
        models: in dependency order, as `models.load` gives them; audits among them are left out.
        only: names to build; all others keep what they have.
        small, share: a model is built whole if it and what it reads have no more rows than this, or if more of it
            than this is touched; `SMALL` and `SHARE` where nothing is said.
        show: whether readers of the file of views find the tables at once; else when the caller lets them.
        lanes: models that are built at the same time; 1 where nothing is said and no model has `LARGE` rows.

    Raises:
        ModelError: a model's SQL failed; names the model. The tables are as they were.
        LogError: the log or the disk refuses.
    """
    warehouse = Warehouse(log.home)
    receipt = BuildReceipt(as_of)
    small, share = SMALL if small is None else small, SHARE if share is None else share
    with log.locked():
        before = warehouse.catalog()
        after = Catalog(dict(before.entries), dict(before.retired), as_of.isoformat())
        after.entries = {name: entry for name, entry in after.entries.items() if name in models or not entry.sql}
        (warehouse.root).mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as db:
            bench = Bench(db, log, warehouse, before, as_of, threads)
            bench.watched = frozenset(
                name for model in models.values() if model.increment for name in model.increment.watches
            )
            wanted = after_their_members([model for model in models.values() if model.layer != "audits"])
            gathered = Gathered(wanted)

            def bring_up(bench: Bench, model: Model) -> Built | None:
                built = None
                if model.layer == "segments":
                    if only is None or gathered.names.intersection(only):
                        built = _gathered(bench, model, gathered, after)
                elif only is None or model.name in only:
                    started = time.perf_counter()
                    old = after.entries.get(model.name)
                    entry, written = _bring_up(bench, model, old, after, small, share)
                    after.entries[model.name] = entry
                    seconds = time.perf_counter() - started
                    is_reused = old is not None and entry.fingerprint == old.fingerprint
                    built = Built(model.name, entry.rows, written, seconds, is_reused, entry.columns, bench.how)
                bench.show(model.name, after.entries.get(model.name))
                return built

            is_large = max((entry.rows for entry in before.entries.values()), default=0) >= LARGE
            for built in in_order(
                bench, wanted, bring_up, LANES if lanes is None and is_large else lanes or 1, progress
            ):
                if built is not None:
                    receipt.models[built.name] = built
        receipt.faults = after.entries[SEGMENTS].faults if SEGMENTS in after.entries else {}
        if after.entries != before.entries or after.as_of != before.as_of or not warehouse.is_there:
            warehouse.swap(before, after, show=show)
        elif show:
            warehouse.show()
    return receipt


def _gathered(bench: Bench, model: Model, gathered: Gathered, after: Catalog) -> Built:
    """Return what became of one segment, or of what is made of all; with the first of them, all are built."""
    started = time.perf_counter()
    old = bench.before.entries.get(model.name)
    if not gathered.entries:
        bench.plan_for(max((entry.rows for entry in after.entries.values()), default=0))
        gathered.build(bench, after)
        after.entries |= gathered.entries
    entry = gathered.entries[model.name]
    is_reused = old is not None and entry.fingerprint == old.fingerprint
    written = 0 if is_reused or entry.where else entry.rows
    return Built(model.name, entry.rows, written, time.perf_counter() - started, is_reused, entry.columns, bench.how)


def _bring_up(
    bench: Bench, model: Model, old: Entry | None, after: Catalog, small: int, share: float
) -> tuple[Entry, int]:
    """Return the model's entry as it should be now, and the rows written for it."""
    bench.how = ""
    if old is not None and not bench.warehouse.is_whole(old):
        old = None
    bench.keep_order(model.layer == "staging")
    if model.layer == "staging":
        return bring_up_staging(bench, model, old)
    missing = [name for name in model.reads if name not in after.entries]
    if missing:
        raise ModelError(f"{model.path} reads {', '.join(missing)}, which is not built yet. Run `turnout build`.")
    made_of = {name: after.entries[name].fingerprint for name in model.reads}
    if old is not None and old.sql == model.fingerprint and old.made_of == made_of:
        if old.as_of == after.as_of or not model.uses_as_of:
            bench.changes[model.name] = Change.NONE
            return old, 0
    else:
        bench.changes[model.name] = Change.ALL
    bench.lay_out(model.reads)
    size = max([old.rows if old else 0, *(after.entries[name].rows for name in model.reads)])
    bench.most = max(small, share * size)
    if old is not None and size > small and model.increment and _is_followed(bench, model, old, after):
        bench.plan_for(size)
        how = append if model.increment.is_appended else merge if model.increment.merged else by_key
        found = how(bench, model, old, made_of)
        if found is not None:
            return found
    is_bare = not any(after.entries[name].rows for name in model.reads)
    return _whole(bench, model, old, made_of, rows=size, is_bare=is_bare)


def _is_followed(bench: Bench, model: Model, old: Entry, after: Catalog) -> bool:
    """Whether all that changed since the model was last built is at hand, and is what its file of keys looks at."""
    if old.sql != model.fingerprint:
        return False
    watches = model.increment.watches if model.increment else ()
    if model.uses_as_of and utc(old.as_of) > utc(after.as_of):
        return False
    for name in model.reads:
        earlier = bench.before.entries.get(name)
        change = bench.changes.get(name, Change.NONE)
        if earlier is None or old.made_of.get(name) != earlier.fingerprint or change is Change.ALL:
            return False
        if change is Change.ROWS and name not in watches:
            return False
    return True


def _whole(
    bench: Bench, model: Model, old: Entry | None, made_of: dict[str, str], rows: int, *, is_bare: bool
) -> tuple[Entry, int]:
    """Build a model whole; where it is small, compare it with what stood, and keep that if it is the same.

    Args:
        rows: of the largest of what it reads, and of what stood.
    """
    bench.how = "whole"
    bench.narrow_nothing()
    bench.plan_for(rows, is_whole=True)
    moment = bench.as_of.isoformat()
    fingerprint = fingerprint_of(model.fingerprint, moment if model.uses_as_of else "", made_of)
    is_compared = old is not None and old.sql == model.fingerprint and old.rows <= COMPARED
    bench.changes[model.name] = Change.ROWS if is_compared else Change.ALL
    file = f"{model.name}/{fingerprint}.parquet"
    fresh, is_kept = "", bench.is_few(rows) and not is_bare
    if is_kept:
        fresh = bench.few(model)
    elif is_compared:
        fresh = bench.table("fresh", model.sql, model)
    if old is not None and is_compared and not bench.difference(model, fresh, bench.warehouse.relation(old)):
        bench.changes[model.name] = Change.NONE
        entry, written = replace(old, sql=model.fingerprint, as_of=moment, made_of=made_of), 0
    else:
        sql = f"select * from {fresh}" if fresh else model.sql
        if is_bare:
            written, columns = bench.write_once(model, sql, file, fingerprint)
        else:
            written = bench.write(model, sql, file)
            columns = bench.described(file)
        entry = Entry(fingerprint, [file], written, columns, as_of=moment, sql=model.fingerprint, made_of=made_of)
        entry.counts, entry.gone = [written], [""]
    if is_kept:
        bench.keep_few(model.name, entry)
    return entry, written
