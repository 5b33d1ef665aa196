"""The quality report in headless Chromium, opened from the disk: nothing is loaded, read on a phone, filtered."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from pipelines.checks import Check
from pipelines.expectations.page import page
from pipelines.expectations.report import Report, Validation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.xdist_group("browser")]
PHONE = 360
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.rule("EV-12")
def test_the_report_opens_without_a_network_and_is_read_on_a_phone(browser: webdriver.Chrome, tmp_path: Path) -> None:
    checks = [
        Check(
            "expect_" + "long_" * 20 + "name", "A claim <b>that</b> holds.", 0, "stg_zoom__registrants", "came in", 60
        ),
        Check("expect_a_new_word", "Known words.", 11, "stg_zoom__users", "came in", 60, 0, ("odd in 11 rows",), False),
        Check("assert_it", "It is so.", 3, "contact_metrics", holds=frozenset({"hubspot"})),
    ]
    history = [
        Validation(AT + timedelta(days=day), 90 - day, ("assert_it",) * (day % 3), ("expect_a_new_word",))
        for day in range(20)
    ]
    report = Report(AT, checks, [], {("zoom", "participants", "join_time is missing"): 2}, history)
    file = tmp_path / "index.html"
    file.write_text(page(report), encoding="utf-8")
    browser.get(file.as_uri())
    assert browser.title == "turnout: data quality"
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map((one) => one.name);")
    assert loaded == [], "the page is all there is"
    states = [one.text.split()[-1] for one in browser.find_elements(By.CLASS_NAME, "state")]
    assert states == ["warns", "ok", "failed"], "the worst first, door by door"
    assert "1 of 3 checks hold. Held back: hubspot." in browser.find_element(By.TAG_NAME, "header").text
    assert "A claim <b>that</b> holds." in browser.find_element(By.TAG_NAME, "main").text
    bars = browser.find_elements(By.CSS_SELECTOR, "#history svg g")
    assert len(bars) == len(history)
    assert all(bar.size["height"] > 0 and bar.size["width"] > 0 for bar in bars)
    assert "join_time is missing 2" in browser.find_element(By.ID, "quarantine").text
    browser.find_element(By.ID, "amiss").click()
    shown = [one.get_dom_attribute("id") for one in browser.find_elements(By.CLASS_NAME, "check") if one.is_displayed()]
    assert shown == ["expect_a_new_word", "assert_it"]
    browser.find_element(By.ID, "amiss").click()
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": PHONE, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    )
    assert browser.execute_script("return document.documentElement.scrollWidth;") <= PHONE, "nothing to push sideways"
    picture = Path(os.environ.get("TURNOUT_PICTURES") or tmp_path) / "quality.png"
    browser.save_screenshot(str(picture))
    assert picture.stat().st_size > 10_000
