"""`turnout sql`: what it refuses, its limits, how it is on a terminal, and other tools over the same file (EV-11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from pipelines.asking import Answer, Desk
from pipelines.cli import data
from pipelines.cli.prompt import Words, converse
from pipelines.errors import UsageError
from pipelines.warehouse import Catalog, Entry, Warehouse

AS_OF = "2026-11-20T12:00:00+00:00"
GREEDY = "select count(*) from (select distinct range, md5(range::varchar) from range(3000000))"
ENDLESS = "select count(*) from range(100000000) as one, range(100000000) as two"


def publish(warehouse: Warehouse, *topics: str) -> None:
    """Put a table `webinars` in place, as a build would."""
    before = warehouse.catalog()
    file = f"webinars/{len(topics)}.parquet"
    (warehouse.root / "webinars").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"topic": topics, "attended_count": range(len(topics))}), warehouse.root / file)
    entry = Entry(str(len(topics)), [file], len(topics), {"topic": "VARCHAR", "attended_count": "BIGINT"})
    warehouse.swap(before, Catalog({"webinars": entry}, {}, AS_OF))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path / "home")
    publish(made, "One", "Two")
    return made


@pytest.fixture
def desk(warehouse: Warehouse) -> Iterator[Desk]:
    with Desk(warehouse) as one:
        yield one


def rows(desk: Desk, text: str) -> list[tuple[object, ...]]:
    """Return the rows of all answers."""
    found: list[tuple[object, ...]] = []
    desk.ask(text, lambda answer: found.extend(answer.rows()[1]))
    return found


@pytest.mark.rule("EV-11")
def test_a_query_sees_what_the_last_build_made_and_the_moment_that_it_describes(
    desk: Desk, warehouse: Warehouse
) -> None:
    assert rows(desk, "select topic from webinars order by 1; select sum(attended_count) from webinars") == [
        ("One",),
        ("Two",),
        (1,),
    ]
    assert rows(desk, "select cast(getvariable('as_of') as varchar)") == [("2026-11-20 12:00:00+00",)]
    publish(warehouse, "One", "Two", "Three")
    assert rows(desk, "select count(*) from webinars") == [(3,)], "a build is seen by whoever asks next"


@pytest.mark.rule("EV-11")
@pytest.mark.parametrize(
    "query",
    [
        "create table mine as select 1",
        "insert into turnout_build values ('x')",
        "update turnout_build set as_of = ''",
        "copy webinars to '{home}/models/out.csv'",
        "copy webinars to '/dev/stdout'",
        "export database '{home}/export'",
        "attach '{home}/other.duckdb' as other",
        "detach warehouse",
        "use memory",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '100GB'",
        "reset memory_limit",
        "set temp_directory = '{home}/spill'",
        "set variable as_of = timestamptz '2020-01-01 00:00:00Z'",
        "pragma memory_limit = '100GB'",
        "pragma database_list",
        "call force_checkpoint()",
        "checkpoint",
        "prepare mine as insert into turnout_build values ('x')",
        "select * from read_csv('{home}/secret.csv')",
        "select * from read_parquet('{home}/secret.parquet')",
        "select * from '{home}/secret.parquet'",
        "select * from read_text('{home}/models/../secret.csv')",
        "select * from read_parquet('https://example.com/x.parquet')",
        "select * from glob('{home}/*')",
        "select * from duckdb_secrets() where name = getenv('HOME')",
        "select * from query('copy (select 1) to ''{home}/models/x.csv''')",
        "select 1; drop view webinars",
    ],
)
def test_nothing_is_written_and_nothing_outside_is_read(desk: Desk, warehouse: Warehouse, query: str) -> None:
    home = warehouse.root.parent
    (home / "secret.csv").write_text("one\n1\n")
    pq.write_table(pa.table({"one": [1]}), home / "secret.parquet")
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    with pytest.raises(UsageError, match="only queries are run here|the query cannot be run"):
        rows(desk, query.format(home=home))
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
    assert rows(desk, "select count(*) from webinars") == [(2,)]


def test_a_query_that_takes_too_long_or_too_much_is_stopped_and_the_next_one_is_answered(warehouse: Warehouse) -> None:
    with Desk(warehouse, seconds=0.3) as desk:
        with pytest.raises(UsageError, match=r"longer than 0\.3 seconds"):
            rows(desk, ENDLESS)
        with pytest.raises(UsageError, match=r"longer than 0\.3 seconds"):
            desk.ask(ENDLESS, lambda answer: answer.reader().read_all())
        assert rows(desk, "select 1") == [(1,)]
    with Desk(warehouse, memory_mb=60) as desk:
        with pytest.raises(UsageError, match="more than 60 MB"):
            rows(desk, GREEDY)
        assert rows(desk, "select 1") == [(1,)]
    assert not list(warehouse.root.parent.glob("*.tmp")), "nothing was spilled"


def test_a_result_can_be_a_parquet_file_which_is_whole_or_not_there(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNOUT_HOME", str(warehouse.root.parent))
    out = tmp_path / "out.parquet"
    data.sql("select topic, sum(attended_count) as n from webinars group by 1 order by 1", parquet=out)
    assert pq.read_table(out).to_pylist() == [{"topic": "One", "n": 0}, {"topic": "Two", "n": 1}]
    with pytest.raises(UsageError, match=r"longer than 0\.3 seconds"):
        data.sql("from range(1000000000) as one, range(10) as two", parquet=out, seconds=0.3)
    assert pq.read_metadata(out).num_rows == 2
    with pytest.raises(UsageError, match="cannot be written"):
        data.sql("select 1 as one", parquet=tmp_path / "nowhere" / "out.parquet")
    assert [path.name for path in tmp_path.glob("out*")] == ["out.parquet"]


def test_on_a_terminal_a_semicolon_ends_a_query_and_a_wrong_one_ends_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[object, ...]] = []

    def take(answer: Answer) -> None:
        seen.extend(answer.rows()[1])

    with create_pipe_input() as typed:
        typed.send_text("select topic\rfrom webinars order by 1;\r")
        typed.send_text("select topc from webinars;\r")
        typed.send_text("select 7 as seven\r\r")
        typed.send_text("quit\r")
        with create_app_session(input=typed, output=DummyOutput()):
            converse(desk, take)
    assert seen == [("One",), ("Two",), (7,)]
    assert '"topc" not found' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("select topic from webi", ["webinars"]),
        ("from webinars as w select w.att", ["attended_count"]),
        ("from webinars select webinars.to", ["topic"]),
        ("from webinars where att", ["attended_count"]),
        ("sel", ["select"]),
        ("", []),
    ],
)
def test_tables_columns_and_words_are_completed(desk: Desk, text: str, first: list[str]) -> None:
    found = Words(desk.words).get_completions(Document(text), CompleteEvent())
    assert [completion.text for completion in found][: len(first) or 1] == first


@pytest.mark.rule("EV-11")
def test_pandas_and_polars_read_the_same_file_while_a_build_puts_another_in_its_place(warehouse: Warehouse) -> None:
    with duckdb.connect(str(warehouse.file), read_only=True) as db:
        publish(warehouse, "One", "Two", "Three")
        query = "select topic, attended_count from webinars order by topic"
        assert db.sql(query).df()["topic"].tolist() == ["One", "Two"]
        assert db.sql(query).pl()["attended_count"].sum() == 1
