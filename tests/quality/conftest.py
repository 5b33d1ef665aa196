"""One company that was synced once, for all tests of this folder; and its tables, in which faults are planted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import pytest

from pipelines.checks import Check, Lineage
from pipelines.expectations import Suite
from pipelines.expectations.judging import Clock, Finding, candidates, judge
from pipelines.expectations.reading import readings
from pipelines.expectations.suites import SUITES, clock_of
from tests.company import Company
from tests.quality.planted import company_world


class Tables:
    """The tables of a synced company, as views of an open connection; the plan is the one that was applied."""

    def __init__(self, one: Company) -> None:
        self.company, opened = one, one.workspace
        self.models, self.lineage = opened.models, Lineage(opened.models)
        self.clock: Clock = clock_of(opened.log, opened.warehouse)
        catalog = opened.warehouse.catalog()
        self.sound = {name: opened.warehouse.relation(entry) for name, entry in catalog.entries.items() if entry.files}
        self.readings = readings(opened.log, self.clock["read_at"])
        (plan,) = (one.home / "plans").glob("*.parquet")
        self.sound |= {"plan": f"select * from read_parquet('{plan}')", "candidates": candidates(self.models, catalog)}

    def show(self, db: duckdb.DuckDBPyConnection, faults: Mapping[str, str]) -> None:
        """Show every table under its name, sound or as a fault leaves it."""
        db.execute("set timezone = 'UTC'")
        db.execute("create schema sound")
        db.register("told", self.readings)
        db.execute("create table sound.readings as from told")
        for name, sql in self.sound.items():
            if name != "candidates":
                db.execute(f"create view sound.{name} as {sql}")
        for name in (*self.sound, "readings"):
            sound = self.sound["candidates"] if name == "candidates" else f"from sound.{name}"
            fault = faults.get(name, sound).replace("{rows}", f"sound.{name}")
            db.execute(f"create or replace view {name} as {self.stated(fault)}")

    def stated(self, sql: str) -> str:
        """Return SQL with the moments that it names."""
        return SUITES[0].stated(sql, self.clock)

    def about(self, table: str) -> list[Suite]:
        """Return the suites that a fault in a table could disturb: those about it."""
        return [suite for suite in SUITES if suite.table == table]

    def found(self, db: duckdb.DuckDBPyConnection, suites: list[Suite]) -> list[Finding]:
        """Judge suites over a connection."""
        return [one for found in judge(db, suites, self.clock).values() for one in found]

    def checks(self, db: duckdb.DuckDBPyConnection, suites: list[Suite]) -> list[Check]:
        """Judge suites, and return checks."""
        return [one.check(self.lineage) for one in self.found(db, suites)]


@pytest.fixture(scope="package")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    """The tables of a company that was synced once."""
    one = Company(company_world(), tmp_path_factory.mktemp("quality") / "home")
    one.run()
    yield Tables(one)
    one.sandbox.stop()
