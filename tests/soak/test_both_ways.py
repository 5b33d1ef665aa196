"""HS-12 to HS-19 over hours in which people work on both sides; `make soak` plays thirty days."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.both_ways import play


@pytest.mark.rule("HS-10", "HS-12", "HS-13", "HS-14", "HS-18", "HS-19")
def test_both_directions_keep_still_when_nobody_works_and_agree_in_the_end(tmp_path: Path) -> None:
    ended = play(seed=3, hours=12, every=3, home=tmp_path / "home")
    assert ended.problems == []
    assert ended.writes["salesforce task create"] > 2
    assert sum(count for name, count in ended.writes.items() if name.startswith("hubspot ")) > 24
