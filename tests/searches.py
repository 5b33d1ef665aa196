"""HubSpot's limit of searches a second, lifted on both sides: every run would wait for it, and it has its own tests."""

from __future__ import annotations

from pipelines.rates import Rate
from pipelines.sandbox import faults
from pipelines.vendors.hubspot import client

DOCUMENTED = list(client.LIMITS[client.SEARCH])
TAKEN: int = faults.SWITCHES["hubspot.search_per_second"]


def lift() -> None:
    """Let a thousand searches go in a second, and let a sandbox that is made in this process take them."""
    client.LIMITS[client.SEARCH] = [Rate(1_000, 1_000)]
    faults.SWITCHES["hubspot.search_per_second"] = 1_000
