"""Plan and apply, end to end: shown before written, written once, refused when stale or out of proportion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow.parquet as pq
import pytest

from pipelines import transform
from pipelines.errors import FuseError, SettingsError, StalePlanError, UsageError
from pipelines.publish import load_plan
from tests.company import Company
from tests.worlds import NOW, contact, joined, later, registrant, session, webinar, world

Make = Callable[..., Company]
ONE = 84759841045
ADA, BOB = "ada@x.example", "bob@x.example"


def small(*more: str) -> dict[str, Any]:
    """A webinar with Ada, who is a contact, Bob, who is none, and more people."""
    people = [ADA, BOB, *more]
    return world(
        webinar(
            ONE,
            registrants=[registrant(email) for email in people],
            instances=[session("u1==", "10:00", "11:00", [joined(email, "10:00", "10:30") for email in people])],
        ),
        contacts=[contact(1, ADA)],
    )


@pytest.mark.rule("EV-05")
def test_a_plan_shows_old_and_new_and_writes_nothing(company: Make) -> None:
    one = company(small())
    one.workspace.ingest()
    one.sandbox.clear_requests()
    plan, _ = one.workspace.plan()
    assert one.writes() == 0
    assert plan.counts()["hubspot"]["contact"] == {"create": 1, "update": 1}
    path = one.workspace.save(plan)
    rows = {(row["object"], row["object_key"]): row for row in pq.read_table(path).to_pylist()}
    ada = orjson.loads(rows["contact", "1"]["changes"])
    assert ada["turnout_webinars_attended"] == [None, "1"]
    assert "firstname" not in ada
    bob = orjson.loads(rows["contact", BOB]["changes"])
    assert bob["turnout_source"] == [None, f"Zoom: Topic {ONE}"]
    assert load_plan(one.home, plan.plan_id).plan_id == plan.plan_id


@pytest.mark.rule("EV-05", "EV-06")
def test_a_second_run_on_an_unchanged_world_writes_nothing(company: Make) -> None:
    one = company(small())
    one.run()
    before = one.sandbox.world()
    one.sandbox.clear_requests()
    receipt = one.run()
    assert receipt.plan is not None
    assert receipt.plan.total == 0
    assert one.writes() == 0
    assert one.sandbox.world() == before


@pytest.mark.rule("EV-05")
def test_a_plan_is_applied_once_and_refused_when_anything_has_moved_since(company: Make) -> None:
    one = company(small())
    one.workspace.ingest()
    plan, _ = one.workspace.plan()
    name = one.workspace.save(plan)

    def arrive(told: dict[str, Any]) -> None:
        told["zoom"][0]["webinars"][0]["registrants"].append(registrant("late@x.example"))

    one.change(arrive, later(NOW, minutes=10))
    one.workspace.ingest()
    with pytest.raises(StalePlanError, match="zoom/registrants moved"):
        one.workspace.apply(load_plan(one.home, str(name)))
    assert one.writes() == 0
    fresh, _ = one.workspace.plan()
    one.workspace.apply(fresh)
    with pytest.raises(StalePlanError, match="turnout/outcomes"):
        one.workspace.apply(fresh)


@pytest.mark.rule("EV-05", "EV-13")
def test_a_plan_made_under_other_settings_is_stale(company: Make) -> None:
    one = company(small())
    one.workspace.ingest()
    plan, _ = one.workspace.plan()
    one.set("[attendance]\ncount_panelists = true")
    with pytest.raises(StalePlanError, match="the settings"):
        one.workspace.apply(plan)


@pytest.mark.rule("EV-05")
def test_a_plan_that_somebody_edited_is_refused(company: Make) -> None:
    one = company(small())
    one.workspace.ingest()
    plan, _ = one.workspace.plan()
    path = one.workspace.save(plan)
    rows = pq.read_table(path)
    pq.write_table(rows.slice(1), path)
    with pytest.raises(UsageError, match="was changed since it was made"):
        load_plan(one.home, str(path))


@pytest.mark.rule("EV-05")
def test_creating_far_more_contacts_than_ever_needs_a_person(company: Make) -> None:
    fuse = "[fuses]\ncreate_at_least = 3\ncreate_times_usual = 2"
    one = company(small(), fuse)
    one.run()

    def flood(told: dict[str, Any]) -> None:
        told["zoom"][0]["webinars"][0]["registrants"] += [registrant(f"p{number}@x.example") for number in range(5)]

    one.change(flood, later(NOW, hours=1))
    with pytest.raises(FuseError, match="would create 5 contacts .* add --allow"):
        one.run()
    assert len(one.emails()) == 2
    one.run(allow=True)
    assert len(one.emails()) == 7


@pytest.mark.rule("EV-07")
def test_a_record_that_is_refused_stops_no_other_and_waits_until_something_changes(company: Make) -> None:
    told = small("cy@x.example")
    told["zoom"][0]["webinars"][0]["registrants"][1]["first_name"] = "x" * 70_000  # longer than HubSpot lets a value be
    one = company(told)
    receipt = one.run()
    assert receipt.is_partial
    assert one.emails() == {ADA, "cy@x.example"}
    verdict = one.verdict(BOB)
    assert verdict is not None
    assert verdict[0] == "rejected"
    assert verdict[1]
    assert set(one.states(str(ONE))) == {ADA, "cy@x.example"}
    one.sandbox.clear_requests()
    again = one.run()
    assert again.plan is not None
    assert one.writes() == 0, "the same words are not said twice"

    def mend(told: dict[str, Any]) -> None:
        told["zoom"][0]["webinars"][0]["registrants"][1]["first_name"] = "Bob"

    one.change(mend, later(NOW, hours=1))
    one.run()
    assert set(one.states(str(ONE))) == {ADA, BOB, "cy@x.example"}
    assert one.rows("select count(*) from verdicts where verdict in ('rejected', 'waiting')") == [(0,)]


@pytest.mark.rule("EV-01", "EV-02")
def test_everything_derived_can_be_deleted_and_comes_back_the_same(
    company: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transform, "SMALL", 0)  # what is built by key must come back, too
    monkeypatch.setattr(transform, "SHARE", 1e9)
    one = company(small())
    one.run()

    def move_on(told: dict[str, Any]) -> None:
        told["zoom"][0]["webinars"].append(
            webinar(4711, day="2026-11-30", registrants=[registrant(ADA), registrant("di@x.example")])
        )

    one.change(move_on, later(NOW, hours=2))
    one.run()
    one.workspace.build()  # what the publish of the last run was answered
    tables = [name for (name,) in one.rows("show tables") if name != "verdicts"]
    before = {name: sorted(map(repr, one.rows(f"from {name}"))) for name in tables}
    one.workspace.rebuild()
    after = {name: sorted(map(repr, one.rows(f"from {name}"))) for name in tables}
    assert before == after
    plan, _ = one.workspace.plan()
    assert plan.total == 0


@pytest.mark.rule("EV-03")
def test_tables_can_be_seen_as_they_were(company: Make) -> None:
    one = company(small())
    one.run()
    one.workspace.build(one.workspace.now().replace(month=11, day=5))
    assert one.rows("select registered_count, attended_count from webinars") == [(2, 0)]
    one.workspace.build(one.workspace.now().replace(month=10, day=15))
    assert one.rows("select registered_count, attended_count from webinars") == [(0, 0)]
    one.workspace.build()
    assert one.rows("select registered_count, attended_count from webinars") == [(2, 2)]


@pytest.mark.rule("EV-11")
def test_a_reader_who_is_open_through_a_whole_run_neither_waits_nor_is_noticed(company: Make) -> None:
    one = company(small())
    one.run()
    with duckdb.connect(str(one.home / "warehouse.duckdb"), read_only=True) as reader:
        rows = reader.execute("select state, count(*) from contact_webinars group by state").fetchall()

        def move_on(told: dict[str, Any]) -> None:
            told["zoom"][0]["webinars"].append(webinar(4711, day="2026-11-30", registrants=[registrant(ADA)]))

        one.change(move_on, later(NOW, hours=2))
        receipt = one.run()
        assert receipt.plan is not None
        assert receipt.plan.total > 0
        assert reader.execute("select state, count(*) from contact_webinars group by state").fetchall() == rows
    answer = one.command("sql", "select count(*) as n from contact_webinars", "--json")
    assert orjson.loads(answer.stdout) == [{"n": 3}], "who opens it now sees the new tables"


@pytest.mark.rule("EV-06")
def test_without_a_connection_a_plan_can_be_made_and_not_applied(company: Make) -> None:
    one = company(small())
    one.workspace.ingest()
    apart = one.workspace
    apart.environment = {"TURNOUT_HOME": str(one.home)}
    plan, _ = apart.plan()
    assert plan.counts()["hubspot"]["contact"] == {"create": 1, "update": 1}
    with pytest.raises(SettingsError, match="hubspot is not connected"):
        apart.apply(plan)


@pytest.mark.rule("EV-13")
def test_settings_are_events_and_a_look_back_uses_those_of_then(company: Make) -> None:
    one = company(small())
    one.run()
    one.set('[exclusions]\ncontacts = ["x.example"]')
    one.change(lambda _: None, later(NOW, days=1))
    one.workspace.ingest()
    one.workspace.build()
    assert one.rows("select count(*) from int_people") == [(0,)]
    then = one.workspace.now().replace(day=20)
    one.workspace.build(then)
    assert one.rows("select count(*) from int_people") == [(2,)]


def test_the_warehouse_is_written_for_tools_that_still_use_duckdb_1_5(company: Make, tmp_path: Path) -> None:
    one = company(small())
    one.run()
    with duckdb.connect(str(one.home / "warehouse.duckdb"), read_only=True) as reader:
        version = reader.execute("select tags['storage_version'] from duckdb_databases() where not internal").fetchall()
    assert version[0][0].startswith("v1.")
