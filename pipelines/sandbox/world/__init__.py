"""The state of the sandbox as one JSON document: read, checked, filled in, made up.

Records stand in it as the vendors' APIs give them; around them stands a frame of our own, and a key of the frame that
nobody knows is an error that names its path. Beyond the keys of a webinar that Zoom documents there are
`registrants` (each may carry `occurrences`), `questions`, `panelists`, `zoom_events`, `instances`, and `deleted`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from pipelines.sandbox.company import generate
from pipelines.sandbox.world.filling import filled
from pipelines.sandbox.world.frame import WorldError

__all__ = ["WorldError", "filled", "generate", "load", "validate"]


def validate(world: Any) -> None:
    """Raise WorldError, naming the path, where the document cannot be a world."""
    filled(world)


def load(path: str | Path) -> dict[str, Any]:
    """Read and check a world file."""
    try:
        world = orjson.loads(Path(path).read_bytes())
    except orjson.JSONDecodeError as error:
        raise WorldError(f"{path}: no JSON: {error}") from error
    validate(world)
    assert isinstance(world, dict)
    return world
