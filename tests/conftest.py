"""Fixtures: a company made of a world; where shared material is; what a machine lacks."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from pipelines import duck
from tests.company import Company, companies
from tests.scheduling import Scheduling, rank
from tests.searches import lift

ROOT = Path(__file__).resolve().parent.parent
os.environ["TURNOUT_SEGMENTS"] = str(ROOT / "tests" / "no segments")
"""The segments that ship are built where they are tested; every other build does without them."""
os.environ.setdefault("TOKIO_WORKER_THREADS", "1")
"""Delta's library wakes a thread of a pool for each file, which is quicker where there is one."""
duck.THREADS = 1
lift()
settings.register_profile("unhurried", settings(), deadline=None)  # a busy machine is no finding
settings.load_profile("unhurried")


def pytest_xdist_auto_num_workers() -> int:
    """Let more workers go than there are cores: a third of their time tests wait for processes and sockets."""
    return (os.cpu_count() or 1) * 2


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Let workers have what belongs together."""
    config.option.loadscopereorder = False
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest."""
    items.sort(key=lambda item: rank(item.path.relative_to(ROOT).as_posix()))


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave alone what is imported and collected: it stays, and looking takes long."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Callable[..., Company]]:
    """Return a maker of companies: `company(world(...), settings='…')`.

    Neither side counts searches a second, which every run would wait for; that limit has its own test.
    """
    with companies(tmp_path) as make:
        yield make


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Callable[[Company], Company]]:
    """Return a maker of copies of companies, which a test can change where others share what is copied."""
    made: list[Company] = []

    def copy(one: Company) -> Company:
        made.append(one.copy(tmp_path / f"copy{len(made)}"))
        return made[-1]

    yield copy
    for one in made:
        one.sandbox.stop()


@pytest.fixture
def shared() -> Path:
    """Return the folder of real exports; skip where it is not there."""
    folder = Path(os.environ.get("TURNOUT_SHARED") or ROOT.parent / "shared")
    if not (folder / "realdata").is_dir():
        pytest.skip(f"real exports are not at {folder}; set TURNOUT_SHARED to their folder")
    return folder
