"""The page of the audit in headless Chromium, opened from the disk: searched, filtered, opened, read on a phone."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from pipelines.audit import Audited, Gap
from pipelines.audit.page import page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.xdist_group("browser")]
PHONE = 360
HOSTILE = "<script>document.title = 'taken'</script> & more"


def gap(reason: str, effect: str, emails: list[str]) -> Gap:
    """A reason that concerns registrations."""
    what, mend = f"What {reason} is.", "Run `turnout sync 1`, then look."
    return Gap(reason, effect, what, mend, {"registration": max(len(emails), 1)}, len(emails), emails, ["<b>no</b>"])


def date(number: int, topic: str, status: str, *gaps: Gap) -> Audited:
    """A date of a webinar."""
    start = datetime(2026, 11, number, 10, tzinfo=UTC)
    where = ("zoom-account", topic, "hana@host.example", start, "ended", status)
    return Audited(84_759_841_000 + number, "", str(84_759_841_000 + number), *where, 12, 9, 8, 1, 2, gaps=gaps)


def shown(browser: webdriver.Chrome) -> list[str]:
    """Return the titles of the webinars that are seen."""
    return [one.text for one in browser.find_elements(By.CSS_SELECTOR, "details.date summary b") if one.is_displayed()]


@pytest.mark.rule("HZ-30")
def test_the_page_is_searched_filtered_opened_and_read_on_a_phone(browser: webdriver.Chrome, tmp_path: Path) -> None:
    dates = [
        date(1, "Tour of the new house", "synced"),
        date(2, HOSTILE, "partly synced", gap("email_invalid", "part", [f"{'long' * 30}@x.example", "no-at-sign"])),
        date(3, "Left out", "not synced", gap("sync_off_webinar", "all", ["ada@x.example"])),
        date(4, "Soon", "waiting", gap("recording_processing", "later", [])),
    ]
    file = tmp_path / "index.html"
    file.write_text(page(dates, datetime(2026, 11, 20, 12, tzinfo=UTC)), encoding="utf-8")
    browser.get(file.as_uri())
    titles = [one.topic for one in dates]
    assert browser.title == "turnout: audit of webinars", "what people type is no markup"
    assert shown(browser) == titles
    assert not browser.find_element(By.ID, "none").is_displayed()
    search = browser.find_element(By.ID, "search")
    for words, expected in {
        "NO-AT-SIGN": [HOSTILE],
        "sync_off": ["Left out"],
        "84759841004": ["Soon"],
        "house new": [titles[0]],
        "nothing like it": [],
    }.items():
        search.clear()
        search.send_keys(words)
        assert shown(browser) == expected, words
    assert browser.find_element(By.ID, "none").is_displayed()
    search.clear()
    search.send_keys(" ")
    buttons = {one.get_dom_attribute("data-status"): one for one in browser.find_elements(By.TAG_NAME, "button")}
    assert [one.text for one in buttons.values()] == ["not synced 1", "partly synced 1", "waiting 1", "synced 1"]
    buttons["partly synced"].click()
    assert shown(browser) == [HOSTILE]
    assert buttons["partly synced"].get_dom_attribute("aria-pressed") == "true"
    reason = browser.find_element(By.CSS_SELECTOR, 'section[data-reason="email_invalid"]')
    assert not reason.is_displayed()
    browser.find_element(By.ID, "w84759841002").find_element(By.TAG_NAME, "summary").click()
    assert reason.is_displayed()
    assert "no-at-sign" in reason.text
    assert "To mend: Run turnout sync 1, then look." in reason.text
    assert "<b>no</b>" in reason.text
    buttons["partly synced"].click()
    assert shown(browser) == titles
    browser.get(f"{file.as_uri()}#w84759841003")
    browser.refresh()
    assert browser.find_element(By.CSS_SELECTOR, 'section[data-reason="sync_off_webinar"]').is_displayed()
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": PHONE, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    )
    browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; });")
    assert browser.execute_script("return document.documentElement.scrollWidth;") <= PHONE, "nothing to push sideways"
    assert browser.execute_script("return getComputedStyle(document.body).fontSize;") == "16px"
    picture = Path(os.environ.get("TURNOUT_PICTURES") or tmp_path) / "audit.png"
    browser.save_screenshot(str(picture))
    assert picture.stat().st_size > 10_000
