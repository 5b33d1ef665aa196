"""What nobody would send, made of what somebody does send: values, documents and bytes bent at random from a seed.

`TURNOUT_FUZZ=20` makes every test here try twenty times as much, each time something else; without it all runs try the
same. A failing input is printed, with a line that tries it again.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import orjson
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

SCALE = float(os.environ.get("TURNOUT_FUZZ") or 1)
INPUTS = {
    "settings files": 2_600,
    "environments": 400,
    "reports": 1_500,
    "reports into a log": 40,
    "vendors' answers": 1_600,
    "answers to writes": 500,
    "records in the log": 4_000,
    "world files": 1_000,
    "commands": 140,
}
"""How many of each kind every run of the tests tries."""

dice = st.integers(0, 2**32 - 1).map(random.Random)
Dice = random.Random

TEXTS = (
    "",
    " ",
    "x",
    "null",
    "0",
    "-1",
    "1e400",
    "NaN",
    "Infinity",
    "infinity",
    "epoch",
    "true",
    "a" * 3_000,
    "\x00",
    "x\x00y",
    "\x1b[31mred\x1b[0m",
    "'; drop table contacts; --",
    '"',
    "\\",
    "%s{0}$1",
    "../../etc/passwd",
    "<b>x</b>",
    "=1+1",
    "İstanbul@ß.example",
    "ﷺ" * 40,
    "\u202eabc",
    "\ud7ff\ufffd\uffff",
    "🧑‍🚀",
    "a|b|c",
    "a;b,c",
    "2026-02-30T00:00:00Z",
    "2026-11-10",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-12:00",
    "290000-01-01T00:00:00Z",
    "2026-11-10T10:00:00",
    "2026-11-10T10:00:00Z[UTC]",
    "10/11/2026 10:00",
    "Tue, 10 Nov 2026 10:00:00 GMT",
    "1762768800000",
    "99999999999999999999",
    "٣",
    "²",
    "Mars/Olympus",
    "someone@nowhere.example",
)
NUMBERS = (0, -1, 1, 2, 10**18, 2**63 - 1, -(2**63), 10**13, 253_402_300_799_999, 0.5, -0.0, 1.5e300, 1e-300)
SCALARS: tuple[Any, ...] = (None, True, False, *NUMBERS, *TEXTS)
RAW = (
    b"1e999",
    b"-1e999",
    b"9" * 400,
    b"NaN",
    b"Infinity",
    b"01",
    b"'x'",
    b'"\\ud800"',
    b'"\\ud83d\\ud83d"',
    b'"\\x41"',
    b'"\xff\xfe"',
    b'"\x01"',
    b"[" * 1_500 + b"]" * 1_500,
    b"[" * 700 + b"]" * 700,
    b'{"a":1,"a":2}',
    b"undefined",
    b"",
    b"/* x */ 1",
    b"1.0",
    b"-0",
    b"[1,]",
)
"""Texts that stand where a JSON value should; some of them are none."""
MARK = "«odd»"


def often(kind: str, share: float = 1.0) -> Callable[[Any], Any]:
    """Try so many inputs of a kind, the same in every run unless TURNOUT_FUZZ asks for more."""
    return settings(
        max_examples=max(1, round(INPUTS[kind] * share * SCALE)),
        derandomize=SCALE == 1,
        database=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


def value(dice: Dice, depth: int = 0) -> Any:
    """Any JSON value, mostly a small one."""
    kind = dice.randrange(12)
    if kind == 0 and depth < 3:
        return [value(dice, depth + 1) for _ in range(dice.randrange(4))]
    if kind == 1 and depth < 3:
        return {dice.choice(TEXTS): value(dice, depth + 1) for _ in range(dice.randrange(4))}
    return dice.choice(SCALARS)


def places(document: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all that stands in a document."""
    found = [here] if here else []
    if isinstance(document, dict):
        for name, inner in document.items():
            found += places(inner, (*here, name))
    elif isinstance(document, list):
        for at, inner in enumerate(document):
            found += places(inner, (*here, at))
    return found


def bent(dice: Dice, document: Any, times: int = 0) -> Any:
    """A copy of a document in which some things are missing, renamed, doubled, nested or of another kind."""
    told = deepcopy(document)
    for _ in range(times or dice.choice((1, 1, 1, 2, 4))):
        paths = places(told)
        if not paths:
            return value(dice)
        told = _bend(dice, told, dice.choice(paths))
    return told


def _bend(dice: Dice, told: Any, path: tuple[Any, ...]) -> Any:
    inside = told
    for step in path[:-1]:
        inside = inside[step]
    last = path[-1]
    kind = dice.randrange(10)
    if kind < 5:
        inside[last] = value(dice)
    elif kind == 5:
        del inside[last]
    elif kind == 6:
        inside[last] = dice.choice(([inside[last]], {"value": inside[last]}, str(inside[last]), [inside[last]] * 3))
    elif kind == 7 and isinstance(inside, dict):
        inside[dice.choice((str(last).upper(), f"{last}s", f" {last}", *TEXTS[:6]))] = inside.pop(last)
    elif kind == 8 and isinstance(inside, dict):
        inside[f"new_{dice.randrange(9)}"] = value(dice)
    elif isinstance(inside, list):
        inside.insert(dice.randrange(len(inside) + 1), value(dice))
    else:
        inside[last] = dice.choice((f" {inside[last]} ", f"{inside[last]}\x00", f"-{inside[last]}"))
    return told


def raw(dice: Dice, document: Any) -> bytes:
    """A document as JSON in which one value is a text that no careful writer makes."""
    paths = places(document)
    if not paths:
        return dice.choice(RAW)
    told = deepcopy(document)
    inside = told
    path = dice.choice(paths)
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = MARK
    return orjson.dumps(told).replace(f'"{MARK}"'.encode(), dice.choice(RAW))


def torn(dice: Dice, content: bytes) -> bytes:
    """Bytes cut off, doubled, exchanged, in another encoding."""
    kind = dice.randrange(8)
    at = dice.randrange(len(content) + 1)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[at:]
    if kind == 2:
        return content[:at] + bytes(dice.randrange(256) for _ in range(dice.randrange(1, 9))) + content[at:]
    if kind == 3:
        end = min(len(content), at + dice.randrange(1, 40))
        return content[:at] + content[end:]
    if kind == 4:
        end = min(len(content), at + dice.randrange(1, 200))
        return content[:end] + content[at:end] * dice.randrange(1, 4) + content[end:]
    if kind == 5:
        codec = dice.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "cp037"))
        return content.decode("utf-8", "replace").encode(codec, "replace")
    if kind == 6:
        return bytes(letter ^ (dice.randrange(256) if dice.random() < 0.01 else 0) for letter in content)
    return content.replace(*dice.choice(((b",", b";"), (b'"', b"'"), (b"\n", b"\r"), (b"\n", b"\0"), (b" ", b"\xa0"))))
