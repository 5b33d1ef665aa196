"""A desk for the contract tests of sources: a sandbox, a log, and what a reading asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.ingest import IngestReceipt, ingest
from pipelines.log import Log
from pipelines.rates import Rate
from pipelines.sandbox import Sandbox
from pipelines.settings import Settings
from pipelines.vendors.hubspot import HubSpotSource
from pipelines.vendors.registry import sources
from pipelines.vendors.zoom import ZoomSource

UNLIMITED = [Rate(1_000_000, 1_000)]


class Desk:
    """One vendor of a sandbox, read into a log. Naps are written down and not taken."""

    def __init__(self, sandbox: Sandbox, vendor: str, home: Path) -> None:
        self.sandbox = sandbox
        self.vendor = vendor
        self.log = Log(home)
        self.naps: list[float] = []

    def source(
        self, hubspot: dict[str, Any] | None = None, sync: dict[str, Any] | None = None, **machine: Any
    ) -> ZoomSource | HubSpotSource:
        """Connect anew, as each run does."""
        mine = {name: value for name, value in self.sandbox.environment.items() if name.startswith(self.vendor.upper())}
        told = {"ingest": {"years": 1, **machine}, "hubspot": hubspot or {}, "sync": sync or {}}
        settings = Settings.model_validate(told)
        (found,) = sources(settings, mine)
        assert isinstance(found, ZoomSource | HubSpotSource)
        found.client.api.sleep = self.naps.append
        if isinstance(found, ZoomSource):
            found.client.credentials._api.sleep = self.naps.append
        for label in list(found.client.api.limits):
            found.client.api.set_limit(label, UNLIMITED)
        found.client.api.observe = None
        return found

    def read(self, streams: Collection[str] | None = None, **how: Any) -> IngestReceipt:
        """Read, and begin a new list of what was asked."""
        self.sandbox.clear_requests()
        return ingest(self.source(**how), self.log, run="test", streams=streams)

    def latest(self, stream: str) -> dict[str, Any]:
        """Return key to record of all that is present."""
        return self.log.latest(self.vendor, stream)

    def payload(self, stream: str, key: str) -> str:
        """Return a record as it stands in the log, byte for byte."""
        files = self.log.files(self.vendor, stream)
        rows = pq.ParquetDataset(files, filters=[("key", "=", key)]).read(["payload"])
        (text,) = rows["payload"].to_pylist()
        assert isinstance(text, str)
        return text

    def holds(self) -> dict[str, dict[str, Any]]:
        """Return all streams with all that is present."""
        return {stream: self.latest(stream) for source, stream in self.log.streams() if source == self.vendor}

    def asked(self, pattern: str = "") -> list[str]:
        """Return the paths of this reading's requests that match, in order."""
        return [
            request["path"]
            for request in self.sandbox.requests()
            if request["vendor"] == self.vendor and re.search(pattern, request["path"])
        ]

    def fault(self, *rules: dict[str, Any], **switches: Any) -> None:
        """Let go wrong what is named, and nothing else."""
        named = {f"{self.vendor}.{name}": value for name, value in switches.items()}
        self.sandbox.set_faults({"rules": list(rules), "switches": {f"{self.vendor}.rate_limits": False, **named}})


@contextmanager
def desk(world: dict[str, Any], vendor: str, home: Path) -> Iterator[Desk]:
    """Open a desk at a world."""
    with Sandbox(world) as sandbox:
        opened = Desk(sandbox, vendor, home)
        opened.fault()
        yield opened


STORM = [
    {"kind": "html", "probability": 0.04},
    {"kind": "status", "status": 503, "body": {"message": "down"}, "probability": 0.04},
    {"kind": "drop_before", "probability": 0.04},
    {"kind": "drop_after", "probability": 0.03, "method": "GET"},
    {"kind": "truncate", "probability": 0.04, "method": "GET"},
    {"kind": "rate_limit", "probability": 0.04},
    {"kind": "rate_limit", "retry_after": 3, "probability": 0.03},
    {
        "kind": "status",
        "status": 429,
        "body": {},
        "headers": {"Retry-After": "Fri, 20 Nov 2026 12:00:20 GMT"},
        "times": 2,
    },
    {"kind": "empty_page", "probability": 0.1, "method": "GET"},
    {"kind": "duplicate_records", "probability": 0.2},
    {"kind": "shuffle", "probability": 0.3},
]
"""All that may go wrong on the way without anything being lost."""
