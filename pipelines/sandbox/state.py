"""Everything the sandbox knows at one moment: the world, the clock, the faults and the log of requests.

One lock guards it all; a request holds it from its first look to its last write, so each request is atomic.
"""

from __future__ import annotations

import random
import threading
from typing import Any

import orjson

from pipelines.sandbox.clock import Clock, iso
from pipelines.sandbox.faults import Faults
from pipelines.sandbox.hubspot.portal import Portal
from pipelines.sandbox.marketo.instance import Instance
from pipelines.sandbox.salesforce.org import Org
from pipelines.sandbox.world.filling import filled
from pipelines.sandbox.zoom.account import ZoomAccount

Record = dict[str, Any]


class State:
    """The sandbox's memory. Tokens and counters outlive a new world, as they would at the vendor."""

    def __init__(self, world: Record, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self.seed = seed
        self.clock = Clock()
        self.faults = Faults(seed)
        self.requests: list[Record] = []
        self.names = random.Random(seed)
        self.zoom: dict[str, ZoomAccount] = {}
        self.hubspot: dict[str, Portal] = {}
        self.marketo: dict[str, Instance] = {}
        self.salesforce: dict[str, Org] = {}
        self._document: Record = {}
        self.put(world)

    def put(self, world: Any) -> None:
        """Replace the world; nothing changes where it cannot be read, nor where it is what `dump` gave."""
        document = filled(world)
        with self.lock:
            if self._document and orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS) == self.dump():
                return
            self._document = document
            self.clock.set(document["now"])
            before = self.zoom
            self.zoom = {str(account["account_id"]): ZoomAccount(account) for account in document["zoom"]}
            for name, account in self.zoom.items():
                if name in before:
                    account.counts = before[name].counts
            self.hubspot = {str(portal["access_token"]): Portal(portal) for portal in document["hubspot"]}
            self.marketo = {str(one["munchkin_id"]): Instance(one) for one in document["marketo"]}
            self.salesforce = {str(org["org_id"]): Org(org) for org in document["salesforce"]}

    def dump(self) -> bytes:
        """The world as it is now, in the format of a world file."""
        with self.lock:
            document = {
                **self._document,
                "now": iso(self.clock.now),
                "zoom": [account.record for account in self.zoom.values()],
                "hubspot": [portal.dump() for portal in self.hubspot.values()],
                "marketo": [instance.record for instance in self.marketo.values()],
                "salesforce": [org.record for org in self.salesforce.values()],
            }
            return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)

    def name(self, bits: int = 128) -> str:
        """A fresh name in hexadecimal, the same in every run with one seed."""
        return f"{self.names.getrandbits(bits):0{bits // 4}x}"
