"""A simulated month: a moving world, played calmly and through faults, and held against an independent reading.

    python -m tests.soak.month --days 30 --seed 7            both plays, and what differs
    python -m tests.soak.month --histories 40 --days 2       many short calm ones against the oracle
    python -m tests.soak.month --days 2 --seed 12 --calm     one of these again

The calm play reads the world every few hours without faults, and after every run each contact, marketing event and
participation is compared with what `oracle.py` says. The stormy play meets the same world through the sandbox's faults,
and a SIGKILL now and then; at the end both CRMs must hold the same. Neither may pass a limit that a vendor documents.

With `--keep FOLDER` the homes stay there, and so does, for each simulated day, all that is needed to go on: the same
words given once more go on where a play was broken off.
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
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pipelines import models
from pipelines.errors import ChecksFailed
from pipelines.http import Api
from pipelines.log import Log
from pipelines.run import RunReceipt
from pipelines.verify import verify
from tests.company import ROOT
from tests.soak.comparing import SOURCE, against, unlike
from tests.soak.keeping import Shelf, Stand
from tests.soak.limits import Watch
from tests.soak.oracle import Oracle, norm
from tests.soak.scene import Scene
from tests.soak.script import Author, History, Record
from tests.soak.weather import Weather

SETTLED = (timedelta(hours=27), timedelta(hours=28))
"""When, after the last move, the last runs are: beyond all that the vendors tell a day late."""

KEPT_EVERY = 24
"""Runs after which a play that is kept can be taken up again."""


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
    since_kill: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    watch: Watch = field(default_factory=Watch)


@contextmanager
def without_waiting() -> Iterator[None]:
    """Let every connection that is made inside go on at once where it would wait before another try."""
    made = Api.__post_init__

    def hasty(self: Api) -> None:
        made(self)
        self.sleep = lambda _: time.sleep(0.001)

    with ExitStack() as stack:
        stack.enter_context(patch.object(Api, "__post_init__", hasty))
        stack.enter_context(patch.object(models, "load", cache(models.load)))  # the same files, run after run
        yield


def play(
    history: History,
    home: Path,
    every: timedelta,
    *,
    is_stormy: bool,
    kill_every: int = 6,
    shelf: Shelf | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Ending:
    """Play a history, with a run every so often, and two calm ones at the end.

    Args:
        kill_every: after so many runs through faults one is killed; one that ends before that, and the next is tried.
        shelf: where the play is kept day by day; what is there is gone on with.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    stand = shelf.take_out(home) if shelf else None
    if stand is not None:
        history.world, history.settings = stand.world, stand.settings
    scene = Scene(history, home)
    weather = Weather(random.Random(f"weather of {history.seed}"))
    oracle, ending = Oracle(), Ending({}, Oracle(), set())
    turn, moves = 0, list(history.moves)
    if stand is not None:
        oracle, ending, turn, moves = stand.oracle, stand.ending, stand.turn, moves[stand.moves :]
        scene.skipped = stand.skipped
        weather.deck = stand.deck
        weather.dice.setstate(stand.dice)
        for name, account in scene.sandbox.state.zoom.items():
            account.counts = stand.counts[name]
    ending.oracle = oracle
    span = range(1, int((history.end - history.start) / every) + 1)
    times = [history.start, *(history.start + every * at for at in span), *(history.end + later for later in SETTLED)]
    try:
        with without_waiting():
            for number, at in enumerate(times[turn:], start=turn):
                if shelf and number % KEPT_EVERY == 0 and number > turn:
                    shelf.put(_stand(number, scene, weather, ending, len(history.moves) - len(moves)), home)
                    tell(
                        f"{at:%m-%d %H:%M}: {ending.runs} runs, {len(ending.problems)} problems {ending.problems[-3:]}"
                    )
                while moves and moves[0].at < at:
                    _move(scene, oracle, moves.pop(0), is_stormy)
                scene.clock(at)
                if is_stormy and at < history.end:
                    _stormy_run(scene, weather, ending, kill_every)
                else:
                    scene.set_faults([])
                    _calm_run(scene, oracle, ending, is_compared=not is_stormy)
            _last_look(scene, ending)
        ending.held = scene.held()
        ending.skipped = {(str(move.at), move.kind, *map(str, move.told.values())) for move in scene.skipped}
    finally:
        scene.sandbox.stop()
    return ending


