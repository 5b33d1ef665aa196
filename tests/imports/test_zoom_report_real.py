"""Zoom's portal CSVs: files that nobody of this project wrote, where they are there."""

from __future__ import annotations

import csv
import os
from datetime import datetime
from pathlib import Path

import pytest

from pipelines.imports.zoom_report import import_reports
from pipelines.log import Log
from pipelines.run import Workspace
from tests.company import Company
from tests.worlds import contact, world

BESIDE = Path(__file__).resolve().parents[3] / "shared"
FOLDER = Path(os.environ.get("TURNOUT_SHARED") or BESIDE) / "realdata" / "zoom"
REAL = FOLDER / "attendee_report_2020.csv"

pytestmark = pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not there; TURNOUT_SHARED names its folder")


def seconds_by_person() -> dict[str, int]:
    """Return each attendee's seconds as the union of their rows, read without any of our code; no panelists."""
    with REAL.open(newline="") as file:
        rows = list(csv.reader(file))
    panelists = {row[2].lower() for row in rows if len(row) == 7 and row[0] == "Yes"}
    spans: dict[str, set[int]] = {}
    for row in rows:
        if len(row) == 10 and row[0] == "Yes" and row[3].lower() not in panelists:
            first, last = (
                int((datetime.strptime(row[at], "%b %d, %Y %H:%M:%S") - datetime(2020, 3, 28)).total_seconds())  # noqa: DTZ001, DTZ007
                for at in (6, 7)
            )
            spans.setdefault(row[3].lower(), set()).update(range(first, last))
    start, end = 8 * 3600 + 7 * 60 + 27, 17 * 3600 + 14 * 60 + 45
    return {email: sum(start <= one < end for one in inside) for email, inside in spans.items()}


def test_the_real_report_is_read_whole(tmp_path: Path) -> None:
    [receipt] = import_reports([REAL], "America/New_York", Log(tmp_path), run="r1")
    assert receipt.set_aside == []
    assert (receipt.attendee_rows, receipt.people, receipt.registrants) == (940, 455, 469)
    assert (receipt.panelist_rows, receipt.host_rows, receipt.other_rows) == (73, 1, 4)
    assert receipt.webinar_id == "328972509"
    assert receipt.appended == 924 + 73 + 1 + 4 + 469 + 32 - 1 + 1
    [again] = import_reports([REAL], "America/New_York", Log(tmp_path), run="r2")
    assert again.appended == 0


def test_the_real_report_gives_each_person_the_seconds_they_were_there(tmp_path: Path) -> None:
    workspace = Workspace({"TURNOUT_HOME": str(tmp_path)})
    import_reports([REAL], "America/New_York", workspace.log, run="r1")
    workspace.build()
    with workspace.warehouse.connect() as db:
        counts = db.execute(
            "select status, actual_seconds, registered_count, attended_count, anonymous_connection_count from webinars"
        ).fetchall()
        found = db.execute(
            "select email, attended_us // 1000000 from int_attendances"
            " inner join (select distinct person_key, email from int_connections) using (person_key)"
        ).fetchall()
        most = db.execute("select max(attended_us) <= max(actual_us) from int_attendances").fetchall()
    assert counts == [("ended", 9 * 3600 + 7 * 60 + 18, 469, 455 - 10, 4)]
    assert most == [(True,)]
    assert dict(found) == seconds_by_person()
    assert [check for check in workspace.check() if not check.passed] == []


@pytest.mark.parametrize(
    ("name", "attendee_rows", "people", "registrants"),
    [
        ("day1.csv", 3, 2, 0),
        ("sample_with_host_and_panelists.csv", 3, 2, 0),
        ("layout_2025_bom_trailing_commas_custom_question.csv", 4, 2, 3),
        ("layout_2026_us_dates_registrants.csv", 3, 2, 2),
        ("layout_2026_flat_participants.csv", 2, 2, 0),
    ],
)
def test_every_layout_seen_in_the_wild_is_read_whole(
    tmp_path: Path, name: str, attendee_rows: int, people: int, registrants: int
) -> None:
    path = FOLDER / "layouts" / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    [receipt] = import_reports([path], "Asia/Kolkata", Log(tmp_path), run="r1")
    assert receipt.set_aside == []
    assert (receipt.attendee_rows, receipt.people, receipt.registrants) == (attendee_rows, people, registrants)


@pytest.mark.rule("HZ-01", "HZ-20")
def test_the_real_report_reaches_the_crm(tmp_path: Path) -> None:
    one = Company(world(contacts=[contact(1, "attendee1@email.com")]), tmp_path / "home")
    try:
        import_reports([REAL], "America/New_York", one.workspace.log, run="r1")
        receipt = one.run()
        assert not receipt.is_partial
        expected = {email: seconds for email, seconds in seconds_by_person().items() if seconds}
        [event] = one.sandbox.world()["hubspot"][0]["marketing_events"]
        assert (event["externalEventId"], event["eventName"]) == ("328972509", "satRdays DC 2020")
        came = {person["email"] for person in event["participants"] if person["attendanceState"] == "ATTENDED"}
        assert came == set(expected)
        assert len(came) == 445
        attended = [
            person["properties"]
            for person in one.sandbox.world()["hubspot"][0]["contacts"]
            if person["properties"].get("turnout_webinars_attended") == "1"
        ]
        assert {person["email"] for person in attended} == set(expected)
        shares = {person["email"]: float(person["turnout_avg_attendance_pct"]) for person in attended}
        whole = 17 * 3600 + 14 * 60 + 45 - (8 * 3600 + 7 * 60 + 27)
        assert all(abs(shares[email] - seconds * 100 / whole) <= 0.0051 for email, seconds in expected.items())
    finally:
        one.sandbox.stop()
