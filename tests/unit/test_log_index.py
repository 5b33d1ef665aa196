"""What a long reading keeps at hand of the log: the same events as by looking into the log each time, and cheaper."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.events import Batch, Record, Stream
from pipelines.log import Log, asking, news
from pipelines.verify import verify

START = datetime(2026, 11, 1, tzinfo=UTC)
FACTS, STATES = Stream("facts", "fact"), Stream("states", "state")
EVENTS = "select key, scope, kind, occurred_at, event_id, digest, payload from events order by event_id"

TOLD = st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "v", "w"]), st.integers(0, 2), st.integers(0, 90))
BATCH = st.tuples(st.lists(TOLD, max_size=8), st.sets(st.sampled_from(["", "v", "w"])), st.booleans())


def batch(told: list[tuple[str, str, int, int]], scopes: set[str], is_back: bool, nth: int, stream: Stream) -> Batch:
    """A batch of a few records, some told to be gone; a fact carries its own time, so it never has another."""
    records = [
        Record(
            f"{key}{minutes}" if stream is FACTS else key,
            START + timedelta(minutes=minutes),
            b'{"value": %d}' % value if value or not is_back else b"",
            scope,
            "seen" if value or not is_back else "absent",
        )
        for key, scope, value, minutes in told
    ]
    return Batch(records, complete_scopes=tuple(scopes), at=START + timedelta(minutes=nth))


@pytest.mark.rule("EV-01", "HZ-28")
@settings(max_examples=30)
@given(st.lists(BATCH, min_size=2, max_size=5), st.sampled_from([FACTS, STATES]))
def test_an_index_finds_the_same_news_as_the_log(
    tmp_path_factory: pytest.TempPathFactory,
    told: list[tuple[list[tuple[str, str, int, int]], set[str], bool]],
    stream: Stream,
) -> None:
    usual = news.SLICE
    news.SLICE = 0
    try:
        one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
        kept = Log(one)
        for nth, some in enumerate(told):
            made = batch(*some, nth, stream)
            observed = START + timedelta(days=1, seconds=nth)
            with_index = kept.append("zoom", "one", stream, made, run="r", observed_at=observed)
            without = Log(other).append("zoom", "one", stream, made, run="r", observed_at=observed)
            assert with_index == without
    finally:
        news.SLICE = usual
    events = kept.query("zoom", stream.name, EVENTS, {})
    assert events == Log(other).query("zoom", stream.name, EVENTS, {})
    assert len({event_id for *_, event_id, _, _ in events}) == len(events)


def test_a_key_that_moved_to_another_scope_is_gone_once(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for nth, (records, scopes) in enumerate(
        [
            ([Record("a", START, b'{"value": 1}', "v")], ()),
            ([Record("a", START, b"", "w", "absent")], ()),
            ([], ("v",)),
            ([], ("v", "w")),
        ]
    ):
        log.append(
            "zoom", "one", STATES, Batch(records, complete_scopes=scopes, at=START + timedelta(hours=nth)), run="r"
        )
    assert log.query("zoom", "states", "select kind, scope from events order by occurred_at", {}) == [
        ("seen", "v"),
        ("absent", "w"),
    ]


def test_another_writer_or_stream_makes_an_index_anew(tmp_path: Path) -> None:
    first, second = Log(tmp_path), Log(tmp_path)
    for nth in range(4):
        for log in (first, second):
            told = Batch([Record("a", START, b'{"value": %d}' % nth)], at=START)
            receipt = log.append("zoom", "one", STATES, told, run="r")
            assert receipt.appended == (log is first)
        other = Batch([Record("a", START, b'{"value": 1}')], at=START)
        assert first.append("zoom", "two", STATES, other, run="r").appended == (nth == 0)
    assert first.query("zoom", "states", "select count(*) from events", {}) == [(5,)]
    assert verify(first) == []


def test_reading_an_unchanged_stream_again_reads_the_log_twice_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(tmp_path)
    records = [Record(f"k{n}", START, b'{"value": %d}' % n) for n in range(400)]
    log.append("zoom", "one", STATES, Batch(records, at=START), run="r")
    log = Log(tmp_path)
    asked = 0
    over = asking.over

    def counted(files: list[str], sql: str) -> str:
        nonlocal asked
        asked += 1
        return over(files, sql)

    monkeypatch.setattr("pipelines.log.over", counted)
    for at in range(0, 400, 20):
        receipt = log.append("zoom", "one", STATES, Batch(records[at : at + 20], at=START), run="r")
        assert (receipt.appended, receipt.known) == (0, 20)
    assert asked == 1
    assert log.version("zoom", "states") == 1