def _stand(turn: int, scene: Scene, weather: Weather, ending: Ending, moves: int) -> Stand:
    return Stand(
        turn,
        scene.sandbox.world(),
        scene.settings,
        moves,
        weather.dice.getstate(),
        weather.deck,
        ending.oracle,
        ending,
        scene.skipped,
        {name: account.counts for name, account in scene.sandbox.state.zoom.items()},
    )


def _move(scene: Scene, oracle: Oracle, move: Any, is_stormy: bool) -> None:
    before = _addresses(scene, move.told) if move.kind in ("forget", "restore", "merge") else ()
    if scene.play(move) and not is_stormy:
        _blur(oracle, move, before)


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
    ending.problems += [f"{world['now']}: {text}" for text in ending.watch.exceeded(scene.sandbox.requests())]
    if is_compared:
        ending.problems += [f"{world['now']}: {text}" for text in against(scene, oracle, expected, world)]
        too_many = [one for one in scene.sandbox.requests() if one["status"] == 429]
        ending.problems += [f"{world['now']}: a limit was passed: {one}" for one in too_many]
        if failed := {name: why for got in receipt.ingested for name, why in got.failed.items()}:
            ending.problems.append(f"{world['now']}: not read: {failed}")
    return receipt


def _stormy_run(scene: Scene, weather: Weather, ending: Ending, kill_every: int) -> None:
    dice = weather.dice
    scene.sandbox.clear_requests()
    ending.since_kill += 1
    if ending.since_kill > kill_every:
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
        if told.returncode == -signal.SIGKILL:
            ending.killed += 1
            ending.since_kill = 0
        ending.runs += 1
        ending.problems += ending.watch.exceeded(scene.sandbox.requests())
        if told.returncode not in (-signal.SIGKILL, 0, 1):
            ending.problems.append(f"a run ended with {told.returncode}: {told.stderr[-600:]}")
        return
    rules = weather.storm()
    scene.set_faults(rules)
    ending.runs += 1
    try:
        ending.partial += scene.company.run().is_partial
    except ChecksFailed as error:  # until it was read once who is who, nothing may be published
        ending.partial += 1
        ending.problems += [str(error)] if "was never read whole" not in str(error) else []
    struck = scene.sandbox.state.faults.show()["struck"]
    for rule, times in zip(rules, struck, strict=True):
        ending.struck[rule["kind"]] += times
        weather.deck += [] if times else [rule["kind"]]
    ending.problems += ending.watch.exceeded(scene.sandbox.requests())
    refused = [one for one in scene.sandbox.requests() if one["status"] == 429]
    injected = sum(times for rule, times in zip(rules, struck, strict=True) if rule["kind"] == "rate_limit")
    if len(refused) != injected:
        ending.problems.append(f"{len(refused)} answers were 429, and only {injected} by a fault: {refused}")


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


# ---- from the command line


def soak(seed: int, days: float, every: float, home: Path) -> tuple[list[str], str]:
    """Play one history both ways; return what is wrong, and a line about it."""
    endings = []
    for name in ("calm", "stormy"):
        history = Author(seed, days, pace_hours=3 * every).write()
        place = home / f"{seed}-{days:g}-{every:g}"
        how = {"is_stormy": name == "stormy", "shelf": Shelf(place / f"{name}-kept"), "tell": _teller(f"{seed} {name}")}
        endings.append(play(history, place / name, timedelta(hours=every), **how))
    calm, stormy = endings
    problems = [f"calm: {text}" for text in calm.problems] + [f"stormy: {text}" for text in stormy.problems]
    problems += unlike(calm, stormy)
    line = (
        f"seed {seed}: {len(history.moves)} moves, {calm.runs} calm runs, {stormy.runs} stormy ones "
        f"({stormy.partial} partial, {stormy.killed} killed), {calm.watch.calls + stormy.watch.calls:,} calls, "
        f"faults {dict(sorted(stormy.struck.items()))}"
    )
    return problems, line


def _teller(who: str) -> Callable[[str], None]:
    def tell(text: str) -> None:
        sys.stderr.write(f"{who} {text}\n")

    return tell


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
