"""HS-08 to HS-10 over days: a Task stays where it is, moves only with its record, and none is made twice."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.company import Company
from tests.tasks.comparing import differences
from tests.tasks.days import Days
from tests.tasks.oracle import Ledger, when
from tests.tasks.worlds import AS_OF, crowd, written
from tests.worlds import later

READS = ("/search", "/batch/read", "/token")
GROUPS, DAYS, CHANGES = 36, 2, 25
WORLDS = max(int(os.environ.get("TURNOUT_WORLDS", "0")) // 4, 1)


@pytest.mark.rule("HS-08", "HS-09", "HS-10")
@pytest.mark.parametrize("seed", range(1, WORLDS + 1))
def test_tasks_stay_where_they_are_whatever_becomes_of_the_people(company: Callable[..., Company], seed: int) -> None:
    made = crowd(seed + 1000, GROUPS)
    one = company(made.world, written(made.settings))
    ledger, days = Ledger(made.settings), Days(one, seed)
    as_of = AS_OF
    for day in range(DAYS + 1):
        if day:
            days.pass_one(CHANGES)
        before = one.sandbox.world()
        as_of = when(before["now"])
        reading = ledger.read(before, as_of)
        fates = ledger.look(before, as_of)
        receipt = one.run()
        assert not receipt.is_partial
        found = differences(one, reading, fates, made)
        assert not found, f"day {day}, {len(found)} differences after {days.done}:\n" + "\n".join(found[:10])
    assert len(set(days.done)) == 6, "each kind of change happened"
    _is_quiet(one, as_of.isoformat())


def _is_quiet(one: Company, moment: str) -> None:
    """Two hours on which nobody does anything: the first run reads the last minutes once more, the second nothing."""
    for hours in (1, 2):
        one.sandbox.set_clock(later(moment, hours=hours))
        one.sandbox.clear_requests()
        one.run()
        asked = [(call["method"], call["path"].partition("?")[0], call["records"]) for call in one.sandbox.requests()]
        assert [call for call in asked if call[0] != "GET" and not call[1].endswith(READS)] == []
    changed = [call for call in asked if call[1].endswith(("/search", "/queryAll"))]
    assert len(changed) > 8
    assert [call for call in changed if call[2]] == []
