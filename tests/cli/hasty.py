"""The command line without its pauses between two tries."""

from __future__ import annotations

from pipelines import cli
from pipelines.http import Api

begin = Api.__post_init__


def begin_without_patience(api: Api) -> None:
    """Set an API up that never sleeps."""
    begin(api)
    api.sleep = lambda _: None


def main() -> None:
    """Be `turnout …`, and never wait."""
    Api.__post_init__ = begin_without_patience  # type: ignore[method-assign]
    cli.main()
