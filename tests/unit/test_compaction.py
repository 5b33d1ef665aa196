"""Putting small files together changes nothing that anybody can see, but the number of files."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import run

import duckdb
import pytest

from pipelines.events import Batch, Record, Stream
from pipelines.log import Log, compaction
from pipelines.verify import verify

START = datetime(2026, 11, 1, tzinfo=UTC)
FACTS = Stream("facts", "fact")


def tell(log: Log, *numbers: int) -> int:
    """Append a commit for each number; return the rows that were news."""
    appended = 0
    for number in numbers:
        record = Record(f"k{number}", START + timedelta(minutes=number), b'{"v": %d}' % number)
        appended += log.append("zoom", "one", FACTS, Batch([record], {"to": number}, at=START), run="r").appended
    return appended


def ids(log: Log) -> list[bytes]:
    """Return the ids of all events."""
    return sorted(row[0] for row in log.query("zoom", "facts", "select event_id from events", {}))


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log of twelve commits."""
    made = Log(tmp_path)
    tell(made, *range(12))
    return made


@pytest.mark.rule("EV-01")
def test_compaction_keeps_every_event_and_cursor_and_what_is_known_stays_known(log: Log) -> None:
    before, position = ids(log), log.positions()
    assert compaction.tidy(log, most=10) == ["zoom/facts"]
    assert len(log.files("zoom", "facts")) == 1
    assert (ids(log), log.cursor("zoom", "facts", "one"), log.positions()) == (before, {"to": 11}, position)
    assert log.last_read_at() == START
    assert verify(log) == []
    assert tell(log, *range(13)) == 1
    assert verify(Log(log.home)) == []


def test_a_stream_of_few_files_is_left_alone(log: Log) -> None:
    assert compaction.tidy(log, most=12) == []


@pytest.mark.rule("EV-02")
def test_who_reads_commit_by_commit_notices_nothing(log: Log) -> None:
    read = log.version("zoom", "facts")
    compaction.tidy(log, most=10)
    assert log.files_since("zoom", "facts", read) == []
    tell(log, 50)
    news = log.files_since("zoom", "facts", read)
    assert news is not None
    assert len(news) == 1
    assert len(log.files_since("zoom", "facts", 5) or []) == 8


def test_a_reader_of_the_files_before_goes_on_reading(log: Log) -> None:
    files = log.files("zoom", "facts")
    compaction.tidy(log, most=10)
    assert duckdb.execute("select count(*) from read_parquet(?)", [files]).fetchall() == [(12,)]


def test_what_a_killed_writer_left_half_written_is_dropped(log: Log) -> None:
    half = Path(log.files("zoom", "facts")[0] + "#1")
    half.write_bytes(b"PAR1")
    compaction.tidy(log, most=10)
    assert not half.exists()


def test_files_long_replaced_are_dropped(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    old = [Path(name) for name in log.files("zoom", "facts")]
    monkeypatch.setattr(compaction, "KEEP", timedelta(0))
    compaction.tidy(log, most=10)
    assert not any(path.exists() for path in old)
    assert log.cursor("zoom", "facts", "one") == {"to": 11}
    assert verify(Log(log.home)) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from deltalake import DeltaTable
from deltalake.table import TableOptimizer
from pipelines.log import Log, compaction
home, name, when = sys.argv[1:]
room = TableOptimizer if name == "compact" else DeltaTable
do = getattr(room, name)
def deadly(*given, **named):
    if when == "after":
        do(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(room, name, deadly)
compaction.tidy(Log(Path(home)), most=10)
"""


@pytest.mark.rule("EV-01", "EV-06")
@pytest.mark.parametrize("name", ["compact", "vacuum", "create_checkpoint"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_compaction_that_is_killed_loses_nothing_and_is_done_by_the_next(log: Log, name: str, when: str) -> None:
    before = ids(log)
    ended = run([sys.executable, "-c", KILLED, str(log.home), name, when], check=False)
    assert ended.returncode == -signal.SIGKILL
    fresh = Log(log.home)
    assert (ids(fresh), fresh.cursor("zoom", "facts", "one")) == (before, {"to": 11})
    assert verify(fresh) == []
    compaction.tidy(fresh, most=10)
    assert len(fresh.files("zoom", "facts")) == 1
    assert tell(fresh, *range(13)) == 1
