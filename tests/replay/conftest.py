"""The scene of the kills, played once by each worker that has tests of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replay.nursery import Nursery
from tests.replay.scene import Scene
from tests.replay.sweep import fast_folder


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    """The scene, played once undisturbed."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder, Nursery(Path(folder) / "children") as nursery:
        made = Scene(Path(folder), nursery)
        yield made
        made.stop()
