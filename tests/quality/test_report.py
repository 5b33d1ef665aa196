"""Great Expectations finds what the run found; the page shows it without a network and without anybody's address."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
from typer.testing import CliRunner

from pipelines import models as sql_models
from pipelines.cli import app
from pipelines.errors import ChecksFailed
from pipelines.expectations import great
from pipelines.expectations.report import history
from pipelines.expectations.suites import SUITES
from tests.company import ROOT
from tests.quality.conftest import Tables
from tests.quality.planted import FAULTS, PEOPLE
from tests.worlds import NOW, later, registrant

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
    assert len(failed) >= len(TOGETHER) == 13


@pytest.mark.rule("EV-12")
def test_a_report_is_written_remembered_and_names_nobody(tables: Tables) -> None:
    one = tables.company
    opened = one.workspace
    positions = opened.log.positions()
    answer = CliRunner().invoke(app, ["check", "--json"], env=one.environment)
    assert answer.exit_code == 0, answer.output
    checks = orjson.loads(answer.stdout)
    path = one.home / "quality" / "index.html"
    assert f"The quality report is {path}" in answer.stderr
    assert "finds otherwise" not in answer.stderr
    assert [check["check"] for check in checks if not check["passed"]] == []
    assert {check["door"] for check in checks} == {"came in", "computed", "goes out"}
    text = path.read_text(encoding="utf-8")
    assert all(f'id="{check["check"]}"' in text for check in checks)
    assert not [email for email in PEOPLE if email in text]
    assert not re.findall(r"[\w.]+@[\w.]+", text)
    assert not re.findall(r"(?:src|href)=|https?://|url\(|@import|<script", text), "nothing is loaded from anywhere"
    assert list((one.home / "quality").iterdir()) == [path]
    assert one.workspace.log.positions() == positions, "a plan made before is not stale"
    (remembered,) = history(opened.log)
    assert (remembered.held, remembered.failed, remembered.warned) == (len(checks), (), ())
    assert text.count(f"<title>{remembered.at:%Y-%m-%d %H:%M}: {len(checks)} hold") == 1


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


@pytest.mark.rule("EV-12")
def test_what_a_check_concerns_waits_while_the_other_destination_is_written_to(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, name = tables.company, "assert_attended_webinars_do_not_exceed_occurrences"

    def change(world: dict[str, Any]) -> None:
        world["hubspot"][0]["forms"][0]["submissions"][0]["conversionId"] = "another"
        world["zoom"][0]["webinars"][0]["registrants"].append(registrant("new@x.example"))

    one.change(change, later(NOW, hours=4))
    broken = dict(sql_models.load())
    broken[name] = replace(broken[name], sql="select 1 as planted")
    writes = one.writes()
    with monkeypatch.context() as patch:
        patch.setattr(sql_models, "load", lambda *_, **__: broken)
        receipt = one.run()
    assert receipt.plan is not None
    assert receipt.applied is not None
    assert receipt.is_partial
    assert set(receipt.plan.held) == {"hubspot"}
    assert len(receipt.plan.held["hubspot"]) > 0
    assert receipt.applied.published > 0, "Salesforce has its Tasks"
    assert one.writes() == writes
    waiting = "select distinct destination, reason from verdicts where verdict = 'waiting'"
    ((destination, reason),) = one.rows(waiting)
    assert destination == "hubspot"
    assert reason.startswith(f"held back by a check: {name} (1 rows): ")
    after = one.run()
    assert not after.is_partial
    assert one.writes() > writes
    assert one.rows(waiting) == []
