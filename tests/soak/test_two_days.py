"""Two days of the simulated month: calm against the oracle after every run, and calm against stormy at the end.

`make soak` plays the whole month; a seed that fails is played again by `python -m tests.soak.month --days 2 --seed N`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.soak.month import play, unlike
from tests.soak.script import Author

EVERY = 8.0
"""Hours between two runs."""


@pytest.mark.rule("HZ-20", "HZ-21", "HZ-22", "HZ-24", "HZ-27", "EV-02", "EV-06")
@pytest.mark.parametrize("seed", [104])
def test_two_days_of_a_moving_world_leave_what_an_independent_reading_of_the_rules_says(
    tmp_path: Path, seed: int
) -> None:
    history = Author(seed, days=2, moves_an_hour=6).write()
    ending = play(history, tmp_path / "calm", timedelta(hours=EVERY), is_stormy=False)
    assert ending.problems == []


@pytest.mark.rule("EV-06", "EV-07", "HZ-28")
def test_two_days_of_faults_and_kills_leave_what_two_calm_days_leave(tmp_path: Path) -> None:
    history = Author(5, days=2, pace_hours=2 * EVERY).write()
    calm = play(history, tmp_path / "calm", timedelta(hours=EVERY), is_stormy=False)
    stormy = play(history, tmp_path / "stormy", timedelta(hours=EVERY), is_stormy=True, kills=0.2)
    assert calm.problems == []
    assert stormy.problems == []
    assert unlike(calm, stormy) == []
