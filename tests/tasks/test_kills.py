"""HS-10 and EV-06: answers get lost and runs are killed, by calls and by Bulk jobs: no Task twice, none missing.

Every point of a run of all vendors is tried by `tests/replay`; here it is the Tasks alone, in many pieces.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.company import Company
from tests.tasks.comparing import doubled
from tests.tasks.oracle import Ledger, held
from tests.tasks.small import SIZES, SmallNursery
from tests.tasks.worlds import AS_OF, crowd, written

GROUPS, SEED = 25, 7
KILLS = max(int(os.environ.get("TURNOUT_WORLDS", "0")) // 4, 1)
"""Points that are killed of each kind; CI tries one before a call of jobs, and one after a call without."""
WRITES = {
    "calls": [("PATCH", r"/composite/sobjects/Task/", 2)],
    "jobs": [
        ("POST", r"/jobs/ingest$", 0),
        ("PUT", r"/batches$", 1),
        ("PATCH", r"/jobs/ingest/\w+$", 0),
        ("GET", r"/jobs/ingest/\w+$", 0),
        ("GET", r"/successfulResults", 0),
    ],
}
"""Method, path, and how many of such a call go well before one goes wrong."""


class Scene:
    """A company whose plan is made and not applied, to be put back as often as is wanted."""

    def __init__(self, folder: Path, how: str) -> None:
        self.how = how
        made = crowd(SEED, GROUPS)
        self.nursery = SmallNursery(folder / "children", how)
        self.company = Company(made.world, folder / "home", written(made.settings))
        ledger, before = Ledger(made.settings), self.company.sandbox.world()
        self.tasks = ledger.read(before, AS_OF).tasks(ledger.look(before, AS_OF))
        for step in ("ingest", "build", "plan"):
            assert self.command(step).status == 0
        (plan,) = (self.company.home / "plans").glob("*.parquet")
        self.plan = plan.stem
        shutil.copytree(self.company.home, folder / "kept")
        self.kept, self.state = folder / "kept", self.company.sandbox.state
        self.world, self.names = self.state.dump(), self.state.names.getstate()
        ended = self.command("apply", self.plan)
        assert ended.status == 0, ended.err
        assert held(self.company.sandbox.world()) == self.tasks
        self.points = [(kind, name) for kind, _, name in ended.told]

    def command(self, *words: str, **how: Any) -> Any:
        """Run `turnout …` in a child."""
        return self.nursery.child("command", self.company.environment, words=list(words), **how)

    def put_back(self) -> None:
        """Make all as it was before the plan was applied."""
        shutil.rmtree(self.company.home)
        shutil.copytree(self.kept, self.company.home)
        self.state.put(orjson.loads(self.world))
        self.state.names.setstate(self.names)

    def problems(self) -> list[str]:
        """Run once more, and say what is not as it should be."""
        self.company.sandbox.set_faults({})
        ended = self.command("run")
        world = self.company.sandbox.world()
        there = held(world)
        found = [f"missing: {task}" for task in (self.tasks - there).elements()]
        found += [f"too much: {task}" for task in (there - self.tasks).elements()] + doubled(world)
        return found + ([f"ended with {ended.status}: {ended.err[-800:]}"] if ended.status else [])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Scene]]:
    """Return the scene of `calls` or of `jobs`, applied once undisturbed."""
    made: dict[str, Scene] = {}

    def scene(how: str) -> Scene:
        if how not in made:
            made[how] = Scene(tmp_path_factory.mktemp(how), how)
        return made[how]

    yield scene
    for one in made.values():
        one.nursery.__exit__()
        one.company.sandbox.stop()


@pytest.fixture
def scene(scenes: Callable[[str], Scene], how: str) -> Scene:
    """The scene that a test asks for by `how`."""
    return scenes(how)


@pytest.mark.rule("HS-10", "EV-06")
@pytest.mark.parametrize(
    ("how", "kind"),
    [("calls", "drop_after"), ("calls", "truncate"), ("jobs", "drop_before"), ("jobs", "accept_500")],
)
def test_the_answer_to_any_write_of_tasks_can_be_lost(scene: Scene, kind: str) -> None:
    scene.put_back()
    rules = [
        {"vendor": "salesforce", "method": method, "path": path, "kind": kind, "times": 1, "after": after}
        for method, path, after in WRITES[scene.how]
    ]
    scene.company.sandbox.set_faults({"rules": rules})
    scene.command("apply", scene.plan)
    assert scene.company.sandbox.state.faults.show()["struck"] == [1] * len(rules)
    assert scene.problems() == []


@pytest.mark.rule("HS-10", "EV-06")
@pytest.mark.parametrize(
    ("how", "when"),
    [("calls", "after"), ("jobs", "before"), *([("calls", "before"), ("jobs", "after")] if KILLS > 1 else [])],
)
@pytest.mark.timeout(300 + 30 * KILLS)
def test_a_run_killed_while_it_writes_tasks_makes_none_twice(scene: Scene, when: str) -> None:
    chance = random.Random(f"{SEED} {when}")
    numbers: dict[str, int] = {}
    points = []
    for kind, name in scene.points:
        numbers[kind] = numbers.get(kind, 0) + 1
        if kind == "commit" or (kind == "http" and ("sobjects" in name or "/jobs/" in name)):
            points.append((kind, numbers[kind], when))
    for point in chance.sample(points, min(KILLS, len(points))):
        scene.put_back()
        assert scene.command("apply", scene.plan, kill=point).is_killed
        assert [f"{point}: {problem}" for problem in scene.problems()] == []


@pytest.mark.rule("HS-10", "EV-06")
@pytest.mark.parametrize("how", SIZES)
def test_a_run_killed_at_any_moment_and_killed_again_makes_no_task_twice(scene: Scene) -> None:
    chance = random.Random(SEED)
    scene.put_back()
    for _ in range(2 + KILLS):
        scene.command("run", moment=chance.uniform(0.3, 2.0))
    assert scene.problems() == []
