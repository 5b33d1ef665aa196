"""The demo, as somebody who has just installed it calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import Answer, told, turnout


@pytest.mark.rule("EV-05", "EV-06")
def test_the_demo_works_in_an_empty_folder_with_an_empty_environment(tmp_path: Path) -> None:
    answer = turnout("demo", "--contacts", "50", "--json", env={}, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    verdicts = told(answer)["verdicts"]  # a run that registered somebody plans twice: what it sent first stands by then
    assert verdicts["published"] + verdicts["unchanged"] > 500
    assert all((tmp_path / "data" / part / "index.html").exists() for part in ("audit", "quality"))
    assert (tmp_path / "data" / "sandbox" / "world.json").exists()
    plan: Answer = turnout("plan", env={}, cwd=tmp_path)
    assert plan.returncode == 0
    assert plan.stdout.splitlines()[0] == "0 changes"
