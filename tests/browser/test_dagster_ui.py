"""Dagster's pages on turnout's data, in headless Chromium: the graph loads, and a run started there ends green."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from pipelines.cli.demo import start_jobs
from pipelines.sandbox import Sandbox
from tests.replay.sweep import fast_folder
from tests.worlds import contact, joined, registrant, session, webinar, world

pytestmark = [pytest.mark.browser, pytest.mark.timeout(280), pytest.mark.xdist_group("browser")]
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def dagster(tmp_path: Path) -> Iterator[tuple[str, Sandbox]]:
    """`dg dev -w workspace.yaml` on a sandbox; that `dagster` loads the same file, `make check` sees."""
    people = [f"p{number}@x.example" for number in range(5)]
    told = world(
        webinar(
            84759841045,
            registrants=[registrant(email) for email in people],
            instances=[session("u1==", "10:00", "11:00", [joined(email, "10:00", "10:30") for email in people])],
        ),
        contacts=[contact(1, people[0])],
    )
    port = free_port()
    with (
        tempfile.TemporaryDirectory(dir=fast_folder(), ignore_cleanup_errors=True) as folder,
        Sandbox(told) as sandbox,
        (tmp_path / "dagster.log").open("wb") as log,
    ):
        home = Path(folder)
        (home / "dagster").mkdir()
        shutil.copyfile(ROOT / "assets" / "dagster.yaml", home / "dagster" / "dagster.yaml")
        (home / "segments").mkdir()
        for name in ("segment_regulars.sql", "segment_first_time.sql"):
            shutil.copyfile(ROOT / "sql" / "segments" / name, home / "segments" / name)
        homes = {"TURNOUT_HOME": home, "DAGSTER_HOME": home / "dagster", "TURNOUT_SEGMENTS": home / "segments"}
        env = {**os.environ, **sandbox.environment, **{name: str(folder) for name, folder in homes.items()}}
        words = [
            str(Path(sys.executable).with_name("dg")),
            "dev",
            "-w",
            "workspace.yaml",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
        ]
        process = subprocess.Popen(words, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    if requests.get(f"{url}/server_info", timeout=2).ok:
                        break
                except requests.RequestException:
                    assert time.monotonic() < deadline, (tmp_path / "dagster.log").read_text()[-3000:]
                    time.sleep(1)
            yield url, sandbox
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def text_of(browser: webdriver.Chrome) -> str:
    """Return all that the page shows."""
    return browser.find_element(By.TAG_NAME, "body").text


def test_the_asset_graph_loads_and_a_run_started_from_the_page_ends_green(
    browser: webdriver.Chrome, dagster: tuple[str, Sandbox], tmp_path: Path
) -> None:
    url, sandbox = dagster
    browser.get(f"{url}/asset-groups")
    wait = WebDriverWait(browser, 90)
    wait.until(lambda page: "intermediate" in text_of(page) and "publish" in text_of(page))
    browser.get(f"{url}/locations/turnout/jobs/sync")
    button = wait.until(
        lambda page: next(
            (one for one in page.find_elements(By.TAG_NAME, "button") if one.text.strip().startswith("Materialize")),
            None,
        )
    )
    assert button is not None
    wait.until(lambda _: button.is_enabled())
    button.click()
    query = {"query": "{ runsOrError { ... on Runs { results { runId status } } } }"}
    deadline = time.monotonic() + 150
    status, run = "", ""
    while status not in ("SUCCESS", "FAILURE", "CANCELED"):
        assert time.monotonic() < deadline, f"the run did not end: {status!r}"
        results = requests.post(f"{url}/graphql", json=query, timeout=10).json()["data"]["runsOrError"]["results"]
        status, run = (results[0]["status"], results[0]["runId"]) if results else ("", "")
        time.sleep(1)
    assert status == "SUCCESS"
    contacts = sandbox.world()["hubspot"][0]["contacts"]
    assert len(contacts) == 5, "what the run published is in the CRM"
    browser.get(f"{url}/runs/{run}")
    wait.until(lambda page: "Success" in text_of(page))
    browser.get(f"{url}/asset-groups")
    wait.until(lambda page: "intermediate" in text_of(page))
    for group in ("publish", "marts"):
        places = browser.find_elements(By.XPATH, f"//*[local-name()='foreignObject']//*[text()='{group}']")
        if places:
            places[0].click()
            time.sleep(1)
    time.sleep(2)
    shot = Path(os.environ.get("TURNOUT_PICTURES") or tmp_path) / "dagster.png"
    browser.save_screenshot(str(shot))
    assert shot.stat().st_size > 20_000
    (again,) = start_jobs(int(url.rpartition(":")[2]), threading.Event(), ["sync"])
    results = requests.post(f"{url}/graphql", json=query, timeout=10).json()["data"]["runsOrError"]["results"]
    assert again in {one["runId"] for one in results}, "what `make ui` starts"
    browser.get(f"{url}/assets/published_hubspot")
    wait.until(lambda page: "published_hubspot" in text_of(page))
