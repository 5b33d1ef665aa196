"""Two days of the simulated month: the world moves on every hour, every fault strikes, and at the end nothing differs.

`make soak` plays the whole month; a seed that fails is played again by `python -m tests.soak.month --days 2 --seed N`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.sandbox.faults import KINDS
from pipelines.vendors.hubspot import client
from tests.searches import DOCUMENTED
from tests.soak import month
from tests.soak.comparing import unlike
from tests.soak.keeping import Shelf
from tests.soak.limits import Watch
from tests.soak.script import Author

SEED = 4
EVERY = 8.0
"""Hours between two runs."""


class BrokenOff(Exception):
    """The play was stopped in the middle."""


@pytest.mark.rule("HZ-20", "HZ-21", "HZ-22", "HZ-24", "HZ-27", "HZ-28", "EV-02", "EV-06", "EV-07")
@pytest.mark.timeout(600)
def test_two_days_of_faults_and_kills_leave_what_two_calm_days_leave_and_the_rules_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(month, "KEPT_EVERY", 3)
    monkeypatch.setitem(client.LIMITS, client.SEARCH, DOCUMENTED)
    shelf = Shelf(tmp_path / "kept")

    def break_off(_: str) -> None:
        raise BrokenOff

    def played(**how: Any) -> month.Ending:
        history = Author(SEED, days=2, pace_hours=2 * EVERY).write()
        return month.play(history, every=timedelta(hours=EVERY), **how)

    with pytest.raises(BrokenOff):
        played(home=tmp_path / "calm", is_stormy=False, shelf=shelf, tell=break_off)
    calm = played(home=tmp_path / "calm", is_stormy=False, shelf=shelf)
    stormy = played(home=tmp_path / "stormy", is_stormy=True, kill_every=3)
    assert calm.problems == []
    assert stormy.problems == []
    assert unlike(calm, stormy) == []
    assert (calm.runs, stormy.runs) == (9, 9)
    assert set(stormy.struck) == set(KINDS)
    assert [kind for kind, times in stormy.struck.items() if not times] == []
    assert stormy.killed > 0


@pytest.mark.parametrize(
    ("path", "vendor", "most", "seconds"),
    [
        ("/v2/report/webinars/u==/participants?page_size=300", "zoom", 40, 1.0),
        ("/v2/users?status=active", "zoom", 60, 1.0),
        ("/v2/webinars/84000000001", "zoom", 80, 1.0),
        ("/crm/objects/2026-09/contacts/search", "hubspot", 5, 1.0),
        ("/crm/v3/objects/contacts", "hubspot", 190, 10.0),
    ],
)
def test_a_passed_limit_is_found(path: str, vendor: str, most: int, seconds: float) -> None:
    def calls(number: int) -> list[dict[str, object]]:
        step = seconds / number * 0.99
        one = {"vendor": vendor, "path": path, "status": 200, "at": "2026-11-20T12:00:00Z"}
        return [{**one, "seconds": 5.5 + turn * step} for turn in range(number)]

    assert Watch().exceeded(calls(most)) == []
    assert f"{most + 1} calls in {seconds:g} s" in Watch().exceeded(calls(most + 1))[0]
