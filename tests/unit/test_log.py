"""The log: what is news, what is not, and what follows what."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import LockedError, LogError
from pipelines.events import Batch, Record, Records, Stream, digest, event_id
from pipelines.log import Log, columns, commit, news
from pipelines.verify import verify

START = datetime(2026, 11, 1, tzinfo=UTC)
FACTS, STATES = Stream("facts", "fact"), Stream("states", "state")


def fact(key: str, value: int, minutes: int = 0, **more: object) -> Record:
    """A record whose content is its value."""
    return Record(key, START + timedelta(minutes=minutes), b'{"value": %d}' % value, **more)  # type: ignore[arg-type]


@pytest.fixture(params=[news.FEW, 0], ids=["few", "many"])
def log(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Log:
    """An empty log, of which few events, or all, are taken for few."""
    monkeypatch.setattr(news, "FEW", request.param)
    return Log(tmp_path)


@pytest.mark.rule("EV-01")
def test_appending_what_is_there_appends_nothing_and_moves_nothing(log: Log) -> None:
    batch = Batch([fact("a", 1), fact("b", 2)], {"to": 1}, at=START)
    first = log.append("zoom", "one", FACTS, batch, run="r1")
    again = log.append("zoom", "one", FACTS, batch, run="r2")
    assert (first.appended, again.appended, again.known) == (2, 0, 2)
    assert again.version == first.version


@pytest.mark.rule("EV-01")
@pytest.mark.parametrize("stream", [FACTS, STATES])
@pytest.mark.parametrize("slice_of", [0, 100_000])
def test_the_same_in_other_bytes_is_no_news(
    log: Log, monkeypatch: pytest.MonkeyPatch, stream: Stream, slice_of: int
) -> None:
    monkeypatch.setattr(news, "SLICE", slice_of)
    told = Record("a", START, b'{"a": 1, "b": [2, 3]}')
    others = [msgspec.structs.replace(told, payload=one) for one in (b'{"b":[2,3],"a":1}', b' {"a":1,"b":[2,3]}')]
    appended = [
        log.append("zoom", "one", stream, Batch(records, at=START), run="r").appended
        for records in ([told, *others, fact("b", 1)], [others[0], fact("c", 1)], [others[1]], [told, others[0]])
    ]
    assert appended == [2, 1, 0, 0]
    changed = Record("a", START, b'{"a": 1, "b": [3, 2]}')
    assert log.append("zoom", "one", stream, Batch([changed, others[0]], at=START), run="r").appended == (
        1 if stream is FACTS else 2
    ), "a list in another order says something else"
    assert verify(log) == []


@pytest.mark.rule("EV-01")
def test_the_same_bytes_have_the_same_id_on_every_machine_and_account_and_key_are_part_of_it() -> None:
    made = event_id("zoom", "1", "users", "k", b'{"a":1}')
    assert made == event_id("zoom", "1", "users", "k", b'{"a":1}')
    assert made.hex() == "0655eca5c75e0bd73220d004851a7901"
    others = [("zoom", "2", "users", "k"), ("zoom", "1", "users", "l"), ("zoom", "1", "webinars", "k")]
    assert all(event_id(*other, b'{"a":1}') != made for other in others)
    assert event_id("zoom", "1", "users", "k", b'{"a":1}', made) != made


@pytest.mark.rule("EV-01")
def test_the_same_bytes_at_two_moments_are_one_fact_in_one_batch_as_in_two(log: Log) -> None:
    told = [Record("a", START + timedelta(minutes=n), b"{}") for n in range(2)]
    assert log.append("zoom", "one", FACTS, Batch(told, at=START), run="r").appended == 1
    assert verify(log) == []


@pytest.mark.rule("EV-01")
@pytest.mark.parametrize("stream", [FACTS, STATES])
def test_a_log_whose_ids_were_made_of_what_records_say_goes_on(log: Log, stream: Stream) -> None:
    told = [Record("a", START + timedelta(minutes=n), b'{"b": 1, "a": %d}' % n) for n in range(2)]
    contents = [digest(record.payload) for record in told]
    ids: list[bytes] = []
    for content in contents:
        previous = ids[-1] if ids and stream is STATES else b""
        begun = "\x1f".join(("zoom", "one", stream.name, "a", "")).encode()
        ids.append(blake2b(begun + content + previous, digest_size=16).digest())
    log.append("zoom", "one", stream, Batch([], {"to": 1}, at=START), run="r")
    table = log.table("zoom", stream.name)
    assert table is not None
    early = news.News(Records.of(told), ids, contents)
    commit.append(table, columns.table(early, account="one", observed_at=START, batch="r"), {})
    assert verify(log) == []

    again = told if stream is FACTS else told[-1:]
    other = [msgspec.structs.replace(record, payload=orjson.dumps(orjson.loads(record.payload))) for record in again]
    for records in (again, other):
        assert log.append("zoom", "one", stream, Batch(records, at=START), run="r").appended == 0
    fresh = Record("a", START + timedelta(hours=1), b'{"a": 9}')
    assert log.append("zoom", "one", stream, Batch([fresh], at=fresh.occurred_at), run="r").appended == 1
    assert log.append("zoom", "one", stream, Batch([fresh], at=fresh.occurred_at), run="r").appended == 0
    assert verify(log) == []
    other_early = msgspec.structs.replace(told[0], payload=b'{"a": 5}')
    early = news.News(Records.of([other_early]), [b"1" * 16], [digest(b'{"a": 6}')])
    commit.append(table, columns.table(early, account="one", observed_at=START, batch="r"), {})
    assert {finding.problem[-31:] for finding in verify(log)} >= {"not what it was when it was written."[-31:]}


@pytest.mark.rule("EV-01")
def test_states_that_come_back_are_events_and_states_that_stay_are_none(log: Log) -> None:
    for value in (1, 1, 2, 2, 1):
        log.append("zoom", "one", STATES, Batch([fact("a", value)], at=START), run="r")
    assert log.query("zoom", "states", "select count(*) from events", {}) == [(3,)]
    assert log.latest("zoom", "states") == {"a": {"value": 1}}
    assert verify(log) == []


@pytest.mark.rule("EV-01")
def test_what_a_whole_reading_lacks_becomes_absent_once_and_may_return(log: Log) -> None:
    both = [fact("a", 1, scope="w"), fact("b", 1, scope="w"), fact("c", 1, scope="other")]
    log.append("zoom", "one", STATES, Batch(both, at=START), run="r")
    whole = Batch([fact("a", 1, scope="w")], complete_scopes=("w",), at=START + timedelta(hours=1))
    assert [log.append("zoom", "one", STATES, whole, run="r").absent for _ in range(2)] == [1, 0]
    assert set(log.latest("zoom", "states")) == {"a", "c"}
    log.append("zoom", "one", STATES, Batch([fact("b", 1, scope="w")], at=START + timedelta(hours=2)), run="r")
    kinds = log.query("zoom", "states", "select kind from events where key = 'b' order by observed_at", {})
    assert kinds == [("seen",), ("absent",), ("seen",)]
    assert verify(log) == []


@pytest.mark.rule("EV-01")
def test_what_was_never_there_is_not_told_to_be_gone(log: Log) -> None:
    told = [fact("a", 1), Record("b", START, b"", kind="absent"), Record("c", START, b"", kind="absent", follows=True)]
    for records in (told, [fact("d", 1), *told[1:2]]):
        log.append("zoom", "one", STATES, Batch(records, at=START), run="r")
    events = log.query("zoom", "states", "select key, kind from events order by key", {})
    assert events == [("a", "seen"), ("c", "absent"), ("d", "seen")]
    assert verify(log) == []


@pytest.mark.rule("EV-01", "HZ-07")
def test_a_fact_that_is_back_or_gone_again_is_an_event_of_its_own(log: Log) -> None:
    def gone(minutes: int) -> Record:
        return Record("a", START + timedelta(minutes=minutes), b"", kind="absent", follows=True)

    for record in (fact("a", 1), gone(1), fact("a", 1, 2, follows=True), gone(3)):
        log.append("hubspot", "one", FACTS, Batch([record], at=record.occurred_at), run="r")
    kinds = log.query("hubspot", "facts", "select kind from events order by occurred_at", {})
    assert kinds == [("seen",), ("absent",), ("seen",), ("absent",)]
    assert verify(log) == []


@pytest.mark.rule("EV-01")
def test_the_cursor_is_true_when_its_batch_is_in_and_each_account_has_its_own(log: Log) -> None:
    log.append("zoom", "one", FACTS, Batch([fact("a", 1)], {"to": 1}, at=START), run="r")
    log.append("zoom", "two", FACTS, Batch([], {"to": 9}, at=START), run="r")
    log.append("zoom", "one", FACTS, Batch([fact("a", 1)], {"to": 2}, at=START), run="r")
    assert log.cursor("zoom", "facts", "one") == {"to": 2}
    assert log.cursor("zoom", "facts", "two") == {"to": 9}
    assert Log(log.home).cursor("zoom", "facts", "three") is None


def test_the_files_of_new_commits_are_told_apart_from_old_ones(log: Log) -> None:
    log.append("zoom", "one", FACTS, Batch([fact("a", 1)], at=START), run="r")
    before = log.version("zoom", "facts")
    log.append("zoom", "one", FACTS, Batch([fact("b", 1)], at=START), run="r")
    fresh = log.files_since("zoom", "facts", before)
    assert fresh is not None
    assert len(fresh) == 1
    assert set(fresh) < set(log.files("zoom", "facts"))
    table = log.table("zoom", "facts")
    assert table is not None
    table.create_checkpoint()
    commits = log.root / "zoom" / "facts" / "_delta_log"
    for number in range(before + 2):
        (commits / f"{number:020d}.json").unlink()
    assert Log(log.home).files_since("zoom", "facts", before) is None, "then staging is built whole"
    assert set(Log(log.home).files("zoom", "facts")) == set(log.files("zoom", "facts"))


def test_a_damaged_table_is_an_error_that_names_it_and_the_next_step(log: Log) -> None:
    log.append("zoom", "one", FACTS, Batch([fact("a", 1)], at=START), run="r")
    for written in (log.root / "zoom" / "facts" / "_delta_log").glob("*.json"):
        written.write_text("{}")
    with pytest.raises(LogError, match=r"facts cannot be read as a Delta table: .* Run `turnout verify`"):
        Log(log.home).latest("zoom", "facts")


def test_a_second_holder_is_turned_away_and_the_same_one_may_enter_twice(log: Log) -> None:
    with log.locked(), log.locked():
        other = Log(log.home)
        with pytest.raises(LockedError, match=rf"in use by `.*` \(process {os.getpid()} on "), other.locked():
            pass
    with Log(log.home).locked():
        pass


@pytest.mark.rule("EV-01", "HZ-28")
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3), st.integers(0, 60)), max_size=5),
        min_size=1,
        max_size=5,
    )
)
def test_the_log_holds_every_fact_once_however_it_is_told(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, int, int]]]
) -> None:
    log = Log(tmp_path_factory.mktemp("log"))
    for told in batches:
        records = [fact(f"{key}{minutes}", value, minutes) for key, value, minutes in told]
        log.append("zoom", "one", FACTS, Batch(records, at=START), run="r")
    expected = {(f"{key}{minutes}", value) for told in batches for key, value, minutes in told}
    found = log.query("zoom", "facts", "select key, cast(payload ->> '$.value' as integer) from events", {})
    assert sorted(found) == sorted(expected)


@pytest.mark.rule("EV-01")
def test_states_of_one_batch_follow_each_other_in_the_order_in_which_they_were_told(log: Log) -> None:
    for turn in range(8):
        told = [fact("a", value) for value in (turn, turn + 100, turn)]
        log.append("zoom", "one", STATES, Batch(told, at=START), run="r")
        assert log.latest("zoom", "states") == {"a": {"value": turn}}
    assert verify(log) == []
