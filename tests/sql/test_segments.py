"""The segments that ship, the filters that can be written, and what the commands say of them (EV-10, HZ-27)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from pipelines import models, segments
from pipelines.errors import ModelError
from pipelines.log import OURS
from pipelines.models import Model
from pipelines.run import Workspace
from tests.cli.shell import told, turnout
from tests.company import Company
from tests.worlds import contact, email_event, form, joined, registrant, session, webinar, world

NOW = "2026-11-20T12:00:00Z"
LATER = "2026-11-20T13:00:00Z"
SPRING, SUMMER, FIRST, SECOND, NEXT = 1111, 2222, 3333, 4444, 5555
ADA, BOB, CY, DAN, EVE, FAY, GUS, HAL, IVY = range(1, 10)
SHIPPED = models.load(models.SQL_ROOT, models.SQL_ROOT / "segments")
ALONE = [name for name, model in SHIPPED.items() if model.is_segment]


def address(number: int) -> str:
    """Return the address of a contact."""
    return f"p{number}@x.example"


def ran(number: int, day: str, came: dict[int, str], registered: tuple[int, ...] = (), **more: Any) -> dict[str, Any]:
    """A webinar of an hour, with contact to when they left."""
    rows = [joined(address(one), "10:00", end, day=day) for one, end in came.items()]
    people = [registrant(address(one), create_time="2026-01-05T00:00:00Z") for one in (*came, *registered)]
    once = session(f"u{number}==", "10:00", "11:00", rows, day=day, **more)
    return webinar(number, day=day, registrants=people, instances=[once])


def audience() -> dict[str, Any]:
    """A world in which each of nine contacts is what one of the segments asks for."""
    recorded = {
        "uuid": f"u{FIRST}==",
        "topic": "First",
        "share_url": "https://zoom.example/rec/1",
        "recording_files": [{"id": "f1", "file_type": "MP4", "status": "completed"}],
    }
    coming = [registrant(address(one), create_time="2026-11-02T00:00:00Z") for one in (GUS, HAL)]
    return world(
        ran(SPRING, "2026-03-03", {IVY: "11:00"}),
        ran(SUMMER, "2026-05-05", {FAY: "10:50", IVY: "11:00"}),
        ran(FIRST, "2026-11-10", {ADA: "10:50", BOB: "10:50", DAN: "10:20", IVY: "11:00"}, (CY,), recordings=recorded),
        ran(SECOND, "2026-11-15", {ADA: "11:00", BOB: "11:00", EVE: "10:45", IVY: "11:00"}, (CY,)),
        webinar(NEXT, day="2026-11-24", registrants=coming),
        contacts=[contact(number, address(number)) for number in range(1, 10)],
        email_events=[
            email_event("OPEN", address(BOB), 7, "2026-11-16T10:00:00Z"),
            email_event("CLICK", address(BOB), 7, "2026-11-16T10:01:00Z"),
            email_event("OPEN", address(ADA), 7, "2026-11-01T10:00:00Z"),
        ],
        forms=[form("ask", [(address(EVE), "2026-11-16T09:00:00+00:00")])],
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The audience, read and built once, with the segments that ship; Hal cancelled in between."""
    one = Company(audience(), tmp_path_factory.mktemp("segments") / "home", '[sync]\nrecordings = "all"')
    one.segments = models.SQL_ROOT / "segments"
    one.workspace.ingest()

    def cancel(told: dict[str, Any]) -> None:
        registered = told["zoom"][0]["webinars"][-1]["registrants"]
        registered[:] = [person for person in registered if person["email"] != address(HAL)]

    one.change(cancel, LATER)
    one.workspace.ingest()
    one.workspace.build()
    yield one
    one.sandbox.stop()


@pytest.fixture(scope="module")
def workspace(place: Company) -> Workspace:
    return place.workspace


@pytest.mark.rule("EV-10")
@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("keen_but_silent", {ADA, IVY}),
        ("registered_never_came", {CY}),
        ("left_before_half", {DAN}),
        ("missed_with_recording", {CY}),
        ("stays_to_the_end", {IVY}),
        ("first_time", {EVE}),
        ("regulars", {IVY}),
        ("drifting_away", {FAY}),
        ("coming_this_week", {GUS}),
        ("cancelled_and_gone", {HAL}),
        ("came_and_clicked", {BOB}),
        ("asked_after_it", {EVE}),
    ],
)
def test_a_segment_that_ships_finds_whom_it_asks_for(workspace: Workspace, name: str, members: set[int]) -> None:
    found = segments.look(workspace.warehouse, workspace.models, SHIPPED[f"segment_{name}"])
    assert {number for number, _, _ in found.sample} == members
    assert (found.entering_count, found.leaving_count) == (0, 0), "the table holds whom the query gives"


