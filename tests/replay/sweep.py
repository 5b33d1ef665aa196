"""Kills a run at every point, before and after it, and says how many it survived.

    python -m tests.replay.sweep                 every point of every step; some minutes
    python -m tests.replay.sweep --sample 60     so many, of every kind some
    python -m tests.replay.sweep --seed 7        other moments, other successions of kills

Besides the points it kills at moments that no point names (in the middle of a commit, of a file), twice in
succession, and again and again. Whatever was not survived is told with what differed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from tests.replay.killer import KINDS
from tests.replay.nursery import ROOT, Nursery
from tests.replay.scene import CHAPTERS, Point, Scene, sample

BLOCK = 24
"""Points that follow each other are tried by one process: many leave the same state, which is recovered from once."""
MOMENTS, TWICE, CHAINS = 60, 40, 12


def share(points: Sequence[Point], at: int, of: int) -> list[Point]:
    """Return one process's part of the points."""
    blocks = [points[start : start + BLOCK] for start in range(0, len(points), BLOCK)]
    return [point for block in blocks[at::of] for point in block]


def second_kill(chance: random.Random) -> tuple[str, int, str]:
    """Return where the next run is killed, too."""
    kind = chance.choice(list(KINDS))
    return kind, chance.randint(1, {"http": 30, "commit": 12, "rename": 20}.get(kind, 3)), chance.choice(WHEN)


WHEN = ("before", "after")


def sweep(scene: Scene, points: Sequence[Point], seed: int, moments: int, twice: int, chains: int) -> Iterator[str]:
    """Kill at the points, and at so many other moments; yield what was not survived."""
    chance = random.Random(seed)
    for point in points:
        yield from scene.survives(point)
    for _ in range(moments):
        point = chance.choice(points)
        yield from scene.survives(point, moment=chance.uniform(0.0, 0.8))
    for point in sample(points, twice, seed):
        yield from scene.survives(point, second_kill(chance))
    for number in range(chains):
        chapter = list(CHAPTERS)[number % 2]
        yield from scene.survives_again_and_again(chapter, seed * 1000 + number)


def one(at: int, of: int, told: argparse.Namespace) -> dict[str, object]:
    """Be one process of the sweep."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder, Nursery(Path(folder) / "children") as nursery:
        scene = Scene(Path(folder), nursery)
        chosen = sample(scene.points, told.sample, told.seed) if told.sample else scene.points
        mine = share(chosen, at, of)
        extra = 0 if told.sample else 1
        problems = list(
            sweep(scene, mine, told.seed + at, extra * MOMENTS // of, extra * TWICE // of, extra * CHAINS // of)
        )
        scene.stop()
        return {
            "points": Counter(f"{point.step} {point.kind}" for point in mine),
            "kills": scene.kills,
            "states": len(scene.known),
            "problems": problems,
        }


def fast_folder() -> str | None:
    """Return a folder in memory where there is one."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() else None


def main() -> int:
    """Share the points between processes, add up, and tell."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--sample", type=int, default=0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--part", type=int, default=-1, help=argparse.SUPPRESS)
    told = options.parse_args()
    if told.part >= 0:
        sys.stdout.buffer.write(orjson.dumps(one(told.part, told.processes, told)))
        return 0
    began = time.monotonic()
    words = [sys.executable, "-m", "tests.replay.sweep", *sys.argv[1:], "--part"]
    parts = [
        subprocess.Popen([*words, str(at)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for at in range(told.processes)
    ]
    points: Counter[str] = Counter()
    kills, states, problems = 0, 0, list[str]()
    for part in parts:
        out, err = part.communicate()
        if part.returncode != 0:
            problems.append(f"a part of the sweep ended with {part.returncode}: {err.decode()[-1500:]}")
            continue
        found = orjson.loads(out)
        points.update(found["points"])
        kills, states = kills + found["kills"], states + found["states"]
        problems += found["problems"]
    for name, number in sorted(points.items()):
        sys.stdout.write(f"{name:<16}{number:>6}\n")
    sys.stdout.write(
        f"{sum(points.values())} points, {kills} kills, {states} different states recovered from, "
        f"{len({line.partition(': ')[0] for line in problems})} not survived, {time.monotonic() - began:.0f} s\n"
    )
    for line in problems:
        sys.stdout.write(f"{line}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
