"""Stories that share runs: what goes wrong in one is told there, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories import Acts, Stories


class Stage:
    """A scene that counts its runs, of which one may fail."""

    def __init__(self, breaks_at: int = 0) -> None:
        self.runs = 0
        self.breaks_at = breaks_at

    def run(self) -> None:
        """Count."""
        self.runs += 1
        if self.runs == self.breaks_at:
            raise ValueError("the run")


def short(stage: Stage) -> Acts:
    """Wait for one run."""
    assert stage.runs == 0
    yield
    assert stage.runs == 1


def long(stage: Stage) -> Acts:
    """Wait for three."""
    for seen in range(3):
        assert stage.runs == seen
        yield
    assert stage.runs == 3


def wrong(stage: Stage) -> Acts:
    """Assert what is not so."""
    yield
    assert stage.runs == 5, "wrong"


def played(stories: Stories[Stage], folder: Path) -> dict[str, str]:
    """Return what each story ended with."""
    for story in (short, long, wrong):
        stories(story)
    stories.play(folder)
    return {name: str(error).partition("\n")[0] if error else "" for name, error in stories.outcomes.items()}


def test_each_run_is_for_all_and_what_fails_in_one_fails_no_other(tmp_path: Path) -> None:
    told = played(Stories(lambda _: Stage()), tmp_path)
    assert (told["short"], told["long"]) == ("", "")
    assert told["wrong"].startswith("wrong")


def test_a_run_that_fails_fails_all_that_waited_for_it(tmp_path: Path) -> None:
    told = played(Stories(lambda _: Stage(breaks_at=2)), tmp_path)
    assert (told["long"], told["short"]) == ("the run", "the run")
    assert told["wrong"].startswith("wrong")


def test_what_is_asserted_in_the_end_is_asserted_for_each(tmp_path: Path) -> None:
    def end(stage: Stage) -> None:
        raise ValueError(f"after {stage.runs}")

    told = played(Stories(lambda _: Stage(), end=end), tmp_path)
    assert (told["long"], told["short"]) == ("after 3", "after 3")
    assert told["wrong"].startswith("wrong")


def test_the_test_of_a_story_raises_what_went_wrong(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    stories = Stories(lambda _: Stage())
    tests = {story.__name__: stories(story) for story in (short, wrong)}
    tests["short"](tmp_path_factory)
    with pytest.raises(AssertionError, match="wrong"):
        tests["wrong"](tmp_path_factory)
