"""Which faults strike during a run: dealt from a seed, so that a storm can be met again.

Kinds are dealt like cards: each comes once before any comes again, and one that met nothing is put back on top, so that
a few runs meet all of them.
"""

from __future__ import annotations

import random
from typing import Any

from pipelines.sandbox.faults import KINDS

Record = dict[str, Any]
READS = (
    "/users",
    "/webinars/",
    "/registrants",
    "/participants",
    "/report/",
    "/past_webinars/",
    "/objects/contacts",
    "/search",
    "/batch/read",
    "/email/public",
    "/submissions/",
    "/forms",
    "/owners",
    "/properties",
    "",
    "",
    "",
)
WRITES = ("batch/create", "batch/update", "events/upsert", "attendance/", "complete", "objects/contacts", "marketing")
PAGES = ("empty_page", "duplicate_records", "shuffle", "stale_page")
OF_HUBSPOT = ("locked", "migrating")


class Weather:
    """Deals storms."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.deck: list[str] = []

    def storm(self) -> list[Record]:
        """Some faults; most strike a few times, now and then one does all through the run."""
        return [self._rule(self._kind()) for _ in range(self.dice.choice((3, 6, 9, 12)))]

    def _kind(self) -> str:
        if not self.deck:
            self.deck = sorted(KINDS) + ["rate_limit"]
            self.dice.shuffle(self.deck)
        return self.deck.pop()

    def _rule(self, kind: str) -> Record:
        dice = self.dice
        is_write = dice.random() < 0.45 and kind not in PAGES
        rule: Record = {"vendor": "hubspot" if is_write else dice.choice(("zoom", "hubspot", "*")), "kind": kind}
        rule["path"] = dice.choice(WRITES if is_write else READS)
        if is_write:
            rule["method"] = "POST"
        elif kind in PAGES:
            rule["method"] = "GET"
        rule["after"] = dice.choice((0, 0, 0, 1, 2, 10))
        rule["times"] = dice.choice((1, 1, 2, 3, 6, 9, None))
        if rule["times"] is None:
            rule["probability"] = dice.choice((0.05, 0.2, 0.5))
        if kind == "status":
            rule["status"] = dice.choice((500, 502, 503, 504, 408, 520))
        elif kind == "accept_500":
            rule["status"] = dice.choice((500, 502, 504))
        elif kind in OF_HUBSPOT:
            rule["vendor"] = "hubspot"
        if kind == "migrating":
            rule["retry_after"] = dice.choice((1, 60, 3600))
        elif kind == "rate_limit":
            rule["policy"] = dice.choice(("burst", "burst", "secondly", "daily"))
            told = dice.choice((None, "2", "0.5", "soon", "Mon, 02 Nov 2026 00:00:30 GMT", "2026-11-02T00:00:00Z"))
            if told is not None:
                rule["headers"] = {"Retry-After": told}
        return rule
