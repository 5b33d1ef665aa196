"""Runs the command line without HubSpot's limit of searches a second, on both sides: `python -m tests.cli.brisk run`.

Every run would wait for it; it has its own tests.
"""

from __future__ import annotations

from pyrate_limiter import Rate

from pipelines.cli import main
from pipelines.sandbox import faults
from pipelines.vendors.hubspot import client

DOCUMENTED = list(client.LIMITS[client.SEARCH])
TAKEN: int = faults.SWITCHES["hubspot.search_per_second"]


def lift() -> None:
    """Let a thousand searches go in a second, and let a sandbox that is made in this process take them."""
    client.LIMITS[client.SEARCH] = [Rate(1_000, 1_000)]
    faults.SWITCHES["hubspot.search_per_second"] = 1_000


if __name__ == "__main__":
    lift()
    main()
