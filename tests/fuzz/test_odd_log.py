"""Records that no vendor documents, in the log: all tables are built, all checks pass, and nobody else's row moves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from pipelines.errors import TurnoutError
from pipelines.events import Batch, Record, digest, utc
from pipelines.expectations.suites import SUITES
from pipelines.ingest import ingest
from pipelines.log import Log
from pipelines.run import Workspace
from pipelines.sandbox import Sandbox
from pipelines.vendors.reading import mend
from pipelines.vendors.registry import STREAMS
from tests.fuzz.odd import INPUTS, SCALE, TEXTS, Dice, bent, raw, value
from tests.fuzz.wire import company, connected
from tests.worlds import NOW

BUILDS = max(2, round(2 * SCALE))
"""How many logs are filled; what does not fit into one build is told by another."""
OURS_ALONE = {"account", "report_reads"}
PROPERTIES = 3
BROKEN = (TurnoutError, AssertionError, ValueError, TypeError, LookupError, AttributeError, OverflowError, duckdb.Error)
MOMENTS = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
TABLES = {
    "contact_metrics": "contact_id between 501 and 509",
    "contact_webinars": "contact_id between 501 and 509",
    "contact_timeline": "contact_id between 501 and 509",
    "webinars": "webinar_id between 84000000001 and 84000000002",
    "recordings": "webinar_id between 84000000001 and 84000000002",
    "sync_hubspot_contacts": "try_cast(vendor_id as bigint) between 501 and 509",
}


@dataclass(frozen=True)
class Event:
    """A record, and the stream that it is in."""

    source: str
    stream: str
    record: Record

    def __str__(self) -> str:
        told = self.record
        return (
            f"{self.source}/{self.stream} {told.key!r} of {told.scope!r} at {told.occurred_at}: {told.payload!r:.600}"
        )


class Ground:
    """The small world as it was read once, and how what odd records do to it is found out."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log = Log(home / "calm")
        with Sandbox(company()) as sandbox:
            for vendor in ("zoom", "hubspot"):
                assert ingest(connected(vendor, sandbox.environment), self.log, run="r").failed == {}
        self.events = [event for source, stream in self.log.streams() for event in self._of(source, stream)]
        names = [one.name for suite in SUITES for one in suite.expectations]  # most of what is told here is odd
        (home / "turnout.toml").write_text(f"[quality]\nwarn = {orjson.dumps(names).decode()}")
        self.told = self.tables("calm")

    def _of(self, source: str, stream: str) -> list[Event]:
        columns = "key, scope, occurred_at, payload"
        rows = self.log.query(source, stream, f"select {columns} from events where kind = 'seen' order by key", {})
        found = [Event(source, stream, Record(key, at, text.encode(), scope)) for key, scope, at, text in rows]
        return found[:PROPERTIES] if stream == "properties" else [] if stream in OURS_ALONE else found

    def tables(self, name: str) -> dict[str, list[str]]:
        """Build, check and plan, and return the rows of those whom the world began with."""
        opened = Workspace({"TURNOUT_HOME": str(self.home / name), "TURNOUT_SETTINGS": str(self.home / "turnout.toml")})
        opened.build(utc(NOW))
        failed = [
            f"{check.name}: {check.failing}" for check in opened.check() if check.is_blocking and not check.passed
        ]
        assert failed == []
        opened.plan(as_of=utc(NOW))
        with opened.warehouse.connect(TABLES) as db:
            return {
                table: sorted(map(repr, db.execute(f"from {table} where {mine}").fetchall()))
                for table, mine in TABLES.items()
            }

    def with_odd(self, odd: Sequence[Event]) -> dict[str, list[str]]:
        """Put odd records into a copy of the log, and return the rows of everybody else."""
        shutil.rmtree(self.home / "odd", ignore_errors=True)
        shutil.copytree(self.home / "calm" / "log", self.home / "odd" / "log")
        log = Log(self.home / "odd")
        for source, streams in STREAMS.items():
            for stream in streams:
                records = [event.record for event in odd if (event.source, event.stream) == (source, stream.name)]
                account = next(iter(log.cursors(source, stream.name)), "zoom-account" if source == "zoom" else "4242")
                log.append(source, account, stream, Batch(records, at=utc(NOW)), run="odd")
        return self.tables("odd")

    def culprits(self, odd: Sequence[Event], fails: Callable[[Sequence[Event]], bool]) -> Sequence[Event]:
        """The fewest records that still make it fail, by halving."""
        while len(odd) > 1:
            half = next((some for some in (odd[: len(odd) // 2], odd[len(odd) // 2 :]) if fails(some)), None)
            if half is None:
                break
            odd = half
        return odd


@pytest.fixture(scope="module")
def ground(tmp_path_factory: Any) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"))


def moved(text: str, number: int) -> str:
    """The same of other people: ids, addresses and sessions of their own."""
    text = re.sub(r"\b84000000(\d{3})", lambda found: f"{77_000_000 + number}{found[1]}", text)
    text = re.sub(r"\b50(\d)\b", lambda found: f"{600_000 + number}{found[1]}", text)
    text = re.sub(r"(u[12])(==|//)", rf"odd{number}-\g<1>\g<2>", text)
    return re.sub(r"\b(x|host|p)\.example", rf"\g<1>{number}.example", text).replace("host1", f"host{number}")


def group(dice: Dice, events: Sequence[Event], number: int) -> list[Event]:
    """All that happened, once more to others, most of it bent."""
    odd = []
    for event in events:
        told = event.record
        key, scope, text = (moved(one, number) for one in (told.key, told.scope, told.payload.decode()))
        if key == told.key:
            key = f"{key}-{number}"
        document, content = orjson.loads(text), text.encode()
        kind = dice.random()
        if kind < 0.6:
            content = orjson.dumps(bent(dice, document))
        elif kind < 0.75:
            content = mend(raw(dice, document))
        elif kind < 0.8:
            content = orjson.dumps(value(dice))
        key = dice.choice(TEXTS) + str(number) if dice.random() < 0.05 else key
        scope = dice.choice(TEXTS) if dice.random() < 0.05 else scope
        happened = dice.choice(MOMENTS) if dice.random() < 0.05 else told.occurred_at
        if is_json(content):
            odd.append(Event(event.source, event.stream, Record(key, happened, content, scope)))
    return odd


def is_json(content: bytes) -> bool:
    """Whether a reader would hand it to the log."""
    try:
        digest(content)
    except ValueError:
        return False
    return bool(content)


@pytest.mark.rule("EV-12")
@pytest.mark.parametrize("seed", range(BUILDS))
def test_odd_records_in_the_log_break_nothing_and_move_nobody_else(ground: Ground, seed: int) -> None:
    dice, odd = Dice(seed), []
    while len(odd) < INPUTS["records in the log"] / 2 / 0.8:
        odd += group(dice, ground.events, 1_000 * (seed + 1) + len(odd))

    def why(some: Sequence[Event]) -> str:
        try:
            told = ground.with_odd(some)
        except BROKEN as error:
            return f"{type(error).__name__}: {error}"
        return (
            ""
            if told == ground.told
            else next(f"{name}: {told[name]}" for name in told if told[name] != ground.told[name])
        )

    if reason := why(odd):
        found = ground.culprits(odd, lambda some: bool(why(some)))
        pytest.fail("\n".join([reason[:1_500], f"seed {seed}; {len(found)} records:", *map(str, found[:5])]))
