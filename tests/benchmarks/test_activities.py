"""The benchmark of activities: what it makes is read, matched and planned as a real log would be."""

from __future__ import annotations

from pathlib import Path

from benchmarks import history, org
from benchmarks.activities import measured
from benchmarks.company import END, START


def test_a_made_org_is_matched_and_its_tasks_are_planned(tmp_path: Path) -> None:
    history.make(tmp_path, 12_000, [(START, END)])
    assert org.add(tmp_path / "home", 12_000) > 50
    told = measured(tmp_path / "home")
    assert told["activities"] > 3_000
    assert told["activities"] > told["tasks"] > 2_000
    assert told["calls"] == 12  # one job
