"""Tests that share the runs of one company: each tells its story up to a `yield`, then there is one run for all.

    tasks = Stories(lambda company: Exchange(company(people(), on("tasks"))))

    @pytest.mark.rule("HS-14")
    @tasks
    def test_a_change_is_carried(exchange: Exchange) -> Acts:
        name = exchange.add("tasks")
        yield
        assert exchange.hubspot("tasks") == [name]

A story sees what became of its own people and webinars, and looks at nothing else: the others are of other stories.
What one asserts in vain is its own failure; the others go on. A run that fails fails all who waited for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from tests.company import Company, companies

Scene = TypeVar("Scene")
Acts = Generator[None, None, None]
Make = Callable[..., Company]
WRONG = (Exception, pytest.fail.Exception)
"""What fails a test."""


class Stories(Generic[Scene]):
    """Stories on one scene; called with a test, it takes the test in."""

    def __init__(
        self,
        begin: Callable[[Make], Scene],
        run: Callable[[Scene], Any] = lambda scene: scene.run(),  # type: ignore[attr-defined]
        end: Callable[[Scene], Any] = lambda scene: None,
    ) -> None:
        """Name how the scene is made.

        Args:
            run: what all stories wait for at a `yield`.
            end: what is done and asserted when all have ended, for each of them.
        """
        self.begin, self.run, self.end = begin, run, end
        self.told: dict[str, Callable[[Scene], Acts]] = {}
        self.outcomes: dict[str, BaseException | None] = {}

    def __call__(self, story: Callable[[Scene], Acts]) -> Callable[[pytest.TempPathFactory], None]:
        """Take a story in; return the test that says how it went."""
        name = story.__name__
        assert name not in self.told, f"two stories are called {name}"
        self.told[name] = story

        def test(tmp_path_factory: pytest.TempPathFactory) -> None:
            if not self.outcomes:
                self.play(tmp_path_factory.mktemp("stories"))
            if error := self.outcomes[name]:
                raise error

        test.__name__, test.__qualname__, test.__doc__ = name, story.__qualname__, story.__doc__
        test.__module__ = story.__module__
        return test

    def play(self, folder: Path) -> None:
        """Play all stories to their end, and keep how each went."""
        with companies(folder) as company:
            self._play(company)

    def _play(self, company: Make) -> None:
        waiting: dict[str, Acts] = {}
        try:
            scene = self.begin(company)
            waiting = {name: story(scene) for name, story in self.told.items()}
            while waiting:
                for name, acts in list(waiting.items()):
                    try:
                        next(acts)
                    except StopIteration:
                        self.outcomes[name] = None
                        del waiting[name]
                    except WRONG as error:
                        self.outcomes[name] = error
                        del waiting[name]
                if waiting:
                    self.run(scene)
            self.end(scene)
        except WRONG as error:
            for name in self.told:
                if self.outcomes.get(name) is None:
                    self.outcomes[name] = error
