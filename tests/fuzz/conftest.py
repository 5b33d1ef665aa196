"""More input than every run tries takes as long as it takes."""

from __future__ import annotations

import pytest

from tests.fuzz.odd import SCALE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let no test here be stopped by the clock where somebody asked for more."""
    for item in items:
        if SCALE > 1 and "fuzz" in item.path.parts:
            item.add_marker(pytest.mark.timeout(0))