def test_every_segment_that_ships_is_tried_above_and_says_who_answers_for_it() -> None:
    assert len(ALONE) == 12
    for name in ALONE:
        model = SHIPPED[name]
        assert model.fault == ""
        assert model.header["owner"]
        assert model.header["description"]
        assert model.delivered_to == (), "an example goes nowhere until somebody says so"
        assert len(model.sql.splitlines()) <= 35, f"{name} is no longer a few lines"


HZ_27 = {
    "average attendance": ("select contact_id from contact_metrics where avg_attendance_pct >= 95", {IVY}),
    "total registered": ("select contact_id from contact_metrics where webinars_registered = 4", {IVY}),
    "total attended": ("select contact_id from contact_metrics where webinars_attended = 2", {ADA, BOB}),
    "last registered": (
        f"select contact_id from contact_timeline where entry_type = 'webinar_registered' and webinar_id = {NEXT}",
        {GUS, HAL},
    ),
    "event registered": (
        f"select contact_id from contact_webinars where external_event_id = '{NEXT}' and state = 'registered'",
        {GUS},
    ),
    "event cancelled": (
        f"select contact_id from contact_webinars where external_event_id = '{NEXT}' and state = 'cancelled'",
        {HAL},
    ),
    "event attended": (
        f"select contact_id from contact_webinars where external_event_id = '{SUMMER}' and state = 'attended'",
        {FAY, IVY},
    ),
    "event not attended": (
        f"select contact_id from contact_webinars where external_event_id = '{FIRST}' and state = 'no_show'",
        {CY},
    ),
    "event attended seconds": (
        f"select contact_id from contact_webinars where webinar_id = {FIRST} and attended_seconds < 1800",
        {DAN},
    ),
    "recording available": (
        "select contact_id from contact_webinars join recordings using (webinar_id, occurrence_id) "
        "where state = 'attended' and share_url <> '' and recordings.start_at >= timestamptz '2026-11-01 00:00:00Z'",
        {ADA, BOB, DAN, IVY},
    ),
    "attendance seconds and percentage": (
        "select contact_id from contact_webinars where attended_seconds >= 3600 and attendance_pct = 100 "
        f"and webinar_id = {SECOND}",
        {ADA, BOB, IVY},
    ),
    "attendance webinar name": (
        f"select contact_id from contact_webinars where state = 'attended' and topic = 'Topic {SPRING}'",
        {IVY},
    ),
    "registration webinar id and name": (
        "select contact_id from contact_timeline where entry_type = 'webinar_registered' "
        f"and topic = 'Topic {SECOND}' and webinar_id = {SECOND}",
        {ADA, BOB, CY, EVE, IVY},
    ),
    "rolling windows": ("select contact_id from contact_metrics where emails_opened_30d = 1", {ADA, BOB}),
}


@pytest.mark.rule("HZ-27")
@pytest.mark.parametrize("name", HZ_27)
def test_each_filter_of_zooms_own_integration_is_a_line_of_sql(workspace: Workspace, name: str) -> None:
    sql, members = HZ_27[name]
    model = _segment(sql)
    assert model.fault == ""
    assert {number for number, _, _ in segments.look(workspace.warehouse, workspace.models, model).sample} == members


