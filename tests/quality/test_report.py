"""Great Expectations finds what the run found; the page shows it without a network and without anybody's address."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import ChecksFailed
from pipelines.expectations import great
from pipelines.expectations.page import write_report
from pipelines.expectations.report import history
from pipelines.expectations.suites import SUITES
from tests.company import ROOT
from tests.quality.conftest import Tables
from tests.quality.planted import FAULTS, PEOPLE
from tests.worlds import NOW, later

TOGETHER = {fault.table: fault for fault in FAULTS if fault.table != "contact_webinars"}
"""One fault of each table, the last one that is planted in it; but none that would hide another."""


@pytest.mark.rule("EV-12")
def test_great_expectations_finds_what_the_run_found(tables: Tables, tmp_path: Path) -> None:
    file = tmp_path / "planted.duckdb"
    with duckdb.connect(str(file)) as db:
        tables.show(db, {name: fault.sql for name, fault in TOGETHER.items()})
        db.execute("create or replace table sound.readings as from told")
        findings = tables.found(db, list(SUITES))
    told = great.validate(file, findings, tables.clock)
    ours = {one.expectation.name: one.check(tables.lineage).passed for one in findings}
    assert told == ours
    failed = {name for name, passed in ours.items() if not passed}
    assert failed >= {name for fault in TOGETHER.values() for name in fault.caught}
    assert len(failed) >= len(TOGETHER) == 11


@pytest.mark.rule("EV-12")
def test_a_report_is_written_remembered_and_names_nobody(tables: Tables) -> None:
    opened = tables.company.workspace
    positions = opened.log.positions()
    report, path = write_report(opened)
    text = path.read_text(encoding="utf-8")
    assert report.disagreeing == []
    assert [check.words for check in report.checks if not check.passed] == []
    assert {check.door for check in report.checks} == {"came in", "computed", "goes out"}
    assert all(f'id="{check.name}"' in text for check in report.checks)
    assert not [email for email in PEOPLE if email in text]
    assert not re.findall(r"[\w.]+@[\w.]+", text)
    assert not re.findall(r"(?:src|href)=|https?://|url\(|@import|<script", text), "nothing is loaded from anywhere"
    assert list((tables.company.home / "quality").iterdir()) == [path]
    assert opened.log.positions() == positions, "a plan made before is not stale"
    (remembered,) = history(opened.log)
    assert (remembered.at, remembered.held, remembered.failed) == (report.at, len(report.checks), ())
    assert text.count(f"<title>{report.at:%Y-%m-%d %H:%M}: {len(report.checks)} hold") == 1


def test_commands_that_validate_nothing_import_no_great_expectations() -> None:
    words = "import sys; import pipelines.cli.steps, pipelines.run, assets.definitions; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "pipelines.expectations.suites" in found.split()
    assert not {"great_expectations", "scipy", "pandas"} & set(found.split())


@pytest.mark.rule("EV-12")
def test_an_empty_upstream_stops_the_publish_until_it_is_back_or_let_through(tables: Tables) -> None:
    one = tables.company
    world = one.sandbox.world()
    kept = world["zoom"][0]["webinars"][0]["registrants"]
    one.change(lambda world: world["zoom"][0]["webinars"][0].update(registrants=[]), later(NOW, hours=2))
    writes = one.writes()
    with pytest.raises(ChecksFailed, match="expect_registrants_not_to_vanish") as caught:
        one.run()
    assert "60 of 60 are gone within a day" in str(caught.value)
    assert one.writes() == writes
    assert one.rows("select count(*) from webinars") == [(1,)], "everything else was computed"
    one.set('[quality]\nwarn = ["expect_registrants_not_to_vanish"]')
    plan, _ = one.workspace.plan()
    assert plan.total > 0
    assert plan.held == {}
    one.set("")
    one.change(lambda world: world["zoom"][0]["webinars"][0].update(registrants=kept), later(NOW, hours=3))
    receipt = one.run()
    assert not receipt.is_partial
    assert [check.words for check in receipt.checks if not check.passed] == []
