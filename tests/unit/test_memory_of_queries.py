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
    assert (facts.tables, facts.starred) == ({"theirs", "other"}, {"theirs"})
    assert facts.named["other"] >= {"id", "name"}
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
    assert [named for named, _ in orjson.loads(file.read_bytes())["facts"].values()] == [{"another": []}]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format"', b'{"format": "0", "facts": {"a": [{}, []]}}'])
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


NAMED = """
with chosen as (select one.a, b, two.c from one inner join two as two using (k) where two.d > 0),
counted as (select count(*) as n, max(e) as most from three),
whole as (select four as row_of_four from four),
inside as (select five.f from five where exists (select 1 from six where six.g = five.h))
select chosen.*, counted.n from chosen cross join counted where chosen.i in (select j from seven as other)
"""


def test_a_column_is_one_of_the_tables_that_its_selection_names(tmp_path: Path) -> None:
    with duck.look() as db:
        facts = Memory().facts(db, NAMED, tmp_path)
    assert facts.starred == {"four"}, "a table's name alone is all of its columns"
    assert {"a", "b", "k"} <= facts.named["one"]
    assert not {"c", "d", "e", "i", "j"} & facts.named["one"]
    assert {"b", "c", "d", "k"} <= facts.named["two"]
    assert facts.named["three"] == {"e"}
    assert {"f", "h"} <= facts.named["five"]
    assert {"g"} <= facts.named["six"]
    assert facts.named["seven"] == {"j"}
