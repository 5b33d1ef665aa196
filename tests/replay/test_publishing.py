"""Plan and apply, end to end: shown before written, written once, refused when stale or out of proportion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson
import pyarrow.parquet as pq
import pytest

from pipelines import transform
from pipelines.errors import FuseError, SettingsError, StalePlanError, UsageError
from pipelines.publish import Plan, load_plan
from tests.company import Company
from tests.worlds import NOW, contact, joined, later, registrant, session, webinar, world

Copy = Callable[[Company], Company]
ONE = 84759841045
ADA, BOB, CY, DI = "ada@x.example", "bob@x.example", "cy@x.example", "di@x.example"


class Planned(NamedTuple):
    """A company that was read and never written to, and the plan for it."""

    company: Company
    plan: Plan


def small() -> dict[str, Any]:
    """A webinar with Ada, who is a contact, and Bob, who is none."""
    people = [ADA, BOB]
    return world(
        webinar(
            ONE,
            registrants=[registrant(email) for email in people],
            instances=[session("u1==", "10:00", "11:00", [joined(email, "10:00", "10:30") for email in people])],
        ),
        contacts=[contact(1, ADA)],
    )


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planned]:
    """A company with a plan. Tests only look at it, and change copies."""
    one = Company(small(), tmp_path_factory.mktemp("planned") / "home")
    one.workspace.ingest()
    yield Planned(one, one.workspace.plan()[0])
    one.sandbox.stop()


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company after one whole run. Tests only look at it, which one more run does, too, and change copies."""
    one = Company(small(), tmp_path_factory.mktemp("synced") / "home")
    one.run()
    yield one
    one.sandbox.stop()


@pytest.mark.rule("EV-05")
def test_a_plan_shows_old_and_new_and_writes_nothing(planned: Planned) -> None:
    one, plan = planned
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
def test_a_second_run_on_an_unchanged_world_writes_nothing(synced: Company) -> None:
    one = synced
    before = one.sandbox.world()
    one.sandbox.clear_requests()
    receipt = one.run()
    assert receipt.plan is not None
    assert receipt.plan.total == 0
    assert one.writes() == 0
    assert one.sandbox.world() == before


@pytest.mark.rule("EV-05")
def test_a_plan_is_applied_once_and_refused_when_anything_has_moved_since(planned: Planned, copied: Copy) -> None:
    one = copied(planned.company)
    name = one.workspace.save(planned.plan)

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
def test_a_plan_made_under_other_settings_is_stale(planned: Planned, copied: Copy) -> None:
    one = copied(planned.company)
    one.set("[attendance]\ncount_panelists = true")
    with pytest.raises(StalePlanError, match="the settings"):
        one.workspace.apply(planned.plan)


@pytest.mark.rule("EV-05")
def test_a_plan_that_somebody_edited_is_refused(planned: Planned, tmp_path: Path) -> None:
    one, plan = planned
    path = one.workspace.save(plan, tmp_path / "edited.parquet")
    rows = pq.read_table(path)
    pq.write_table(rows.slice(1), path)
    with pytest.raises(UsageError, match="was changed since it was made"):
        load_plan(one.home, str(path))


@pytest.mark.rule("EV-05")
def test_creating_far_more_contacts_than_ever_needs_a_person(synced: Company, copied: Copy) -> None:
    one = copied(synced)
    one.set("[fuses]\ncreate_at_least = 3\ncreate_times_usual = 2")

    def flood(told: dict[str, Any]) -> None:
        told["zoom"][0]["webinars"][0]["registrants"] += [registrant(f"p{number}@x.example") for number in range(5)]

    one.change(flood, later(NOW, hours=1))
    one.workspace.ingest()
    plan, _ = one.workspace.plan()
    with pytest.raises(FuseError, match="would create 5 contacts .* add --allow"):
        one.workspace.apply(plan)
    assert len(one.emails()) == 2
    one.workspace.apply(plan, allow=True)
    assert len(one.emails()) == 7


@pytest.mark.rule("EV-07")
def test_a_record_that_is_refused_stops_no_other_and_waits_until_something_changes(
    synced: Company, copied: Copy
) -> None:
    one = copied(synced)

    def arrive(told: dict[str, Any]) -> None:
        too_long = "x" * 70_000  # longer than HubSpot lets a value be
        told["zoom"][0]["webinars"][0]["registrants"] += [registrant(CY), registrant(DI, first_name=too_long)]

    one.change(arrive, later(NOW, hours=1))
    receipt = one.run()
    assert receipt.is_partial
    assert one.emails() == {ADA, BOB, CY}
    verdict = one.verdict(DI)
    assert verdict is not None
    assert verdict[0] == "rejected"
    assert verdict[1]
    assert set(one.states(str(ONE))) == {ADA, BOB, CY}
    one.sandbox.clear_requests()
    again = one.run()
    assert again.plan is not None
    assert one.writes() == 0, "the same words are not said twice"

    def mend(told: dict[str, Any]) -> None:
        told["zoom"][0]["webinars"][0]["registrants"][-1]["first_name"] = "Di"

    one.change(mend, later(NOW, hours=2))
    one.run()
    assert set(one.states(str(ONE))) == {ADA, BOB, CY, DI}
    assert one.rows("select count(*) from verdicts where verdict in ('rejected', 'waiting')") == [(0,)]


