"""Words that nobody would type, and files that nobody would leave: a message and a status, never a traceback."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, note

from pipelines.cli import main
from tests.fuzz.odd import TEXTS, Dice, dice, often, torn
from tests.fuzz.test_imports import report
from tests.fuzz.test_settings import settings_file

WORDS = tuple(text for text in TEXTS if "\0" not in text)
MOMENTS = ("2026-11-20T12:00:00Z", "infinity", "2026-11-20", *(text for text in WORDS if text[:4].isdecimal()))
QUERIES = (
    "select 1",
    "select",
    "show tables",
    "select * from contact_metrics",
    "select 1; drop table x",
    "copy (select 1) to '/tmp/x'",
    "install httpfs",
    "select * from read_csv('/etc/passwd')",
    "select 'infinity'::timestamptz, '\\xff'::blob, [1, null], {'a': 1}, 1e308, 'nan'::double",
    "pragma database_list",
    "attach '/tmp/y.db'",
    "explain analyze select 1",
    "select getenv('HOME')",
    "(" * 500,
)


def words(dice: Dice, folder: Path) -> list[str]:
    """A command with odd words."""
    odd = dice.choice(WORDS)
    file = folder / f"{84_700_000_000 + dice.randrange(3)}.csv"
    file.write_bytes(report(dice))
    commands = [
        ["build", "--as-of", dice.choice(MOMENTS)],
        ["plan", "--as-of", dice.choice(MOMENTS), "--json"],
        ["plan", odd],
        ["plan", "--out", str(folder / "plans")],
        ["apply", odd],
        ["apply", str(file)],
        ["check", "--quick"],
        ["check", "--quick", "--json"],
        ["verify"],
        ["doctor"],
        ["ingest"],
        ["ingest", odd],
        ["ingest", "--stream", odd],
        ["rebuild", "--as-of", dice.choice(MOMENTS)],
        ["sql", dice.choice((*QUERIES, odd))],
        ["sql", dice.choice(QUERIES), "--json"],
        ["sql", dice.choice(QUERIES), "--csv"],
        ["import", "zoom-report", str(file), "--timezone", dice.choice(("Europe/Paris", "UTC", odd))],
        ["import", "zoom-report", str(file), str(folder), odd, "--timezone", "UTC", "--json"],
        ["sandbox", "--world", str(file)],
        ["sandbox", "--world", str(folder)],
        ["demo", "--contacts", odd],
        [odd],
        ["--help"],
    ]
    chosen = dice.choice(commands)
    if dice.random() < 0.15:
        chosen.insert(dice.randrange(len(chosen) + 1), odd)
    return chosen


class Place:
    """A folder in which commands are given one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, dice: Dice) -> dict[str, str]:
        (self.folder / "turnout.toml").write_bytes(settings_file(dice) if dice.random() < 0.3 else b"")
        env = {"TURNOUT_HOME": str(self.folder / "home"), "TURNOUT_SETTINGS": str(self.folder / "turnout.toml")}
        kind = dice.randrange(12)
        if kind == 0:
            env["TURNOUT_HOME"] = str(self.folder / "turnout.toml")
        elif kind == 1:
            env["TURNOUT_SETTINGS"] = dice.choice((str(self.folder), *WORDS))
        elif kind == 2:
            env["HUBSPOT_ACCESS_TOKEN"] = dice.choice(WORDS)
        elif kind == 3:
            catalog = self.folder / "home" / "models" / "catalog.json"
            if catalog.exists():
                catalog.write_bytes(torn(dice, catalog.read_bytes()))
        return env


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    before = signal.getsignal(signal.SIGINT)
    yield Place(tmp_path)
    signal.signal(signal.SIGINT, before)


@given(dice)
@often("commands")
def test_a_command_ends_with_a_status_and_says_why(place: Place, capsys: Any, dice: Dice) -> None:
    env = place.environment(dice)
    given = words(dice, place.folder)
    note(f"{given} {env} {(place.folder / 'turnout.toml').read_bytes()!r}")
    with (
        patch.dict(os.environ, env, clear=True),
        patch.object(sys, "argv", ["turnout", *given]),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    said = capsys.readouterr()
    assert ended.value.code in (None, 0, 1, 2, 3)
    assert "Traceback" not in said.out + said.err
    assert not ended.value.code or said.out.strip() or said.err.strip()
    assert "\x1b" not in said.err
