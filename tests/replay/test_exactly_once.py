"""EV-06: whatever breaks off, the next run leaves what an undisturbed run leaves; nothing twice, nothing missing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import LockedError
from pipelines.log import Log
from pipelines.verify import verify
from tests.company import ROOT, Company
from tests.worlds import NOW, contact, email_event, joined, later, registrant, series, session, webinar, world

Make = Callable[..., Company]
ONE = 84759841045
PEOPLE = ["ada@x.example", "bob@x.example", "cy@x.example", "di@x.example"]


def small() -> dict[str, Any]:
    """A world in which every kind of write happens."""
    return world(
        webinar(
            ONE,
            registrants=[registrant(email) for email in PEOPLE],
            instances=[session("u1==", "10:00", "11:00", [joined(email, "10:00", "10:30") for email in PEOPLE[:3]])],
        ),
        series(5555, ["2026-12-01", "2026-12-08"], registrants=[registrant(PEOPLE[0])]),
        contacts=[contact(1, PEOPLE[0])],
        email_events=[email_event("OPEN", PEOPLE[0], 1, "2026-11-01T00:00:00+00:00")],
    )


def held(one: Company) -> dict[str, Any]:
    """Return what the CRM holds, without ids and stamps, which depend on when it was written."""
    portal = one.sandbox.world()["hubspot"][0]
    contacts = [
        {
            name: value
            for name, value in person["properties"].items()
            if not name.startswith(("hs_", "createdate", "lastmod"))
        }
        for person in portal["contacts"]
    ]
    events = {
        event["externalEventId"]: (
            event["eventName"],
            event["eventCompleted"],
            sorted(
                (person["email"], [(said["state"], said["interactionDateTime"]) for said in person["interactions"]])
                for person in event["participants"]
            ),
        )
        for event in portal["marketing_events"]
    }
    return {"contacts": sorted(contacts, key=lambda person: person["email"]), "events": events}


def kill(one: Company, where: str, number: int, when: str) -> subprocess.CompletedProcess[str]:
    """Run `turnout run` and kill it there."""
    return subprocess.run(
        [sys.executable, "-m", "tests.replay.killer", where, str(number), when, "run"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **one.environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, int]]:
    """What an undisturbed run leaves, and how many calls, commits and renames it takes."""
    one = Company(small(), tmp_path_factory.mktemp("calm") / "home")
    try:
        told = kill(one, "http", 0, "before")
        assert told.returncode == 0, told.stderr
        counts = {kind: int(number) for kind, number in re.findall(r"'(\w+)': (\d+)", told.stderr.splitlines()[-1])}
        return held(one), counts
    finally:
        one.sandbox.stop()


POINTS = [
    ("http", 0.1, "before"),
    ("http", 0.5, "after"),
    *(("http", share, when) for share in (0.74, 0.82, 0.9, 0.97, 1.0) for when in ("before", "after")),
    *(("commit", share, when) for share in (0.05, 0.5, 0.8, 0.9, 1.0) for when in ("before", "after")),
    *(("rename", share, "before") for share in (0.3, 0.7, 1.0)),
]
"""Where to kill, as a share of all calls (commits, renames) of a run: reading, building, and most while writing."""


@pytest.mark.rule("EV-06", "EV-01")
@pytest.mark.parametrize(("where", "share", "when"), POINTS)
def test_a_run_killed_anywhere_and_run_again_leaves_what_an_undisturbed_run_leaves(
    company: Make, undisturbed: tuple[dict[str, Any], dict[str, int]], where: str, share: float, when: str
) -> None:
    expected, counts = undisturbed
    one = company(small())
    killed = kill(one, where, max(1, round(share * counts[where])), when)
    assert killed.returncode == -signal.SIGKILL
    receipt = one.run()
    assert not receipt.is_partial
    assert held(one) == expected
    assert verify(Log(one.home)) == []
    created = [
        entry
        for entry in one.sandbox.requests()
        if "/objects/" in entry["path"] and "batch/create" in entry["path"] and entry["status"] < 400
    ]
    assert sum(entry["records"] for entry in created) == 3, "each contact was created once"
    again = one.run()
    assert again.plan is not None
    assert again.plan.total == 0


@pytest.mark.rule("EV-06")
@pytest.mark.parametrize("kind", ["drop_after", "accept_500", "drop_before"])
@pytest.mark.parametrize(
    "path", ["contacts/batch/create", "contacts/batch/update", "events/upsert", "attend/create", "complete"]
)
def test_an_answer_that_is_lost_is_asked_for_and_nothing_is_written_twice(
    company: Make, undisturbed: tuple[dict[str, Any], dict[str, int]], kind: str, path: str
) -> None:
    one = company(small())
    one.sandbox.set_faults({"rules": [{"vendor": "hubspot", "method": "POST", "path": path, "kind": kind, "times": 1}]})
    one.run()
    one.sandbox.set_faults({})
    one.run()
    assert held(one) == undisturbed[0]


@pytest.mark.rule("EV-06")
def test_when_the_vendor_stops_us_the_rest_waits_and_the_next_run_goes_on(company: Make, undisturbed: Any) -> None:
    one = company(small())
    stop = {
        "vendor": "hubspot",
        "path": "attendance",
        "kind": "status",
        "status": 401,
        "body": {"message": "expired"},
        "times": None,
    }
    one.sandbox.set_faults({"rules": [stop]})
    receipt = one.run()
    assert receipt.is_partial
    assert receipt.applied is not None
    assert "The token is refused" in receipt.applied.stopped["hubspot"]
    assert one.rows("select count(*) from verdicts where verdict = 'waiting'")[0][0] > 0
    one.sandbox.set_faults({})
    assert not one.run().is_partial
    assert held(one) == undisturbed[0]


def test_a_second_run_at_the_same_time_says_who_holds_the_folder_and_a_dead_one_holds_nothing(company: Make) -> None:
    one = company(small())
    with Log(one.home).locked():
        answer = one.command("run")
        assert answer.returncode == 1
        assert "is in use by another turnout run" in answer.stderr
        with pytest.raises(LockedError):
            one.workspace.ingest()
    assert one.command("run").returncode == 0


@pytest.mark.rule("EV-01")
def test_reading_everything_again_appends_nothing(company: Make) -> None:
    one = company(small())
    one.run()
    for path in sorted((one.home / "log").glob("*/*/_delta_log")):
        assert path.is_dir()
    workspace = one.workspace
    workspace.log.cursor = lambda *_: None  # type: ignore[method-assign,assignment]
    receipts = workspace.ingest()
    fresh = {f"{r.source}/{name}": s.appended for r in receipts for name, s in r.streams.items() if s.appended}
    assert set(fresh) <= {"hubspot/contacts", "hubspot/properties", "zoom/report_reads"}, "what our own publish changed"
    receipts = workspace.ingest()
    assert {
        name: s.appended for r in receipts for name, s in r.streams.items() if s.appended and name != "report_reads"
    } == {}


@pytest.mark.rule("EV-01")
def test_verify_finds_a_file_that_was_damaged_and_an_event_that_was_changed(company: Make) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    one = company(small())
    one.workspace.ingest()
    log = Log(one.home)
    assert verify(log) == []
    registrants = Path(log.files("zoom", "registrants")[0])
    table = pq.read_table(registrants)
    payloads = [text.replace("approved", "denied") for text in table["payload"].to_pylist()]
    at = table.schema.get_field_index("payload")
    pq.write_table(table.set_column(at, table.schema.field("payload"), pa.array(payloads, pa.string())), registrants)
    contacts = Path(log.files("hubspot", "contacts")[0])
    contacts.write_bytes(contacts.read_bytes()[:100])
    Path(log.files("hubspot", "forms")[0]).unlink() if log.files("hubspot", "forms") else None
    problems = {found.stream: found.problem for found in verify(Log(one.home))}
    assert "is not what it was when it was written" in problems["zoom/registrants"]
    assert "cannot be read" in problems["hubspot/contacts"]
    answer = one.command("verify", "--json")
    assert answer.returncode == 1


def test_a_clock_set_back_loses_nothing(company: Make) -> None:
    one = company(small())
    one.change(lambda _: None, later(NOW, days=2))
    one.run()

    def arrive(told: dict[str, Any]) -> None:
        told["zoom"][0]["webinars"][0]["registrants"].append(registrant("late@x.example"))

    one.change(arrive, later(NOW, days=1))  # a vendor's clock that runs behind what it said before
    one.run()
    assert "late@x.example" in one.emails()
