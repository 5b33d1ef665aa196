"""What was read of a query is kept for the processes that follow, and a file that is no good is as none."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import duckdb
import orjson
import pytest

from pipelines import duck
from pipelines.errors import ModelError
from pipelines.parsing import Memory

SQL = "with mine as (select * from theirs) select mine.*, other.name from mine inner join other using (id)"
NOBODY = cast(duckdb.DuckDBPyConnection, None)
"""A connection that cannot be asked."""


def kept(folder: Path) -> Path:
    """Return the file of a process that read the query."""
    memory, file = Memory(), folder / "models" / "queries.json"
    with duck.look() as db:
        facts = memory.facts(db, SQL, folder)
    assert (facts.tables, facts.starred) == ({"theirs", "other"}, {"theirs", "mine"})
    assert facts.named >= {"id", "name"}
    memory.keep(file)
    return file


def test_the_next_process_parses_nothing_that_an_earlier_one_read(tmp_path: Path) -> None:
    file = kept(tmp_path)
    later = Memory()
    later.recall(file)
    assert later.facts(NOBODY, SQL, tmp_path).tables == {"theirs", "other"}
    file.unlink()
    later.keep(file)
    assert not file.exists(), "there was nothing new to keep"


def test_what_is_asked_for_no_more_is_kept_no_longer(tmp_path: Path) -> None:
    file = kept(tmp_path)
    later = Memory()
    later.recall(file)
    with duck.look() as db:
        later.facts(db, "select 1 from another", tmp_path)
    later.keep(file)
    assert [facts[0] for facts in orjson.loads(file.read_bytes())["facts"].values()] == [["another"]]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format"', b'{"format": "0", "facts": {"a": [[], [], []]}}'])
def test_a_file_that_is_no_good_is_as_none_and_is_written_anew(tmp_path: Path, content: bytes) -> None:
    file = kept(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(content)
    later = Memory()
    later.recall(file)
    with pytest.raises(AttributeError):
        later.facts(NOBODY, SQL, tmp_path)
    with duck.look() as db:
        later.facts(db, SQL, tmp_path)
    later.keep(file)
    assert file.read_bytes() == whole


def test_a_query_that_does_not_parse_is_kept_by_nobody(tmp_path: Path) -> None:
    memory, file = Memory(), tmp_path / "queries.json"
    with duck.look() as db:
        with pytest.raises(ModelError, match="does not parse"):
            memory.facts(db, "selec 1", tmp_path)
        memory.facts(db, SQL, tmp_path)
    memory.keep(file)
    assert file.read_bytes() == kept(tmp_path).read_bytes()


def test_where_nothing_can_be_written_a_process_does_without(tmp_path: Path) -> None:
    memory = Memory()
    with duck.look() as db:
        memory.facts(db, SQL, tmp_path)
    memory.keep(tmp_path / "no folder" / "models" / "queries.json")
    assert not (tmp_path / "no folder").exists()
