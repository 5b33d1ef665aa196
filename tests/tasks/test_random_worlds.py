"""HS-01 to HS-10: random worlds, each of hundreds of cases, against the oracle.

CI tries a few; `TURNOUT_WORLDS=40` tries so many, each with another seed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import orjson
import pytest

from pipelines.sandbox.state import State
from tests.company import Company
from tests.tasks.comparing import differences
from tests.tasks.oracle import TYPES, Ledger
from tests.tasks.worlds import AS_OF, crowd, written

GROUPS = 120
WORLDS = int(os.environ.get("TURNOUT_WORLDS", "2"))
REASONS = {
    "type_off",
    "after_as_of",
    "bot",
    "no_contact",
    "not_matched",
    "ambiguous_match",
    "outside_window",
    "before_since",
}


@pytest.mark.rule("HS-01", "HS-02", "HS-03", "HS-04", "HS-05", "HS-06", "HS-07", "HS-08", "HS-09", "HS-10")
@pytest.mark.parametrize("seed", range(1, WORLDS + 1))
def test_a_random_world_gets_the_tasks_that_the_rules_say(company: Callable[..., Company], seed: int) -> None:
    made = crowd(seed, GROUPS)
    one = company(made.world, written(made.settings))
    before = one.sandbox.world()
    ledger = Ledger(made.settings)
    fates = ledger.look(before, AS_OF)
    receipt = one.run()
    assert not receipt.is_partial
    found = differences(one, ledger.read(before, AS_OF), fates, made)
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:10])


def test_the_worlds_hold_every_type_and_every_reason() -> None:
    types: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for seed in range(1, 4):
        made = crowd(seed, GROUPS)
        document = orjson.loads(State(made.world, 0).dump())
        for fate in Ledger(made.settings).look(document, AS_OF):
            reasons[fate.reason] += 1
            types[fate.activity.type] += bool(fate.who)
    assert set(reasons) == {"", *REASONS}
    assert set(types) == set(TYPES)
    assert min(types.values()) > 5
