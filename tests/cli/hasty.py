"""Runs the command line without its pauses between two tries: `python -m tests.cli.hasty run`."""

from __future__ import annotations

from pipelines.cli import main
from pipelines.http import Api
from tests.searches import lift

begin = Api.__post_init__


def begin_without_patience(api: Api) -> None:
    """Set an API up that never sleeps."""
    begin(api)
    api.sleep = lambda _: None


if __name__ == "__main__":
    lift()
    Api.__post_init__ = begin_without_patience  # type: ignore[method-assign]
    main()
