"""EV-06: a run killed around a registration registers each person once, and asks Zoom for nobody a second time."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.company import Company
from tests.replay.nursery import Nursery
from tests.replay.sweep import fast_folder
from tests.worlds import contact, webinar, world

NUMBER = 84759841045
PEOPLE = ("ada@x.example", "bob@x.example")
NO_CAP = {"switches": {"zoom.registrant_daily_cap": 100}}
"""Zoom's counters are not put back with the rest, and each kill is of the same day."""
SETTINGS = '[registration]\ncontact_property = "next_webinar"\n'


class Scene:
    """A company whose plan is made and not applied, to be put back as often as is wanted."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        told = world(
            webinar(NUMBER, day="2026-12-10"),
            contacts=[
                contact(number, email, properties={"next_webinar": str(NUMBER)})
                for number, email in enumerate(PEOPLE, start=1)
            ],
            properties=[
                {"name": "next_webinar", "label": "n", "type": "string", "fieldType": "text", "groupName": "one"}
            ],
        )
        self.nursery = nursery
        self.company = Company(told, folder / "home", SETTINGS)
        for step in ("ingest", "build"):
            assert self.command(step) == 0
        assert self.command("plan", "zoom") == 0
        (plan,) = (self.company.home / "plans").glob("*.parquet")
        self.plan = plan.stem
        self.kept, self.state = folder / "kept", self.company.sandbox.state
        shutil.copytree(self.company.home, self.kept)
        self.world, self.names = self.state.dump(), self.state.names.getstate()
        ended = nursery.child("command", self.company.environment, words=["apply", self.plan])
        assert ended.status == 0, ended.err
        self.points = [(kind, name) for kind, _, name in ended.told]

    def command(self, *words: str, kill: tuple[str, int, str] = ("", 0, "before")) -> int:
        """Run `turnout …` in a child; return its exit status."""
        return self.nursery.child("command", self.company.environment, words=list(words), kill=kill).status

    def put_back(self) -> None:
        """Make all as it was before the plan was applied."""
        shutil.rmtree(self.company.home)
        shutil.copytree(self.kept, self.company.home)
        self.state.put(orjson.loads(self.world))
        self.state.names.setstate(self.names)
        self.company.sandbox.set_faults(NO_CAP)
        self.company.sandbox.clear_requests()

    def asked(self) -> int:
        """Return how often Zoom was asked to register somebody."""
        return sum(
            one["method"] == "POST" and one["path"].endswith("/registrants") for one in self.company.sandbox.requests()
        )

    def registered(self) -> Counter[str]:
        """Return how often each address is registered."""
        people = self.company.sandbox.world()["zoom"][0]["webinars"][0]["registrants"]
        return Counter(one["email"] for one in people)

    def links(self) -> set[str]:
        """Return the links that the contacts have of what the CRM registered them for."""
        return {(self.company.contact(email) or {})["turnout_last_registered_webinar_url"] for email in PEOPLE}

    def nth(self, sign: str, which: int) -> tuple[str, int]:
        """Return the point that is the `which`-th with a sign: its kind, and its number in it."""
        at = [place for place, (_, name) in enumerate(self.points) if sign in name][which]
        kind = self.points[at][0]
        return kind, sum(one == kind for one, _ in self.points[: at + 1])


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """The scene, applied once undisturbed."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder, Nursery(Path(folder) / "children") as nursery:
        made = Scene(Path(folder), nursery)
        yield made
        made.company.sandbox.stop()


@pytest.mark.rule("EV-06", "HZ-32")
@pytest.mark.parametrize(
    ("sign", "which", "when"),
    [
        ("/registrants", 0, "after"),
        ("turnout/outcomes", -1, "before"),
    ],
)
def test_a_run_killed_around_a_registration_asks_for_nobody_twice(
    scene: Scene, sign: str, which: int, when: str
) -> None:
    scene.put_back()
    assert scene.command("apply", scene.plan, kill=(*scene.nth(sign, which), when)) < 0
    assert scene.command("run") == 0
    assert scene.registered() == Counter(PEOPLE)
    assert scene.asked() == len(PEOPLE)
    assert scene.links() == {f"https://zoom.example/j/{NUMBER}"}


@pytest.mark.rule("EV-06", "HZ-32")
def test_a_lost_answer_to_a_registration_is_made_good_by_looking(scene: Scene) -> None:
    scene.put_back()
    rule = {"vendor": "zoom", "method": "POST", "path": "/registrants$", "kind": "drop_after", "times": 1}
    scene.company.sandbox.set_faults({"rules": [rule], **NO_CAP})
    assert scene.command("apply", scene.plan) == 0
    assert scene.company.sandbox.state.faults.show()["struck"] == [1]
    scene.company.sandbox.set_faults(NO_CAP)
    assert scene.command("run") == 0
    assert scene.registered() == Counter(PEOPLE)
    assert scene.asked() == len(PEOPLE)
    assert scene.links() == {f"https://zoom.example/j/{NUMBER}"}
