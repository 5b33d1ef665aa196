"""A simulated month: a moving world, played calmly and through faults, and held against an independent reading.

    python -m tests.soak.month --days 30 --seed 7            both plays, and what differs
    python -m tests.soak.month --histories 40 --days 2       many short calm ones against the oracle
    python -m tests.soak.month --days 2 --seed 12 --calm     one of these again

The calm play reads the world every few hours without faults, and after every run each contact, marketing event and
participation is compared with what `oracle.py` says. The stormy play meets the same world through the sandbox's faults,
and a SIGKILL now and then; at the end both CRMs must hold the same.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pipelines.http import Api
from pipelines.log import Log
from pipelines.run import RunReceipt
from pipelines.verify import verify
from tests.company import ROOT
from tests.soak.oracle import Oracle, excluded, norm
from tests.soak.scene import Scene, moment
from tests.soak.script import Author, History, Record
from tests.soak.weather import storm

SETTLED = (timedelta(hours=27), timedelta(hours=28))
"""When, after the last move, the last runs are: beyond all that the vendors tell a day late."""

SOURCE = "turnout_source"
"""Said once, at creation, of what was known then: two plays that created at other times may say other webinars."""


@dataclass
class Ending:
    """What a play left: what the CRM answers, the oracle that watched it, and all that was wrong."""

    held: Record
    oracle: Oracle
    skipped: set[tuple[str, ...]]
    problems: list[str] = field(default_factory=list)
    runs: int = 0
    partial: int = 0
    killed: int = 0
    struck: Counter[str] = field(default_factory=Counter)


@contextmanager
def without_waiting() -> Iterator[None]:
    """Let every connection that is made inside go on at once where it would wait before another try."""
    made = Api.__post_init__

    def hasty(self: Api) -> None:
        made(self)
        self.sleep = lambda _: time.sleep(0.001)

    with patch.object(Api, "__post_init__", hasty):
        yield


def play(history: History, home: Path, every: timedelta, *, is_stormy: bool, kills: float = 0.15) -> Ending:
    """Play a history, with a run every so often, and two calm ones at the end."""
    home.parent.mkdir(parents=True, exist_ok=True)
    scene, oracle = Scene(history, home), Oracle()
    dice = random.Random(f"weather of {history.seed}")
    ending = Ending({}, oracle, set())
    moves = list(history.moves)
    ticks = [history.start + every * turn for turn in range(1, int((history.end - history.start) / every) + 1)]
    last = [history.end + span for span in SETTLED]
    try:
        with without_waiting():
            for at in [history.start, *ticks, *last]:
                while moves and moves[0].at < at:
                    move = moves.pop(0)
                    before = _addresses(scene, move.told) if move.kind in ("forget", "restore", "merge") else ()
                    is_done = scene.play(move)
                    if not is_stormy and is_done:
                        _blur(oracle, move, before)
                scene.clock(at)
                if is_stormy and at < history.end:
                    _stormy_run(scene, dice, ending, kills)
                else:
                    scene.set_faults([])
                    _calm_run(scene, oracle, ending, is_compared=not is_stormy)
            _last_look(scene, ending)
        ending.held = scene.held()
        ending.skipped = {(str(move.at), move.kind, *map(str, move.told.values())) for move in scene.skipped}
    finally:
        scene.sandbox.stop()
    return ending


def _addresses(scene: Scene, told: Record) -> set[str]:
    """Every address of the contacts that a move concerns."""
    words = {norm(told.get(name)) for name in ("email", "other")} - {""}
    for one in scene.portal.objects["contacts"].values():
        properties = one["properties"]
        mine = {
            norm(word) for word in (properties.get("email"), *str(properties.get("hs_additional_emails")).split(";"))
        }
        if mine & words:
            words |= mine
    return words


def _blur(oracle: Oracle, move: Any, before: Any) -> None:
    """What the vendors tell only at the daily look at everything."""
    told = move.told
    if move.kind == "mail" and told["is_late"]:
        oracle.blur(told["event"]["recipient"], at=move.at)
    elif move.kind == "forget" or (move.kind == "restore" and not told["is_touched"]):
        oracle.blur(*before, at=move.at)


def _calm_run(scene: Scene, oracle: Oracle, ending: Ending, *, is_compared: bool) -> RunReceipt:
    world = scene.sandbox.world()
    oracle.look(world, scene.settings)
    expected = oracle.expect()
    scene.sandbox.clear_requests()
    receipt = scene.company.run()
    ending.runs += 1
    ending.partial += receipt.is_partial
    if is_compared:
        ending.problems += [f"{world['now']}: {text}" for text in _against(scene, oracle, expected, world)]
        too_many = [one for one in scene.sandbox.requests() if one["status"] == 429]
        ending.problems += [f"{world['now']}: a limit was passed: {one}" for one in too_many]
        if failed := {name: why for got in receipt.ingested for name, why in got.failed.items()}:
            ending.problems.append(f"{world['now']}: not read: {failed}")
    return receipt


def _stormy_run(scene: Scene, dice: random.Random, ending: Ending, kills: float) -> None:
    scene.sandbox.clear_requests()
    if dice.random() < kills:
        scene.set_faults([])
        where, number, when = (
            dice.choice(("http", "commit", "rename")),
            dice.randint(1, 60),
            dice.choice(("before", "after")),
        )
        told = subprocess.run(
            [sys.executable, "-m", "tests.replay.killer", where, str(number), when, "run"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **scene.company.environment},
            capture_output=True,
            text=True,
            timeout=240,
        )
        ending.killed += told.returncode == -signal.SIGKILL
        ending.runs += 1
        if told.returncode not in (-signal.SIGKILL, 0, 1):
            ending.problems.append(f"a run ended with {told.returncode}: {told.stderr[-600:]}")
        return
    rules = storm(dice)
    scene.set_faults(rules)
    receipt = scene.company.run()
    ending.runs += 1
    ending.partial += receipt.is_partial
    struck = scene.sandbox.state.faults.show()["struck"]
    for rule, times in zip(rules, struck, strict=True):
        ending.struck[rule["kind"]] += times
    refused = sum(one["status"] == 429 for one in scene.sandbox.requests())
    injected = sum(times for rule, times in zip(rules, struck, strict=True) if rule["kind"] == "rate_limit")
    if refused != injected:
        ending.problems.append(f"{refused} answers were 429, and only {injected} by a fault")


def _last_look(scene: Scene, ending: Ending) -> None:
    """A run more writes nothing; the log is whole; nothing stands twice; a rebuild gives the same tables."""
    scene.set_faults([])
    scene.sandbox.clear_requests()
    receipt = scene.company.run()
    plan = receipt.plan
    assert plan is not None
    if plan.total or scene.company.writes():
        rows = [(row.object, row.operation, row.key, dict(row.fields)) for rows in plan.rows.values() for row in rows]
        ending.problems.append(f"a run more would write {plan.total} rows: {rows[:3]}")
    ending.problems += [f"verify: {found}" for found in verify(Log(scene.company.home))]
    portal = scene.sandbox.world()["hubspot"][0]
    names = Counter((one["externalAccountId"], one["externalEventId"]) for one in portal["marketing_events"])
    ending.problems += [f"marketing event {name} stands {count} times" for name, count in names.items() if count > 1]
    ours = Counter(_born(one) for one in portal["contacts"] if one["properties"].get(SOURCE))
    for email, count in ours.items():
        if count > 1 and email not in _moved(portal["contacts"]):
            ending.problems.append(f"{email} was created {count} times")
    ending.problems += _rebuilt(scene)


def _born(contact: Record) -> str:
    """The address that a contact was created with."""
    entries = contact["propertiesWithHistory"].get("email") or [{"value": contact["properties"].get("email")}]
    return norm(entries[-1]["value"])


def _moved(contacts: list[Record]) -> set[str]:
    return {_born(one) for one in contacts if _born(one) != norm(one["properties"].get("email"))}


def _rebuilt(scene: Scene) -> list[str]:
    """EV-02: what incremental builds gave is what the log gives."""

    def tables() -> dict[str, list[str]]:
        with scene.company.workspace.warehouse.connect() as db:
            names = [name for name in scene.company.workspace.models if not name.startswith("assert_")]
            return {name: sorted(map(repr, db.execute(f"from {name}").fetchall())) for name in names}

    scene.company.workspace.build()
    before = tables()
    scene.company.workspace.rebuild()
    after = tables()
    return [f"a rebuild gives another {name}" for name in before if before[name] != after[name]]


# ---- comparing


def _against(scene: Scene, oracle: Oracle, expected: Record, before: Record) -> list[str]:
    """Compare what the CRM answers now with what the oracle expects; and see that the run left all else alone."""
    held = scene.held()
    portal = scene.sandbox.world()["hubspot"][0]
    problems: list[str] = []
    old = {one["id"]: one for one in before["hubspot"][0]["contacts"]}
    created = {}
    for one in portal["contacts"]:
        if one["id"] not in old:
            created[norm(one["properties"]["email"])] = one["id"]
        elif (was := _others(old[one["id"]])) != (now := _others(one)):
            problems.append(f"{one['properties'].get('email')}: the run changed {dict(now.items() ^ was.items())}")
    clear = {address for address, until in oracle.blurred.items() if until > oracle.at}
    for address in sorted(created.keys() ^ expected["new"].keys()):
        if address not in clear:
            verb = "was created" if address in created else "was not created"
            problems.append(f"contact {address} {verb}; reason {oracle.reason(address) or 'none'!r}")
    for address, told in expected["new"].items():
        if address in created and address not in clear:
            problems += _differences(f"new contact {address}", told, held["contacts"][created[address]])
    for name, told in expected["contacts"].items():
        one, was = held["contacts"][name], old[name]["properties"]
        if _mine(was) & clear:
            continue
        if told is None:
            told = {key: was.get(key) for key in {*was, *one} if key.startswith("turnout_")}
        problems += _differences(f"contact {name} ({one.get('email')})", told, one)
    for name, told in expected["events"].items():
        if name not in held["events"]:
            problems.append(f"marketing event {name} is not there")
        else:
            problems += _differences(f"marketing event {name}", told, held["events"][name])
    problems += [f"marketing event {name} is there" for name in held["events"].keys() - expected["events"].keys()]
    problems += _parts(oracle, expected, held, created, clear)
    oracle.settle(expected, created)
    return problems


def _parts(oracle: Oracle, expected: Record, held: Record, created: dict[str, str], clear: set[str]) -> list[str]:
    problems = []
    states = {(event, created.get(who, who)): state for (event, who), state in expected["states"].items()}
    for key in sorted(states.keys() | held["states"].keys()):
        event, name = key
        contact = held["contacts"].get(name)
        if contact is None or key in oracle.tainted | oracle.vague or norm(contact.get("email")) in clear:
            continue
        if states.get(key) != held["states"].get(key):
            problems.append(
                f"{contact.get('email')} ({name}) in {event}: {held['states'].get(key)}, expected {states.get(key)}"
            )
    return problems


def _others(contact: Record) -> dict[str, Any]:
    """What of a contact is none of our business."""
    ours = ("turnout_", "lastmodifieddate", "hs_")
    told = {name: value for name, value in contact["properties"].items() if not name.startswith(ours)}
    return {**told, "archived": contact["archived"]}


def _mine(properties: Record) -> set[str]:
    words = (properties.get("email"), *str(properties.get("hs_additional_emails") or "").split(";"))
    return {norm(word) for word in words if word}


def _differences(who: str, expected: Record, held: Record) -> list[str]:
    found = {name: (held.get(name), value) for name, value in expected.items() if not _same(held.get(name), value)}
    return [f"{who}: {name} is {had!r}, expected {_plain(value)!r}" for name, (had, value) in sorted(found.items())]


def _same(held: Any, expected: Any) -> bool:
    if isinstance(expected, Fraction):
        return bool(held) and Fraction(held) == expected
    if isinstance(expected, datetime):
        return bool(held) and moment(held) == expected.replace(microsecond=expected.microsecond // 1000 * 1000)
    return (held or None) == (expected or None) or held == expected


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else str(value) if isinstance(value, datetime) else value


def unlike(calm: Ending, stormy: Ending) -> list[str]:
    """Compare two CRMs that met the same history, without ids and stamps.

    Left out are people of whom a move was possible in one play alone, and what stands as it was told once since
    nothing more may be told of it: that depends on when it was last read.
    """
    apart = {norm(word) for move in calm.skipped ^ stormy.skipped for word in move}
    oracle = calm.oracle
    frozen = {
        norm(one.get("email"))
        for one in calm.held["contacts"].values()
        if oracle.reason(norm(one.get("email")))
        or excluded(norm(one.get("email")), oracle.settings.get("contacts", ()))
    }
    sides = [_by_address(ending.held, apart | frozen) for ending in (calm, stormy)]
    problems = []
    for what in ("contacts", "states"):
        left, right = (side[what] for side in sides)
        for key in sorted(left.keys() | right.keys()):
            if what == "states" and _is_frozen(oracle, calm, key[0]):
                continue
            if left.get(key) != right.get(key):
                problems.append(f"{what}: {key}: calm {left.get(key)}, stormy {right.get(key)}")
    for name in sorted(calm.held["events"].keys() | stormy.held["events"].keys()):
        left, right = (_event(ending.held["events"].get(name)) for ending in (calm, stormy))
        if left != right and not _is_frozen(oracle, calm, name):
            problems.append(f"marketing event {name}: calm {left}, stormy {right}")
    return problems


def _is_frozen(oracle: Oracle, calm: Ending, event: str) -> bool:
    webinar = oracle.webinars.get(int(event.partition("-")[0]))
    return webinar is not None and oracle.out_of_scope(webinar)


def _event(told: Record | None) -> Record:
    names = ("eventName", "startDateTime", "endDateTime", "eventUrl", "eventCancelled", "eventCompleted")
    return {name: (told or {}).get(name) for name in names}


def _by_address(held: Record, apart: set[str]) -> Record:
    people = {name: norm(one.get("email")) for name, one in held["contacts"].items()}
    return {
        "contacts": {
            people[name]: {key: value for key, value in one.items() if key.startswith("turnout_") and key != SOURCE}
            for name, one in held["contacts"].items()
            if people[name] not in apart
        },
        "states": {
            (event, people[name]): state
            for (event, name), state in held["states"].items()
            if name in people and people[name] not in apart
        },
    }


# ---- from the command line


def soak(seed: int, days: float, every: float, home: Path) -> tuple[list[str], str]:
    """Play one history both ways; return what is wrong, and a line about it."""
    history = Author(seed, days, pace_hours=3 * every).write()
    calm = play(history, home / "calm", timedelta(hours=every), is_stormy=False)
    stormy = play(history, home / "stormy", timedelta(hours=every), is_stormy=True)
    problems = [f"calm: {text}" for text in calm.problems] + [f"stormy: {text}" for text in stormy.problems]
    problems += unlike(calm, stormy)
    line = (
        f"seed {seed}: {len(history.moves)} moves, {calm.runs} calm runs, {stormy.runs} stormy ones "
        f"({stormy.partial} partial, {stormy.killed} killed), faults {dict(sorted(stormy.struck.items()))}"
    )
    return problems, line


def calmly(seed: int, days: float, every: float, home: Path) -> tuple[list[str], str]:
    """Play one fast history calmly against the oracle."""
    history = Author(seed, days, moves_an_hour=6).write()
    ending = play(history, home / "calm", timedelta(hours=every), is_stormy=False)
    return ending.problems, f"seed {seed}: {len(history.moves)} moves, {ending.runs} runs"


def main() -> int:
    """Play what the command line asks for; 0 where nothing is wrong."""
    ask = argparse.ArgumentParser(
        prog="python -m tests.soak.month", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    ask.add_argument("--days", type=float, default=30)
    ask.add_argument("--every", type=float, default=2, help="hours between two runs")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--histories", type=int, default=1, help="how many, of seeds that follow each other")
    ask.add_argument("--calm", action="store_true", help="against the oracle alone, in a world that moves faster")
    ask.add_argument("--keep", type=Path, help="a folder for the homes, which are left there")
    ask.add_argument("--most", type=int, default=12, help="differences to print of each")
    given = ask.parse_args()
    bad = 0
    for seed in range(given.seed, given.seed + given.histories):
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="turnout-soak-") as folder:
            way = calmly if given.calm or given.histories > 1 else soak
            problems, line = way(seed, given.days, given.every, given.keep or Path(folder))
        sys.stdout.write(f"{line}; {time.perf_counter() - begun:.0f} s; {len(problems)} differences\n")
        sys.stdout.writelines(f"    {text}\n" for text in problems[: given.most])
        sys.stdout.flush()
        bad += bool(problems)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
