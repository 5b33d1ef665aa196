"""Where a play stands, kept on disk now and then, so that a month that was broken off goes on where it was.

What is kept: the world, the home, the oracle, the dice, and what was found. What the sandbox knows beyond its world
(tokens, answers that a stale page would repeat) begins anew, as after a restart of the vendors.
"""

from __future__ import annotations

import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT = ("first", "second")


@dataclass
class Stand:
    """Where a play stands: how many runs are done, and everything that the next one needs."""

    turn: int
    world: dict[str, Any]
    settings: dict[str, Any]
    moves: int
    dice: Any
    deck: list[str]
    oracle: Any
    ending: Any
    skipped: list[Any]
    counts: dict[str, Any]


class Shelf:
    """Two places that take turns, so that a kill while one is written leaves the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def newest(self) -> tuple[Stand, Path] | None:
        """Return the latest whole stand and its home; None where there is none."""
        found = []
        for name in KEPT:
            file = self.folder / name / "stand.pickle"
            if file.exists():
                found.append((pickle.loads(file.read_bytes()), self.folder / name / "home"))
        return max(found, key=lambda pair: pair[0].turn, default=None)

    def put(self, stand: Stand, home: Path) -> None:
        """Keep a stand, in the place of the older one."""
        newest = self.newest()
        name = KEPT[0] if newest is None or newest[1].parent.name == KEPT[1] else KEPT[1]
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.copytree(home, place / "home")
        fresh = place / "stand.new"
        fresh.write_bytes(pickle.dumps(stand))
        fresh.rename(place / "stand.pickle")

    def take_out(self, home: Path) -> Stand | None:
        """Put the latest stand's home where the play goes on; return the stand."""
        found = self.newest()
        if found is None:
            return None
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(found[1], home)
        return found[0]