def test_a_preview_tells_who_would_come_and_go_and_is_in_others_too(place: Company, tmp_path: Path) -> None:
    (tmp_path / "regulars.sql").write_text(
        "select contact_id from contact_metrics where webinars_attended between 1 and 2", encoding="utf-8"
    )
    found = told(turnout("segment", "preview", str(tmp_path / "regulars.sql"), "--json", env=place.environment))
    assert found["member_count"] == 5
    assert [row[0] for row in found["entering"]] == [ADA, BOB, DAN, EVE, FAY]
    assert found["leaving"] == [[IVY, address(IVY), "Old Name"]]
    assert found["overlaps"]["segment_keen_but_silent"] == 1
    assert found["overlaps"]["segment_asked_after_it"] == 1
    assert "segment_regulars" not in found["overlaps"]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select contact_id from nowhere", "nowhere"),
        ("select email from contact_metrics", "email"),
        ("select topic as contact_id from webinars", "Could not convert"),
        ("select from from", "does not parse"),
    ],
)
def test_a_preview_of_what_is_wrong_says_why(workspace: Workspace, sql: str, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        segments.look(workspace.warehouse, workspace.models, _segment(sql))


def test_a_new_segment_is_a_file_that_can_be_looked_at_and_is_never_written_over(
    place: Company, tmp_path: Path
) -> None:
    env = {**place.environment, "TURNOUT_SEGMENTS": str(tmp_path)}
    words = (
        "segment",
        "new",
        "with_forms",
        "--sql",
        "select contact_id from contact_metrics where forms_submitted_1y > 0",
    )
    assert turnout(*words, "--title", "Asks", "--deliver", "hubspot", env=env).returncode == 0
    model = models.load(models.SQL_ROOT, tmp_path)["segment_with_forms"]
    assert (model.title, model.delivered_to, model.fault) == ("Asks", ("hubspot",), "")
    found = told(turnout("segment", "preview", "with_forms", "--json", env=env))
    assert [row[0] for row in found["sample"]] == [EVE]
    again = turnout(*words, env=env)
    assert again.returncode == 2
    assert "is there already" in again.stderr


@pytest.mark.rule("EV-10", "EV-03")
def test_changes_are_told_once_whatever_breaks_off_and_looking_back_tells_none(place: Company, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(place.home, home)
    opened = Workspace({**place.environment, "TURNOUT_HOME": str(home)})
    first = _changes(opened)
    assert {("segment_regulars", IVY, "entered"), ("segment_first_time", EVE, "entered")} <= set(first)
    shutil.rmtree(home / "log" / OURS / segments.CHANGES.name)  # as if a kill had come before they were told
    opened = Workspace({**place.environment, "TURNOUT_HOME": str(home)})
    opened.build()
    assert _changes(opened) == first
    opened.build()
    assert _changes(opened) == first
    opened.build(datetime(2026, 11, 12, tzinfo=UTC))
    with opened.warehouse.connect({"segment_members"}) as db:
        then = db.execute("select contact_id from segment_members where segment = 'segment_regulars'").fetchall()
        fresh = db.execute("select contact_id from segment_members where segment = 'segment_first_time'").fetchall()
    assert (then, sorted(fresh)) == ([], [(ADA,), (BOB,), (DAN,)]), "each segment is as it was then"
    assert _changes(opened) == first


def test_what_is_wrong_with_a_file_is_a_fault_of_its_segment_alone(tmp_path: Path) -> None:
    header = "-- Who?\n-- grain: one row per contact_id\n"
    files = {
        "segment_good.sql": f"{header}-- deliver: hubspot\nselect contact_id from contact_metrics",
        "segment_twin.sql": f"{header}-- name: Good\nselect contact_id from contact_metrics",
        "segment_lost.sql": f"{header}select contact_id from nowhere",
        "segment_deep.sql": f"{header}select contact_id from int_contacts",
        "segment_raw.sql": f"{header}select 1 as contact_id from raw_zoom__users",
        "segment_far.sql": f"{header}-- deliver: moon\nselect contact_id from contact_metrics",
        "segment_a.sql": f"{header}select contact_id from segment_b",
        "segment_b.sql": f"{header}select contact_id from segment_a",
        "segment_it's.sql": f"{header}select contact_id from contact_metrics",
        "segment_bare.sql": "select contact_id from contact_metrics",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = models.load(models.SQL_ROOT, tmp_path)
    faults = {name: model.fault for name, model in found.items() if model.is_segment}
    assert faults.pop("segment_good") == ""
    expected = {
        "segment_twin": "has the name 'Good', too",
        "segment_lost": "no such model",
        "segment_deep": "reads marts and other segments",
        "segment_raw": "reads the log",
        "segment_far": "deliver: moon",
        "segment_a": "circle",
        "segment_b": "circle",
        "segment_it_s": "a-z, 0-9 and _",
        "segment_bare": "needs a header",
    }
    assert {name: words for name, words in expected.items() if words in faults[name]} == expected
    assert {"sync_hubspot_lists", "sync_hubspot_list_members", "segments", "segment_members"} <= set(found)


def test_without_a_segment_nothing_is_built_for_segments(tmp_path: Path) -> None:
    assert not [name for name, model in models.load(models.SQL_ROOT, tmp_path).items() if "needs" in model.header]
    assert not [name for name in models.load(models.SQL_ROOT, tmp_path) if "segment" in name]


def _changes(opened: Workspace) -> list[tuple[str, int, str]]:
    found = opened.log.query(OURS, segments.CHANGES.name, "select payload from events order by key", {})
    told = [orjson.loads(payload) for (payload,) in found]
    return sorted((one["segment"], one["contact_id"], one["change"]) for one in told)


def _segment(sql: str) -> Model:
    with duckdb.connect() as db:
        text = f"-- Who?\n-- grain: one row per contact_id\n{sql}"
        return models.segment(db, Path("segment_asked.sql"), "segment_asked", text)
