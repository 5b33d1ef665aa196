"""EV-06: a run killed at any moment and run again leaves log, tables and vendors as an undisturbed run does.

What CI tries is a sample with some of every kind; `python -m tests.replay.sweep` tries every point.
"""

from __future__ import annotations

import random

import pytest

from tests.replay.scene import Scene, sample
from tests.replay.sweep import second_kill, share

SAMPLE, SEED = 11, 1


@pytest.mark.rule("EV-01", "EV-02", "EV-06")
def test_a_run_killed_at_any_point_and_run_again_leaves_what_an_undisturbed_run_leaves(scene: Scene) -> None:
    points = sample(scene.points, SAMPLE, SEED)
    assert [problem for point in points for problem in scene.survives(point)] == []


@pytest.mark.rule("EV-01", "EV-06")
def test_a_run_killed_in_the_middle_of_anything_loses_nothing(scene: Scene) -> None:
    chance = random.Random(SEED)
    point = scene.starts[chance.choice(sorted(scene.starts))].points[0]
    assert scene.survives(point, moment=chance.uniform(0.05, 0.6)) == []


@pytest.mark.rule("EV-06")
def test_the_run_after_a_kill_can_be_killed_too(scene: Scene) -> None:
    chance = random.Random(SEED)
    points = [point for point in scene.points if point.step == "apply" and point.kind in ("http", "commit")]
    assert scene.survives(chance.choice(points), second_kill(chance)) == []


@pytest.mark.rule("EV-06")
def test_a_run_that_is_killed_again_and_again_gets_there(scene: Scene) -> None:
    assert scene.survives_again_and_again("next", SEED) == []


@pytest.mark.rule("EV-06")
@pytest.mark.parametrize(
    ("chapter", "kind"), [("first", "drop_after"), ("next", "accept_500"), ("first", "drop_before")]
)
def test_the_answer_to_every_kind_of_write_can_be_lost_and_nobody_is_created_twice(
    scene: Scene, chapter: str, kind: str
) -> None:
    scene.put_back(scene.starts[chapter, "apply"].state)
    rules = [
        {"vendor": vendor, "path": f"{path}($|\\?)", "kind": kind, "times": 1}
        for vendor, path in (name.split() for name in scene.calm[chapter])
    ]
    scene.company.sandbox.set_faults({"rules": rules})
    scene.command(scene.starts[chapter, "apply"].words)
    assert set(scene.company.sandbox.state.faults.show()["struck"]) == {1}, "each kind of write was struck once"
    scene.company.sandbox.set_faults({})
    assert scene.unlike(chapter, counted="contacts/batch/create") == []


@pytest.mark.rule("EV-06")
def test_an_answer_is_lost_and_then_the_run_is_killed_before_it_can_ask(scene: Scene) -> None:
    writes = [
        point
        for point in scene.points
        if (point.chapter, point.step, point.kind, point.when) == ("first", "apply", "http", "before")
    ]
    for before, point in zip(writes[1:3], writes[2:4], strict=True):
        path = before.doing.rpartition(" /")[2]
        lost = {"rules": [{"vendor": "hubspot", "method": "POST", "path": path, "kind": "drop_after", "times": 1}]}
        assert scene.survives(point, faults=lost) == []


def test_every_kind_of_point_is_in_the_sample(scene: Scene) -> None:
    chosen = sample(scene.points, SAMPLE, SEED)
    assert {point.stratum for point in chosen} == {point.stratum for point in scene.points}
    assert sorted(share(scene.points, 0, 2) + share(scene.points, 1, 2)) == sorted(scene.points)
