"""EV-01, EV-06: a full disk, a folder that may not be written, a wrong clock, two runs at once; nothing is lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.log import Log, holding
from tests.replay.hardship import read_only, small_disk
from tests.replay.nursery import Ended
from tests.replay.scene import Scene

NEXT_STEPS = ("run again", "See that the folder can be written")


def clear(ended: Ended, *words: str) -> None:
    """See that a command ended with a message for a person: the place, the reason, the next step, no traceback."""
    assert ended.status == 1, f"{ended.status}: {ended.err}"
    assert "Traceback" not in ended.err
    message = next(line for line in ended.err.splitlines() if line.startswith("turnout:"))
    assert "\033" not in message
    assert [word for word in words if word not in message] == [], message
    assert any(step in message for step in NEXT_STEPS), message


@pytest.mark.rule("EV-01", "EV-06")
@pytest.mark.parametrize(
    ("step", "share"),
    [(("first", "apply"), 0.7), (("next", "build"), 0.7)],
)
def test_a_full_disk_is_said_and_when_it_has_room_the_run_goes_on(
    scene: Scene, step: tuple[str, str], share: float
) -> None:
    start = scene.starts[step]
    scene.put_back(start.state)
    home = scene.company.home
    with small_disk(home) as disk:
        if disk is None:
            pytest.skip("no disk can be mounted here; the next test does without")
        before = disk.used()
        scene.command(start.words)
        after = disk.used()
        scene.put_back(start.state)
        disk.resize(before + max(8, round(share * (after - before))))
        clear(scene.command(start.words), str(home), "No space left")
        disk.resize(256 * 1024)
        assert scene.unlike_or_known(step[0], counted="contacts/batch/create") == []


@pytest.mark.rule("EV-01", "EV-06")
@pytest.mark.parametrize("step", [("first", "ingest"), ("first", "plan")])
def test_where_no_file_can_grow_the_same_is_said(scene: Scene, step: tuple[str, str]) -> None:
    start = scene.starts[step]
    scene.put_back(start.state)
    clear(scene.command(start.words, largest_file=600), str(scene.company.home))
    assert scene.unlike_or_known(step[0]) == []


@pytest.mark.rule("EV-01", "EV-06")
@pytest.mark.parametrize("step", ["build", "apply"])
def test_a_folder_that_may_not_be_written_is_said(scene: Scene, step: str) -> None:
    start = scene.starts["first", step]
    scene.put_back(start.state)
    home = scene.company.home
    with read_only(home):
        clear(scene.command(start.words, is_plain=True), str(home), "denied")
    if step == "apply":
        with read_only(home / "log"):
            clear(scene.command(start.words, is_plain=True), str(home), "denied")
    assert scene.written() == {}, "nothing was sent that could not be remembered"
    assert scene.unlike_or_known("first") == []


@pytest.mark.rule("EV-01", "EV-02", "EV-06")
@pytest.mark.parametrize(("chapter", "hours"), [("first", 3 * 365 * 24.0), ("next", -3 * 365 * 24.0)])
def test_a_clock_that_is_set_back_or_ahead_between_runs_changes_nothing(
    scene: Scene, chapter: str, hours: float
) -> None:
    scene.put_back(scene.starts[chapter, "ingest"].state)
    ended = scene.command(["run"], hours=hours)
    assert ended.status == 0, ended.err
    assert scene.unlike(chapter) == []


@pytest.fixture
def held(scene: Scene) -> Iterator[int]:
    """Another process holds the folder; its number."""
    scene.put_back(scene.starts["first", "build"].state)
    ended: list[Ended] = []
    holds = threading.Thread(
        target=lambda: ended.append(scene.nursery.child("hold", scene.company.environment, seconds=60, moment=8.0))
    )
    holds.start()
    note = scene.company.home / holding.NAME
    while not note.exists() or not note.read_bytes().endswith(b"}"):
        pass
    yield int(note.read_bytes().partition(b'"process":')[2].partition(b",")[0])
    holds.join()
    assert ended[0].is_killed


@pytest.mark.rule("EV-06")
def test_a_second_run_says_who_holds_the_folder_and_a_killed_one_holds_nothing(scene: Scene, held: int) -> None:
    home = scene.company.home
    told = scene.company.command("build")
    assert told.returncode == 1
    assert f"{home} is in use by `turnout run` (process {held} on " in told.stderr
    assert "Traceback" not in told.stderr
    os.kill(held, 9)
    assert holding.holder(home) in (
        "another turnout run",
        told.stderr.partition(" is in use by ")[2].partition(". ")[0],
    )
    with Log(home).locked(wait_seconds=5.0):
        assert f"process {os.getpid()} on" in holding.holder(home)
    assert not (home / holding.NAME).exists()
    assert scene.unlike_or_known("first") == []


@pytest.mark.rule("EV-06")
def test_a_run_that_is_told_to_wait_waits(tmp_path: Path) -> None:
    first, second = Log(tmp_path), Log(tmp_path)
    order: list[str] = []
    got_in = threading.Event()

    def hold() -> None:
        with first.locked():
            got_in.set()
            threading.Event().wait(0.2)
            order.append("first")

    holds = threading.Thread(target=hold)
    holds.start()
    got_in.wait()
    with second.locked(wait_seconds=10.0), second.locked():
        order.append("second")
        assert (tmp_path / holding.NAME).exists()
    holds.join()
    assert order == ["first", "second"]


@pytest.mark.rule("EV-01")
def test_a_note_of_one_who_is_no_more_is_not_believed(tmp_path: Path) -> None:
    holding.write(tmp_path)
    assert f"process {os.getpid()} on" in holding.holder(tmp_path)
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    note = tmp_path / holding.NAME
    note.write_bytes(note.read_bytes().replace(str(os.getpid()).encode(), str(child).encode()))
    assert holding.holder(tmp_path) == "another turnout run"
    note.write_bytes(b'{"process"')
    assert holding.holder(tmp_path) == "another turnout run"
    holding.clear(tmp_path)
    assert holding.holder(tmp_path) == "another turnout run"


@pytest.mark.rule("EV-01")
def test_a_table_whose_making_was_broken_off_is_made_again(scene: Scene) -> None:
    scene.put_back(scene.starts["first", "ingest"].state)
    folder = scene.company.home / "log" / "zoom" / "users" / "_delta_log"
    folder.mkdir(parents=True)
    (folder / "00000000000000000000.json#1").write_text('{"commitInfo"', encoding="utf-8")
    assert scene.unlike("first", runs=2) == []
