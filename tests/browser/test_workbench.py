"""The workbench in headless Chromium: a query is run, its result seen and drawn, and saved as a segment (EV-11)."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from selenium import webdriver
from selenium.common.exceptions import JavascriptException

from pipelines.asking import Desk
from pipelines.errors import UsageError
from pipelines.warehouse import Catalog, Entry, Warehouse
from pipelines.workbench import bars, save, shown

ROOT = Path(__file__).resolve().parents[2]
FOUND = """
    const found = [];
    const walk = (node) => {
        for (const one of node.querySelectorAll("*")) {
            if (one.matches(arguments[0]) && (one.innerText || "").includes(arguments[1])) found.push(one);
            if (one.shadowRoot) walk(one.shadowRoot);
        }
    };
    walk(document);
    return found;
"""
"""Finds elements by a selector and a text within them, in shadow trees too."""
SECONDS = 90


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one table of contacts, as a build leaves it."""
    warehouse = Warehouse(tmp_path / "home")
    (warehouse.root / "contact_metrics").mkdir(parents=True)
    rows = {"contact_id": [1, 2, 3], "kind": ["new", "known", "known"], "webinars_attended": [2, 5, 0]}
    pq.write_table(pa.table(rows), warehouse.root / "contact_metrics/1.parquet")
    entry = Entry("1", ["contact_metrics/1.parquet"], 3, {name: "" for name in rows})
    warehouse.swap(Catalog(), Catalog({"contact_metrics": entry}, {}, "2026-11-20T12:00:00+00:00"))
    return tmp_path / "home"


def test_a_result_is_counted_drawn_and_saved(home: Path, tmp_path: Path) -> None:
    with Desk(Warehouse(home)) as desk:
        found = shown(desk, "select contact_id, kind, webinars_attended from contact_metrics")
        assert found.about == "3 rows, 3 contacts"
        assert found.records[0] == {"contact_id": "1", "kind": "new", "webinars_attended": "2"}
        drawn = bars(found.columns, found.rows)
        assert drawn.count("<rect") == 3
        assert ">known</text>" in drawn
        assert bars(["contact_id"], [(1,)]) == "", "there is nothing to draw of ids"
        assert shown(desk, "select 1 from range(1500)").about == "1,500 rows; the first 1,000 are shown"
        with pytest.raises(UsageError, match="one at a time"):
            shown(desk, "select 1; select 2")
    save(tmp_path / "kept", "select contact_id from contact_metrics", "mine", "Mine", ["hubspot"])
    assert "-- deliver: hubspot\n" in (tmp_path / "kept" / "segment_mine.sql").read_text()
    with pytest.raises(UsageError, match="no destination moon"):
        save(tmp_path, "select 1 as contact_id", "other", "", ["moon"])


@pytest.fixture
def served(home: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the workbench, on a port that is free."""
    if find_spec("marimo") is None:
        if os.environ.get("TURNOUT_BROWSER_REQUIRED"):
            pytest.fail("marimo must be installed here: it is in requirements.lock")
        pytest.skip("install the extra `workbench` to run this test")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "TURNOUT_HOME": str(home), "TURNOUT_SEGMENTS": str(tmp_path / "kept"), "HOME": str(tmp_path)}
    words = [sys.executable, "-m", "pipelines.cli", "workbench", "--port", str(port)]
    process = subprocess.Popen(words, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    try:
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found
        _until(lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True)
        yield found[0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _until(is_so: Callable[[], object]) -> None:
    ends = time.monotonic() + SECONDS
    while True:
        try:
            if is_so():
                return
        except (OSError, JavascriptException):
            pass
        assert time.monotonic() < ends, "the page does not show it"
        time.sleep(0.3)


@pytest.mark.browser
@pytest.mark.timeout(280)
@pytest.mark.xdist_group("browser")
@pytest.mark.rule("EV-11")
def test_a_query_is_run_and_saved_in_the_browser(browser: webdriver.Chrome, served: str, tmp_path: Path) -> None:
    def found(selector: str, text: str = "") -> list[object]:
        return list(browser.execute_script(FOUND, selector, text) or [])

    def click(text: str) -> None:
        _until(lambda: found("button", text))
        browser.execute_script("arguments[0].click()", found("button", text)[0])

    browser.get(served)
    click("Run")
    _until(lambda: found("strong", "2 rows, 2 contacts"))
    _until(lambda: found("td", "5"))
    (field,) = [one for one in found("input") if one.get_attribute("placeholder") == "keen_but_silent"]  # type: ignore[attr-defined]
    field.send_keys("from_the_page\t")
    click("Save")
    _until(lambda: found("div", "segment_from_the_page.sql is written"))
    text = (tmp_path / "kept" / "segment_from_the_page.sql").read_text()
    assert "where webinars_attended >= 1" in text
    assert "-- deliver: none" in text
