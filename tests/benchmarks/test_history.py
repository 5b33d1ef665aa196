"""The benchmark's made company: turnout and straightforward SQL find the same in it, before and after one more day."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from benchmarks import deliveries, history, publishing
from benchmarks.checksums import checksum
from benchmarks.company import END, START
from benchmarks.peers import OUTPUTS, naive
from pipelines.run import Workspace

EVENTS = 12_000
COMMITS = [(START, datetime.fromisoformat("2026-05-01T00:00:00+00:00"))]
COMMITS += [(COMMITS[0][1], END - 2 * history.DAY), (END - 2 * history.DAY, END)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small history, in few commits."""
    folder = tmp_path_factory.mktemp("history")
    told = history.make(folder, EVENTS, COMMITS)
    assert told["events"] > EVENTS / 2
    assert told["delta"] > 0
    assert all(told["streams"].values())
    return folder


def assert_same(workspace: Workspace, out: Path) -> None:
    """The published tables are the same, row for row and column for column."""
    with workspace.warehouse.connect() as ours, duckdb.connect() as theirs:
        theirs.execute("set timezone = 'UTC'")
        for name in OUTPUTS:
            file = f"read_parquet('{out / name}.parquet')"
            columns = [row[0] for row in theirs.execute(f"describe select * from {file}").fetchall()]
            expected = checksum(theirs, file)
            assert expected["rows"] > 0, name
            assert checksum(ours, name, columns) == expected, name


def test_turnout_and_plain_sql_agree_before_and_after_one_more_day(made: Path, tmp_path: Path) -> None:
    home = history.clone(made / "home", tmp_path / "home")
    workspace = Workspace({"TURNOUT_HOME": str(home)})
    for until in (END, END + history.DAY):
        if until > END:
            assert history.append_delta(made, home) > 0
        workspace.build(until)
        naive.build(deliveries.all_files(made, until), until, tmp_path / "naive")
        assert_same(workspace, tmp_path / "naive")
    assert publishing.baseline(home, until) > 0
    workspace.build(until + history.DAY)
    told = publishing.sending(publishing.make(home, until + history.DAY), home)
    assert 0 < told["contacts"] <= told["rows"]
    assert told["calls"] == told["calls_at_least"]
    assert 0 < told["bytes"] < told["bytes_of_all"]


def test_what_is_added_to_a_copy_stays_out_of_the_history(made: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in (made / "home").rglob("*.json")}
    home = history.clone(made / "home", tmp_path / "home")
    history.append_delta(made, home)
    assert {path: path.read_bytes() for path in (made / "home").rglob("*.json")} == before
