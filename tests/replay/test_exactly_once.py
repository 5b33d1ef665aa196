"""EV-06: whatever breaks off, the next run leaves what an undisturbed run leaves; nothing twice, nothing missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.log import Log
from pipelines.publish import created
from pipelines.verify import verify
from tests.company import Company
from tests.worlds import NOW, contact, email_event, joined, later, registrant, series, session, webinar, world

Copy = Callable[[Company], Company]
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


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company that was read and computed, and never written to. Tests change copies."""
    one = Company(small(), tmp_path_factory.mktemp("read") / "home")
    one.workspace.ingest()
    one.workspace.build()
    yield one
    one.sandbox.stop()


@pytest.fixture(scope="module")
def calm(read: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The same company after an undisturbed run. Tests look at it, and change copies."""
    one = read.copy(tmp_path_factory.mktemp("calm") / "home")
    one.run()
    yield one
    one.sandbox.stop()


@pytest.mark.rule("EV-06")
def test_what_was_done_before_the_vendor_stopped_us_is_not_taken_for_undone(
    read: Company, calm: Company, copied: Copy
) -> None:
    one = copied(read)
    creation = {"vendor": "hubspot", "method": "POST", "path": "objects/.*contacts/batch/create"}
    halved = {**creation, "kind": "status", "status": 400, "body": {"message": "one of them is bad"}, "times": 1}
    spent = {**creation, "kind": "rate_limit", "policy": "daily", "after": 1}
    one.sandbox.set_faults({"rules": [halved, spent]})
    assert one.run().is_partial
    assert len(one.emails()) == 2, "the first half was created, then the day's calls were spent"
    one.sandbox.set_faults({})
    assert not one.run().is_partial
    assert held(one) == held(calm)
    made = [
        entry for entry in one.sandbox.requests() if "/objects/" in entry["path"] and "batch/create" in entry["path"]
    ]
    assert sum(entry["records"] for entry in made if entry["status"] < 400) == 3
    assert len(created(Log(one.home), "hubspot", "contact")) == 3, "we know that all three are ours"


@pytest.mark.rule("EV-06")
def test_when_the_vendor_stops_us_the_rest_waits_and_the_next_run_goes_on(
    read: Company, calm: Company, copied: Copy
) -> None:
    one = copied(read)
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
    assert held(one) == held(calm)


@pytest.mark.rule("EV-01")
def test_reading_everything_again_appends_nothing(calm: Company, copied: Copy) -> None:
    one = copied(calm)
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
def test_verify_finds_a_file_that_was_damaged_and_an_event_that_was_changed(read: Company, copied: Copy) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    one = copied(read)
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
    assert CliRunner().invoke(app, ["verify", "--json"], env=one.environment).exit_code == 1


def test_a_clock_set_back_loses_nothing(calm: Company, copied: Copy) -> None:
    one = copied(calm)

    def arrive(told: dict[str, Any]) -> None:
        told["zoom"][0]["webinars"][0]["registrants"].append(registrant("late@x.example"))

    one.change(arrive, later(NOW, days=-1))  # a vendor's clock that runs behind what it said before
    one.run()
    assert "late@x.example" in one.emails()
