"""Fixtures: `serve(world)` starts a sandbox and gives a desk in front of it, `org` and `instance` one inside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipelines.sandbox import Sandbox
from tests.sandbox.desk import Desk
from tests.sandbox.instance import InstanceDesk, instance_world
from tests.sandbox.org import OrgDesk, org_world


@pytest.fixture
def serve() -> Iterator[Callable[..., Desk]]:
    """Start sandboxes that end with the test."""
    running: list[Sandbox] = []

    def start(world: dict[str, Any] | None = None) -> Desk:
        sandbox = Sandbox(world or {})
        sandbox.start()
        running.append(sandbox)
        return Desk(sandbox)

    yield start
    for sandbox in running:
        sandbox.stop()


@pytest.fixture
def org(serve: Callable[..., Desk]) -> Callable[..., OrgDesk]:
    """Start a sandbox with one org and log into it; the keywords are objects and settings of the org."""
    return lambda **given: OrgDesk(serve(org_world(**given)))


@pytest.fixture
def instance(serve: Callable[..., Desk]) -> Callable[..., InstanceDesk]:
    """Start a sandbox with one Marketo instance and ask for a token; the keywords are lists of the instance."""
    return lambda **given: InstanceDesk(serve(instance_world(**given)))
