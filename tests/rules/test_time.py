"""EV-03, EV-13: any table as of another moment, beside the ones that stand, and what changed between two moments."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from pipelines.differing import Differences, differences
from pipelines.errors import UsageError
from pipelines.events import Batch, Record, utc
from pipelines.log import OURS
from pipelines.past import KEPT, tables_at
from pipelines.run import SETTINGS, Workspace
from pipelines.warehouse import Warehouse
from tests.company import Company
from tests.rules.test_explain import ADA, EVE, ONE, told
from tests.rules.test_explain import SETTINGS as EXCLUDING
from tests.worlds import NOW, later

THEN = "2026-11-05T00:00:00Z"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    one = Company(told(), tmp_path_factory.mktemp("time") / "home", EXCLUDING)
    one.workspace.ingest()
    one.workspace.build()
    yield one
    one.sandbox.stop()


@pytest.fixture(scope="module")
def opened(company: Company) -> Workspace:
    return company.workspace


def at(opened: Workspace, moment: str, **how: Any) -> Warehouse:
    return tables_at(opened.log, opened.warehouse, opened.models, utc(moment), **how)


def between(opened: Workspace, table: str, start: str, end: str) -> Differences:
    before, after = at(opened, start), at(opened, end)
    return differences(opened.log, opened.models, before, after, table, start=utc(start), end=utc(end))


def rows(warehouse: Warehouse, name: str) -> list[tuple[Any, ...]]:
    with warehouse.connect([name]) as db:
        return db.execute(f"select * from {name} order by all").fetchall()


@pytest.mark.rule("EV-03")
def test_tables_as_of_then_are_those_of_a_build_as_of_then_and_those_of_now_stand(
    company: Company, opened: Workspace
) -> None:
    now = opened.warehouse.catalog()
    past = at(opened, THEN)
    assert opened.warehouse.catalog() == now
    other = company.home.parent / "built"
    shutil.copytree(company.home / "log", other / "log")
    alone = Workspace({**company.environment, "TURNOUT_HOME": str(other)})
    alone.build(utc(THEN))
    names = [name for name, model in opened.models.items() if model.layer != "audits"]
    assert [name for name in names if rows(past, name) != rows(alone.warehouse, name)] == []
    assert rows(past, "contact_metrics") != rows(opened.warehouse, "contact_metrics")


@pytest.mark.rule("EV-03")
def test_what_changed_is_told_column_by_column_with_the_events_that_did_it(opened: Workspace) -> None:
    found = between(opened, "contact_metrics", THEN, NOW)
    assert found.key == ("subject_key",)
    (ada,) = [row for row in found.rows if row["key"]["subject_key"] == 1]
    old, new = (
        dict(zip(at(opened, moment).catalog().entries["contact_metrics"].columns, row, strict=True))
        for moment in (THEN, NOW)
        for row in rows(at(opened, moment), "contact_metrics")
        if row[0] == 1
    )
    assert ada["columns"] == {name: [old[name], new[name]] for name in old if old[name] != new[name]}
    assert ada["columns"]["occurrences_attended"] == [1, 2]
    streams = [one["stream"] for one in found.events if one["event_id"] in ada["events"]]
    assert streams.count("zoom/participants") == 2
    assert streams.count("hubspot/form_submissions") == 1
    assert streams.count("hubspot/email_events") == 4
    assert all(utc(THEN) <= one["occurred_at"] <= utc(NOW) for one in found.events)
    bob = [row for row in found.rows if row["key"]["subject_key"] < 0]
    assert [row["columns"]["occurrences_attended"] for row in bob] == [[0, 1]]

    dates = between(opened, "webinars", THEN, NOW)
    assert [(row["change"], row["key"]["webinar_id"]) for row in dates.rows] == [("changed", ONE)]
    assert dates.rows[0]["columns"]["attended_count"] == [0, 2]
    came = between(opened, "contact_timeline", THEN, NOW)
    assert came.counts == {"came": 2, "gone": 0, "changed": 0}
    assert all(new is not None or old is None for row in came.rows for old, new in row["columns"].values())


@pytest.mark.rule("EV-03", "HZ-22")
def test_what_left_a_window_changed_by_time_alone(opened: Workspace) -> None:
    found = between(opened, "contact_metrics", NOW, later(NOW, days=60))
    (ada,) = [row for row in found.rows if row["key"]["subject_key"] == 1]
    assert ada["columns"]["emails_opened_30d"] == [1, 0]
    assert ada["events"] == []
    with pytest.raises(UsageError, match="stg_zoom__users is no table that can be compared"):
        between(opened, "stg_zoom__users", THEN, NOW)


@pytest.mark.rule("EV-13", "EV-03")
def test_another_moment_is_seen_with_the_settings_of_then_or_of_now(opened: Workspace) -> None:
    def reason(warehouse: Warehouse) -> Any:
        with warehouse.connect(["sync_hubspot_contacts"]) as db:
            return db.execute("select reason from sync_hubspot_contacts where object_key = '2'").fetchone()

    meaning = opened.settings.meaning()
    changed = {**meaning, "exclusions": {**meaning["exclusions"], "contacts": [ADA]}}
    tomorrow = utc(later(NOW, days=1))
    record = Record("settings", tomorrow, orjson.dumps(changed))
    opened.log.append(OURS, OURS, SETTINGS, Batch([record], at=tomorrow), run="test")
    assert EVE in meaning["exclusions"]["contacts"]
    assert reason(at(opened, NOW)) == reason(opened.warehouse) == ("email_excluded",)
    assert reason(at(opened, NOW, settings="now")) == (None,)
    assert reason(at(opened, later(NOW, days=2))) == (None,)
    kept = list((opened.home / "past").iterdir())
    assert len(kept) == KEPT
