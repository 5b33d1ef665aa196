"""Runs the command line with HubSpot's limit of searches a second lifted, as the sandbox of the tests lifts it too:
`python -m tests.cli.brisk run`. Every run would wait for it; it has its own tests.
"""

from __future__ import annotations

from pyrate_limiter import Rate

from pipelines.cli import main
from pipelines.vendors.hubspot import client

DOCUMENTED = list(client.LIMITS[client.SEARCH])


def lift() -> None:
    """Let a thousand searches go in a second."""
    client.LIMITS[client.SEARCH] = [Rate(1_000, 1_000)]


if __name__ == "__main__":
    lift()
    main()
