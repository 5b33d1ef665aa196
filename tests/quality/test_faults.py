"""Faults planted in the tables: each is named by a check, and holds back what it concerns and nothing else."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.checks import held_by
from pipelines.expectations.suites import SUITES
from tests.quality.conftest import Tables
from tests.quality.planted import FAULTS, Fault


@pytest.mark.rule("EV-12")
def test_nothing_is_found_in_sound_tables(tables: Tables) -> None:
    with duckdb.connect() as db:
        tables.show(db, {})
        found = tables.checks(db, list(SUITES))
    assert [check.words for check in found if not check.passed] == []
    assert len(found) == sum(len(suite.expectations) for suite in SUITES)


@pytest.mark.rule("EV-12")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_a_planted_fault_is_named_and_holds_back_what_it_concerns(tables: Tables, fault: Fault) -> None:
    with duckdb.connect() as db:
        tables.show(db, {fault.table: fault.sql})
        found = tables.checks(db, tables.about(fault.table))
    failed = {check.name: check for check in found if not check.passed}
    assert set(failed) == set(fault.caught)
    assert held_by(found).keys() == fault.held
    told = " ".join(check.words for check in failed.values())
    assert fault.named in told
    assert "@" not in told


def test_more_than_twenty_faults_of_every_door_are_planted() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 20
    doors = {suite.door for suite in SUITES for fault in FAULTS if suite.table == fault.table}
    assert doors == {"came in", "computed", "goes out"}
