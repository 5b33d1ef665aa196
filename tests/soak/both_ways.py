"""A month in which people work in HubSpot and in Salesforce each hour, and turnout carries both ways.

    python -m tests.soak.both_ways --days 30 --seed 7
    python -m tests.soak.both_ways --days 30 --seed 7 --every 6      a run every six hours

After every run nothing may stand twice, no write may answer a write of ours, and an hour in which nobody did anything
is followed by a run without a write. At the end each record that people made on one side stands on the other as it is,
or has a verdict that says why not.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.company import Company
from tests.exchange import ADA, BOB, CY, DEAL, KINDS, LEAD, TITLE, Exchange, on, people
from tests.worlds import later

Record = dict[str, Any]
HUBSPOT_TITLE = {**TITLE, "notes": "hs_note_body"}
MADE_IN_HUBSPOT: dict[str, Record] = {
    "calls": {"hs_call_title": "Called"},
    "notes": {"hs_note_body": "Noted"},
    "tasks": {"hs_task_subject": "To do"},
    "meetings": {"hs_meeting_title": "Met"},
    "emails": {"hs_email_subject": "Mailed", "hs_email_direction": "EMAIL", "hs_email_status": "SENT"},
}
SETTINGS = (
    "[ingest]\nreconcile_hours = 24\n"
    + on("tasks", on_delete='"delete"', prefer='"salesforce"')
    + on("emails", on_delete='"delete"')
    + on("calls", prefer='"hubspot"', owners='"by_email"')
    + on("meetings")
)
DELETED = {"tasks", "emails"}
"""Kinds of which a deletion in Salesforce is carried."""


class Play:
    """One play of a seed: what people did, and all that was wrong."""

    def __init__(self, seed: int, home: Path) -> None:
        self.dice = random.Random(f"both ways {seed}")
        self.exchange = Exchange(Company(people(), home, SETTINGS))
        self.problems: list[str] = []
        self.made: dict[str, str] = {}
        self.noted = 0
        self.writes: Counter[str] = Counter()
        self.runs = 0

    def rest(self) -> None:
        """Let a day pass in which nobody does anything; when what is told a day late was read, nothing is left."""
        for hours, is_idle in ((25, False), (1, False), (1, True)):
            self.exchange.now = later(self.exchange.now, hours=hours)
            self.exchange.company.sandbox.set_clock(self.exchange.now)
            self.run(is_idle=is_idle)

    def run(self, *, is_idle: bool = False) -> None:
        """Run once, and look at what must hold after every run."""
        sandbox = self.exchange.company.sandbox
        sandbox.clear_requests()
        receipt = self.exchange.run()
        self.runs += 1
        at = self.exchange.now
        assert receipt.plan is not None
        if receipt.is_partial:
            self.problems.append(f"{at}: something waits: {receipt.applied and receipt.applied.rejected[:3]}")
        if is_idle and receipt.plan.total:
            self.problems.append(f"{at}: nobody did anything, and {receipt.plan.counts()} was written")
        for name, count in self._twice().items():
            self.problems.append(f"{at}: {name} stands {count} times")
        for vendor, kinds in receipt.plan.counts().items():
            for kind, operations in kinds.items():
                self.writes.update({f"{vendor} {kind} {name}": count for name, count in operations.items()})

    def _twice(self) -> dict[str, int]:
        rows = self.exchange.salesforce("Task")
        names: Counter[str] = Counter(str(row["Turnout_Id__c"]) for row in rows if row.get("Turnout_Id__c"))
        for kind in KINDS:
            names.update(str(row["turnout_id"]) for row in self.exchange.hubspot(kind) if row.get("turnout_id"))
        return {name: count for name, count in names.items() if count > 1}

    def hour(self) -> None:
        """Let people do one to three things, each in an hour of its own."""
        moves: tuple[tuple[Callable[[], None], int], ...] = (
            (self.add_in_salesforce, 5),
            (self.edit_in_salesforce, 5),
            (self.touch_in_salesforce, 2),
            (self.delete_in_salesforce, 1),
            (self.restore_in_salesforce, 1),
            (self.add_in_hubspot, 5),
            (self.edit_in_hubspot, 4),
            (self.delete_in_hubspot, 1),
            (self.convert, 1),
        )
        for _ in range(self.dice.randint(1, 3)):
            self.dice.choices([move for move, _ in moves], [weight for _, weight in moves])[0]()

    def add_in_salesforce(self) -> None:
        """Somebody logs a record on a person, and sometimes on a deal."""
        kind = self.dice.choice(KINDS)
        more: Record = {"Description": self.word(), "WhatId": self.dice.choice((None, DEAL))}
        if kind == "meetings":
            more |= {"StartDateTime": self.exchange.now, "EndDateTime": later(self.exchange.now, hours=1)}
        self.made[self.exchange.add(kind, self.dice.choice((ADA, BOB, CY, LEAD)), **more)] = kind

    def edit_in_salesforce(self) -> None:
        """Somebody changes what a record says, or whom it is on."""
        if name := self._one(is_deleted=False):
            what: Record = {"Subject": self.word()}
            self.exchange.edit(name, **self.dice.choice((what, {"WhoId": self.dice.choice((ADA, BOB))})))

    def touch_in_salesforce(self) -> None:
        """Salesforce itself stamps a record anew."""
        if name := self._one(is_deleted=False):
            self.exchange.edit(name, is_seen=False)

    def delete_in_salesforce(self) -> None:
        """Somebody deletes a record."""
        if name := self._one(is_deleted=False):
            self.exchange.edit(name, IsDeleted=True)

    def restore_in_salesforce(self) -> None:
        """Somebody takes a record out of the bin."""
        if name := self._one(is_deleted=True):
            self.exchange.edit(name, IsDeleted=False)

    def _one(self, *, is_deleted: bool) -> str | None:
        told = self.exchange.company.sandbox.world()["salesforce"][0]
        rows = [row for name in ("Task", "Event") for row in told[name] if row["Id"] in self.made]
        found = sorted(row["Id"] for row in rows if row["IsDeleted"] == is_deleted)
        return self.dice.choice(found) if found else None

    def add_in_hubspot(self) -> None:
        """Somebody logs something on one contact or two."""
        kind = self.dice.choice(sorted(MADE_IN_HUBSPOT))
        self.noted += 1

        def how(told: Record) -> None:
            now = self.exchange.now
            times = {"hs_timestamp": now, "hs_createdate": now, "hs_lastmodifieddate": now}
            told["hubspot"][0].setdefault(kind, []).append(
                {
                    "id": str(self.noted * 100_000),
                    "createdAt": now,
                    "updatedAt": now,
                    "archived": False,
                    "properties": {**times, **MADE_IN_HUBSPOT[kind]},
                    "associations": {"contacts": sorted(self.dice.sample(["1", "2", "3"], self.dice.randint(1, 2)))},
                }
            )

        self.exchange.do(how)

    def edit_in_hubspot(self) -> None:
        """Somebody changes a title, of their own or of what came from Salesforce."""
        if found := self._live():
            kind, at = found
            self.exchange.write(kind, at, **{HUBSPOT_TITLE[kind]: self.word()})

    def delete_in_hubspot(self) -> None:
        """Somebody puts something into HubSpot's bin."""
        if found := self._live():
            self.exchange.write(found[0], found[1], archived=True)

    def _live(self) -> tuple[str, int] | None:
        told = self.exchange.company.sandbox.world()["hubspot"][0]
        rows = [
            (kind, at) for kind in HUBSPOT_TITLE for at, row in enumerate(told.get(kind, ())) if not row.get("archived")
        ]
        return self.dice.choice(rows) if rows else None

    def convert(self) -> None:
        """The Lead becomes a Contact, once."""

        def how(told: Record) -> None:
            org, moment = told["salesforce"][0], {"SystemModstamp": self.exchange.now}
            if not org["Lead"][0].get("IsConverted"):
                org["Lead"][0] |= {"IsConverted": True, "ConvertedContactId": CY, **moment}
                org["Contact"][2] |= {"Email": "lea@x.example", **moment}

        self.exchange.do(how)

    def word(self) -> str:
        """Return a word that was not said before."""
        return f"word {self.dice.getrandbits(40):010x}"

    def differences(self) -> list[str]:
        """Return what differs between the two without a verdict that says why."""
        return [*self._towards_hubspot(), *self._towards_salesforce()]

    def _towards_hubspot(self) -> list[str]:
        found: list[str] = []
        held = {kind: {str(row.get("turnout_id")): row for row in self.exchange.hubspot(kind)} for kind in KINDS}
        told = self.exchange.company.sandbox.world()["salesforce"][0]
        rows = {row["Id"]: row for name in ("Task", "Event") for row in told[name]}
        verdicts = self._verdicts("hubspot")
        for name, kind in self.made.items():
            row, there = rows[name], held[kind].pop(f"sf:{name}", None)
            verdict = verdicts.get((kind.removesuffix("s"), f"sf:{name}"), ("", None))
            is_wanted = not row["IsDeleted"]
            is_same = there is not None and there[TITLE[kind]] == row["Subject"]
            if verdict[0] in ("published", "unchanged"):
                if is_wanted != (there is not None) or (is_wanted and not is_same):
                    found.append(
                        f"{kind} {name}: {verdict}, and HubSpot holds {there and there[TITLE[kind]]!r} "
                        f"for {row['Subject']!r}, deleted {row['IsDeleted']}"
                    )
            elif verdict[0] != "excluded" or not verdict[1]:
                found.append(f"{kind} {name}: {verdict}")
            elif verdict[1] == "deleted_in_salesforce" and (is_wanted or (there is not None and kind in DELETED)):
                found.append(f"{kind} {name}: {verdict}, and it is {'there' if is_wanted else 'still in HubSpot'}")
        for kind, left in held.items():
            found += [f"{kind}: {key} is of no record of Salesforce" for key in left if key != "None"]
        return found

    def _towards_salesforce(self) -> list[str]:
        tasks = [row for row in self.exchange.salesforce("Task") if row.get("Turnout_Id__c")]
        told = self.exchange.company.sandbox.world()["hubspot"][0]
        rows = [row for kind in MADE_IN_HUBSPOT for row in told.get(kind, ())]
        came = [row for row in rows if str(row["properties"].get("turnout_id") or "").startswith("sf:")]
        told_of = {key: verdict for (kind, key), verdict in self._verdicts("salesforce").items() if kind == "task"}
        verdicts = Counter(told_of.values())
        stay = sum(told_of.get(str(row["Turnout_Id__c"])) == ("excluded", "deleted_in_hubspot") for row in tasks)
        sent = sum(count for (verdict, _), count in verdicts.items() if verdict in ("published", "unchanged"))
        reasons = {reason: count for (verdict, reason), count in verdicts.items() if verdict == "excluded"}
        found: list[str] = []
        if len(tasks) != sent + stay:
            found.append(
                f"{len(tasks)} Tasks of ours stand in Salesforce, {sent} are told as sent, {stay} stay though HubSpot "
                "deleted what they tell of"
            )
        if sent + sum(reasons.values()) != len(rows) or None in reasons:
            found.append(f"{len(rows)} activities of HubSpot, {len(came)} of Salesforce: {sent} sent, {reasons}")
        if sent > len(rows) - len(came):
            found.append(f"{sent} were sent, and people made {len(rows) - len(came)}")
        return found

    def _verdicts(self, destination: str) -> dict[tuple[str, str], tuple[str, str | None]]:
        rows = self.exchange.company.rows(
            f"select object, object_key, verdict, reason from verdicts where destination = '{destination}'"
        )
        return {(kind, key): (verdict, reason) for kind, key, verdict, reason in rows}


def play(seed: int, hours: int, every: int, home: Path, tell: Callable[[str], None] = lambda _: None) -> Play:
    """Play so many hours, with a run every so often, an idle one each day, and two at the end."""
    it = Play(seed, home)
    try:
        it.run()
        for hour in range(1, hours + 1):
            it.hour()
            if hour % every == 0:
                it.run()
            if hour % 24 == 0:
                it.rest()
                tell(
                    f"{it.exchange.now}: {it.runs} runs, {len(it.made)} + {it.noted} records, {len(it.problems)} wrong"
                )
        it.rest()
        it.problems += it.differences()
    finally:
        it.exchange.company.sandbox.stop()
    return it


def main() -> int:
    """Play a seed, and tell what was wrong."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--every", type=int, default=1)
    options.add_argument("--seed", type=int, default=1)
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ended = play(
            told.seed, told.days * 24, told.every, Path(folder) / "home", lambda line: sys.stdout.write(f"{line}\n")
        )
    sys.stdout.write(f"{ended.runs} runs; {dict(sorted(ended.writes.items()))}\n")
    for problem in ended.problems:
        sys.stdout.write(f"{problem}\n")
    return 1 if ended.problems else 0


if __name__ == "__main__":
    sys.exit(main())