@pytest.mark.rule("EV-01", "EV-02")
def test_everything_derived_can_be_deleted_and_comes_back_the_same(
    synced: Company, copied: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transform, "SMALL", 0)  # what is built by key must come back, too
    monkeypatch.setattr(transform, "SHARE", 1e9)
    one = copied(synced)

    def move_on(told: dict[str, Any]) -> None:
        told["zoom"][0]["webinars"].append(
            webinar(4711, day="2026-11-30", registrants=[registrant(ADA), registrant(DI)])
        )

    one.change(move_on, later(NOW, hours=2))
    one.run()
    one.workspace.build()  # what the publish of the last run was answered
    catalog = one.workspace.warehouse.catalog()
    tables = [name for name, entry in catalog.entries.items() if entry.files and name != "verdicts"]

    def held() -> dict[str, list[str]]:
        with one.workspace.warehouse.connect(tables) as db:
            return {name: sorted(map(repr, db.execute(f"from {name}").fetchall())) for name in tables}

    before = held()
    assert len(before) > 50
    one.workspace.rebuild()
    assert held() == before
    plan, _ = one.workspace.plan()
    assert plan.total == 0


@pytest.mark.rule("EV-03")
def test_tables_can_be_seen_as_they_were(synced: Company, copied: Copy) -> None:
    one = copied(synced)
    one.workspace.build(one.workspace.now().replace(month=11, day=5))
    assert one.rows("select registered_count, attended_count from webinars") == [(2, 0)]
    one.workspace.build(one.workspace.now().replace(month=10, day=15))
    assert one.rows("select registered_count, attended_count from webinars") == [(0, 0)]
    one.workspace.build()
    assert one.rows("select registered_count, attended_count from webinars") == [(2, 2)]


@pytest.mark.rule("EV-11")
def test_a_reader_who_is_open_through_a_whole_run_neither_waits_nor_is_noticed(synced: Company, copied: Copy) -> None:
    one = copied(synced)
    one.workspace.warehouse.show()
    with duckdb.connect(str(one.home / "warehouse.duckdb"), read_only=True) as reader:
        rows = reader.execute("select state, count(*) from contact_webinars group by state").fetchall()

        def move_on(told: dict[str, Any]) -> None:
            told["zoom"][0]["webinars"].append(webinar(4711, day="2026-11-30", registrants=[registrant(ADA)]))

        one.change(move_on, later(NOW, hours=2))
        receipt = one.run()
        assert receipt.plan is not None
        assert receipt.plan.total > 0
        assert reader.execute("select state, count(*) from contact_webinars group by state").fetchall() == rows
    with duckdb.connect(str(one.home / "warehouse.duckdb"), read_only=True) as reader:
        (count,) = reader.execute("select count(*) from contact_webinars").fetchall()
        assert count == (3,), "who opens it now sees the new tables"


@pytest.mark.rule("EV-06")
def test_without_a_connection_a_plan_can_be_made_and_not_applied(planned: Planned) -> None:
    one = planned.company
    apart = one.workspace
    apart.environment = {"TURNOUT_HOME": str(one.home)}
    plan, _ = apart.plan()
    assert plan.counts()["hubspot"]["contact"] == {"create": 1, "update": 1}
    with pytest.raises(SettingsError, match="hubspot is not connected"):
        apart.apply(plan)


@pytest.mark.rule("EV-13")
def test_settings_are_events_and_a_look_back_uses_those_of_then(synced: Company, copied: Copy) -> None:
    one = copied(synced)
    one.set('[exclusions]\ncontacts = ["x.example"]')
    one.change(lambda _: None, later(NOW, days=1))
    one.workspace.ingest()
    one.workspace.build()
    assert one.rows("select count(*) from int_people") == [(0,)]
    then = one.workspace.now().replace(day=20)
    one.workspace.build(then)
    assert one.rows("select count(*) from int_people") == [(2,)]


def test_the_warehouse_is_written_for_tools_that_still_use_duckdb_1_5(synced: Company) -> None:
    with duckdb.connect(str(synced.home / "warehouse.duckdb"), read_only=True) as reader:
        version = reader.execute("select tags['storage_version'] from duckdb_databases() where not internal").fetchall()
    assert version[0][0].startswith("v1.")
