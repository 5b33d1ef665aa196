"""Judges expectations in a run: one query for the rows of a suite. What held over the same rows holds still."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

import duckdb
import orjson

from pipelines import duck
from pipelines.checks import Check, Lineage, noted
from pipelines.errors import LogError, ModelError
from pipelines.events import utc
from pipelines.expectations import READINGS, Expectation, Suite
from pipelines.models import Model
from pipelines.warehouse import Catalog, Warehouse, write_whole

SHOWN = 5
SMALL = 200_000
"""Rows of all tables together, up to which it costs more to think about a query than to run it as it stands."""
LARGE = 1_000_000
WORD = "^[A-Za-z0-9_ .-]{1,40}$"
"""A value that may be shown: a word of a vocabulary. Addresses, names with accents and sentences are none."""
Clock = Mapping[str, datetime]


@dataclass(frozen=True)
class Finding:
    """What one expectation found. `considered`: rows that it is about; `named`: what may be shown of the others."""

    suite: Suite
    expectation: Expectation
    failing: int
    considered: int
    named: tuple[str, ...] = ()

    def check(self, lineage: Lineage) -> Check:
        """Return it as a check, with what it holds back."""
        asked, suite = self.expectation, self.suite
        holds = frozenset([suite.destination]) if suite.destination else lineage.destinations([suite.model])
        return Check(
            asked.name,
            asked.claim,
            self.failing,
            suite.model,
            suite.door,
            self.considered,
            asked.tolerated(self.considered),
            self.named,
            asked.is_blocking and bool(holds),
            holds,
        )


def judge(
    db: duckdb.DuckDBPyConnection, suites: Sequence[Suite], clock: Clock, tables: Mapping[str, str] | None = None
) -> dict[str, list[Finding]]:
    """Return what each expectation of each suite finds: one statement for all, since each costs more than its rows.

    Args:
        tables: queries for tables that the connection does not show.

    Raises:
        ModelError: a table has not the columns that its suite speaks of.
    """
    if not suites:
        return {}
    shown = "".join(f"{name} as not materialized ({sql}), " for name, sql in (tables or {}).items())
    batches = ", ".join(f"batch_{at} as not materialized ({suite.rows()})" for at, suite in enumerate(suites))
    parts = " union all ".join(_asked(at, suite) for at, suite in enumerate(suites))
    with_tables = f"with {shown}{batches} "
    try:
        told = db.execute(suites[0].stated(with_tables + parts, clock)).fetchall()
        found: dict[str, list[Finding]] = {}
        for at, counts, words in told:
            suite = suites[at]
            for number, asked in enumerate(suite.expectations):
                failing, considered, named = counts[2 * number], counts[2 * number + 1], tuple(words[number] or ())
                if failing and asked.kind == "known":
                    sql = suite.stated(with_tables + _named(at, asked), clock)
                    named = tuple(
                        f"{word or 'what is no word'} in {rows:,} rows" for word, rows in db.execute(sql).fetchall()
                    )
                found.setdefault(suite.name, []).append(Finding(suite, asked, int(failing), int(considered), named))
    except duckdb.Error as error:
        names = ", ".join(dict.fromkeys(suite.table for suite in suites))
        raise ModelError(
            f"the expectations of {names} cannot be asked: {str(error)[:400]}. Run `turnout build`."
        ) from None
    return found


def _asked(at: int, suite: Suite) -> str:
    """Return the query for one suite: its number, two counts of each expectation, and what each names."""
    batch = f"batch_{at}"
    counts: list[str] = []
    words: list[str] = []
    for asked in suite.expectations:
        word = "cast(null as varchar[])"
        if asked.kind == "none":
            found = asked.sql.replace("{batch}", batch)
            counts += [f"(select count(*) from ({found}))", "count(*)"]
            word = f"(select list(what order by what)[:{SHOWN}] from ({found}))"
        elif asked.kind == "unique":
            twice = f"select count(*) as n from {batch} group by {', '.join(asked.columns)} having count(*) > 1"
            counts += [f"(select coalesce(cast(sum(n) as bigint), 0) from ({twice}))", "count(*)"]
        else:
            considered = f"count({asked.columns[0]})" if asked.kind in ("within", "known") else "count(*)"
            counts += [f"count(*) filter (where {asked.failing()})", considered]
        words.append(word)
    return f"select {at} as at, [{', '.join(counts)}] as counts, [{', '.join(words)}] as words from {batch}"


def _named(at: int, asked: Expectation) -> str:
    """Return the query for the unknown words that may be shown, the most frequent first, each with its rows."""
    value = f"cast({asked.columns[0]} as varchar)"
    return (
        f"select case when regexp_matches({value}, '{WORD}') then {value} end as word, count(*) as row_count "
        f"from batch_{at} where {asked.failing()} group by word order by row_count desc, word limit {SHOWN}"
    )


def judge_all(
    warehouse: Warehouse,
    models: Mapping[str, Model],
    suites: Iterable[Suite],
    readings: Any,
    clock: Clock,
    *,
    whole: bool = False,
) -> list[Finding]:
    """Judge the suites about tables that were built, in one connection.

    Args:
        readings: the Arrow table `readings`. clock: the moments `read_at` and `as_of`.
        whole: whether to look for doubled events in large tables too; the log appends none twice.

    Raises:
        ModelError: a table was made by another version. LogError: what was found cannot be written down.
    """
    catalog = warehouse.catalog()
    path = warehouse.root / "expectations.json"
    held = noted(path.read_bytes()) if path.exists() else {}
    known = dict(held)
    wanted = [_asked_of(suite, catalog, whole) for suite in suites if is_there(suite, catalog)]
    over = {suite.name: _rows(suite, catalog, clock, readings) for suite in wanted}
    moments = {name: moment.isoformat() for name, moment in clock.items()}
    asked = [suite for suite in wanted if not _holds_still(held.get(suite.name, {}), over[suite.name], clock)]
    for suite in asked:
        told = [[0, 0, []] for _ in suite.expectations]
        held[suite.name] = {"over": over[suite.name], "at": moments, "found": told}
    asked = [suite for suite in asked if not _is_empty(suite, catalog)]
    if asked:
        reads = {name for suite in asked for name in read_by(suite, models)}
        tables = {name: warehouse.relation(catalog.entries[name]) for name in reads if name in catalog.entries}
        if any("candidates" in suite.reads for suite in asked):
            tables["candidates"] = candidates(models, catalog)
        with duck.look() as db:
            db.register(READINGS, readings)
            size = sum(catalog.entries[name].rows for name in reads if name in catalog.entries)
            if size < SMALL:
                db.execute("pragma disable_optimizer")
            for some in [asked] if size < SMALL else [[suite] for suite in asked]:
                for name, found in judge(db, some, clock, _of(tables, some, models)).items():
                    held[name]["found"] = [[one.failing, one.considered, list(one.named)] for one in found]
    if held != known:
        try:
            write_whole(path, orjson.dumps(held, option=orjson.OPT_INDENT_2))
        except OSError as error:
            raise LogError(f"{path} cannot be written: {error}. See that the disk has room, and run again.") from None
    return [
        Finding(suite, one, failing, considered, tuple(named))
        for suite in wanted
        for one, (failing, considered, named) in zip(suite.expectations, held[suite.name]["found"], strict=True)
    ]


def _asked_of(suite: Suite, catalog: Catalog, whole: bool) -> Suite:
    """Return a suite, without what would cost more than a run of small news does where its table is large."""
    entry = catalog.entries.get(suite.table)
    if whole or suite.door != "came in" or entry is None or entry.rows < LARGE:
        return suite
    return replace(suite, expectations=tuple(one for one in suite.expectations if one.kind != "unique"))


def _holds_still(told: Mapping[str, Any], over: str, clock: Clock) -> bool:
    """Whether what was found of these rows is true still: within a day, time only makes more of them past."""
    if told.get("over") != over:
        return False
    is_odd = any(failing for failing, *_ in told["found"])
    before = {name: utc(text) for name, text in told["at"].items()}
    return before == clock if is_odd else all(before[name] <= moment for name, moment in clock.items())


def _of(tables: Mapping[str, str], suites: Sequence[Suite], models: Mapping[str, Model]) -> dict[str, str]:
    """Return those tables that the suites read."""
    reads = {name for suite in suites for name in read_by(suite, models)}
    return {name: sql for name, sql in tables.items() if name in reads}


def _is_empty(suite: Suite, catalog: Catalog) -> bool:
    """Whether there is no row that anything could be said of."""
    return not suite.reads and suite.table in catalog.entries and catalog.entries[suite.table].rows == 0


def is_there(suite: Suite, catalog: Catalog) -> bool:
    """Whether the table of a suite, and all that its SQL reads, was built; verdicts are of the tables as they are."""
    if suite.table == "verdicts":
        told = catalog.entries.get("verdicts")
        return told is not None and told.as_of == catalog.as_of
    return all(name in catalog.entries for name in (suite.table, *suite.reads) if name != READINGS)


def read_by(suite: Suite, models: Mapping[str, Model]) -> set[str]:
    """Return the tables that a suite reads."""
    syncs = {model.name for model in models.values() if model.layer == "sync"} if "candidates" in suite.reads else set()
    return {suite.table, *suite.reads, *syncs}


def candidates(models: Mapping[str, Model], catalog: Catalog) -> str:
    """Return the query for all that could be published: destination, object, object_key."""
    parts = [
        f"select '{model.header['destination']}' as destination, '{model.header['object']}' as object, object_key "
        f"from {model.name}"
        for model in models.values()
        if model.layer == "sync" and model.name in catalog.entries
    ]
    return " union all ".join(parts)


def _rows(suite: Suite, catalog: Catalog, clock: Clock, readings: Any) -> str:
    """Return the identity of a suite over the rows, and on the days, that it is asked."""
    words = [repr(suite)]
    names: Sequence[str] = (suite.table, *suite.reads)
    if "candidates" in suite.reads:
        names = [name for name in catalog.entries if name.startswith("sync_") or name == suite.table]
    words += [catalog.entries[name].fingerprint for name in names if name in catalog.entries]
    words += [f"{moment:%Y-%m-%d}" for name, moment in clock.items() if f"{{{name}}}" in words[0]]
    if suite.table == READINGS:
        words.append(str(readings.to_pylist()))
    return blake2b("|".join(words).encode(), digest_size=12).hexdigest()
