"""The same run in Dagster: assets for every stream, model and sync, checks that block, jobs, schedule, sensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import pytest

from assets import transform
from assets.automation import new_reports
from assets.definitions import defs
from assets.transform import MODELS
from pipelines import models as sql_models
from pipelines import reports
from pipelines.audit import STATUSES
from pipelines.vendors.registry import DESTINATIONS, STREAMS
from tests.company import Company
from tests.worlds import contact, joined, registrant, session, webinar, world

Make = Callable[..., Company]
Copy = Callable[[Company], Company]
REFUSED = {"vendor": "hubspot", "path": "/marketing/forms", "kind": "status", "status": 403, "body": {"message": "no"}}


class Synced(NamedTuple):
    """A company after a whole run in Dagster, during which HubSpot kept its forms to itself; and all that was told."""

    company: Company
    result: dg.ExecuteInProcessResult
    kept: str


def small() -> dict[str, Any]:
    """A webinar with Ada, who is a contact, and Bob, who is none."""
    people = ["ada@x.example", "bob@x.example"]
    return world(
        webinar(
            84759841045,
            registrants=[registrant(email) for email in people],
            instances=[session("u1==", "10:00", "11:00", [joined(email, "10:00", "10:30") for email in people])],
        ),
        contacts=[contact(1, "ada@x.example")],
    )


def connect(one: Company, patch: pytest.MonkeyPatch) -> Company:
    """Make a company's variables those of this process, as Dagster's own process has them."""
    for name, value in one.environment.items():
        patch.setenv(name, value)
    return one


@pytest.fixture
def connected(company: Make, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company that nothing was read of yet."""
    return connect(company(small()), monkeypatch)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    """A company after the job `sync`. Tests look at it, and change copies."""
    folder = tmp_path_factory.mktemp("synced")
    one = Company(small(), folder / "home")
    one.sandbox.set_faults({"rules": [REFUSED]})
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral(tempdir=str(folder)) as instance:
        connect(one, patch)
        job = defs.resolve_job_def("sync")
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        yield Synced(one, result, "".join(str(entry) for entry in instance.all_logs(result.run_id)))
    one.sandbox.stop()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster of its own."""
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as made:
        yield made


def test_every_stream_model_and_destination_is_an_asset_with_a_description() -> None:
    graph = defs.resolve_asset_graph()
    names = {key.to_user_string() for key in graph.get_all_asset_keys()}
    streams = {f"raw_{source}__{stream.name}" for source, found in STREAMS.items() for stream in found}
    models = {name for name, model in MODELS.items() if model.layer != "audits"}
    assert names == streams | models | {
        *(f"published_{name}" for name in DESTINATIONS),
        "audit_page",
        "quality_report",
        *reports.load(),
    }
    assert all(graph.get(key).description for key in graph.get_all_asset_keys())
    assert all(graph.get(key).owners and graph.get(key).kinds for key in graph.get_all_asset_keys())
    read = {key.to_user_string() for key in defs.resolve_job_def("backfill").asset_layer.selected_asset_keys}
    assert read == streams


@pytest.mark.rule("HZ-01", "EV-12")
def test_the_sync_job_does_the_whole_run_and_dagster_keeps_no_secret(synced: Synced) -> None:
    one, result, kept = synced
    assert result.success
    assert one.states("84759841045") == {"ada@x.example": "ATTENDED", "bob@x.example": "ATTENDED"}
    published = result.asset_materializations_for_node("published_hubspot")[0].metadata
    assert published["changes"].value > 0
    assert published["rejected"].value == 0
    page = result.asset_materializations_for_node("audit_page")[0].metadata
    assert page["page"].value == (one.home / "audit" / "index.html").as_uri()
    assert (one.home / "audit" / "index.html").is_file()
    assert [page[status].value for status in STATUSES] == [0, 0, 0, 1]
    built = {
        event.asset_key.to_user_string(): event.metadata
        for event in result.asset_materializations_for_node("build_models")
    }
    assert built["contact_metrics"]["dagster/row_count"].value == 2
    columns = {column.name for column in built["contact_metrics"]["dagster/column_schema"].value.columns}
    assert "webinars_attended_30d" in columns
    lineage = built["contact_metrics"]["dagster/column_lineage"].value.deps_by_column
    made_of = {(dep.asset_key.to_user_string(), dep.column_name) for dep in lineage["avg_attendance_pct"]}
    assert made_of == {("int_zoom_metrics", "avg_attended_hundredths")}
    without = [name for name, told in built.items() if MODELS[name].reads and "dagster/column_lineage" not in told]
    assert without == []
    checks = result.get_asset_check_evaluations()
    assert {check.check_name for check in checks} >= {name for name, model in MODELS.items() if model.layer == "audits"}
    assert all(check.passed for check in checks if check.check_name != "was_read")
    for name in ("ZOOM_CLIENT_SECRET", "HUBSPOT_ACCESS_TOKEN", "HUBSPOT_CLIENT_SECRET"):
        assert one.environment[name] not in kept
    assert "ada@x.example" not in kept, "people stay in TURNOUT_HOME"


@pytest.mark.rule("HZ-31")
def test_a_job_with_the_webinar_as_its_configuration_reads_it_again_and_publishes(
    synced: Synced, copied: Copy, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = connect(copied(synced.company), monkeypatch)
    one.change(lambda told: told["zoom"][0]["webinars"][0]["registrants"].append(registrant("late@x.example")))
    config = {"ops": {"read_webinar_again": {"config": {"webinar": "847-5984 1045"}}}}
    result = defs.resolve_job_def("sync_webinar").execute_in_process(instance=instance, run_config=config)
    assert result.success
    assert one.states("84759841045").keys() == {"ada@x.example", "bob@x.example", "late@x.example"}


@pytest.mark.rule("EV-12")
def test_a_failed_audit_stops_the_publish_and_nothing_else(
    connected: Company, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = dict(MODELS)
    name = "assert_attendance_is_within_the_occurrence"
    broken[name] = replace(broken[name], sql="select 1 as planted")
    monkeypatch.setattr(sql_models, "load", lambda *_: broken)
    monkeypatch.setattr(transform, "column_lineage", lambda *_: None)  # which takes long, and is seen elsewhere
    connected.workspace.ingest()
    job = defs.resolve_job_def("sync")
    computed = [key for key in job.asset_layer.selected_asset_keys if not key.to_user_string().startswith("raw_")]
    result = job.execute_in_process(instance=instance, asset_selection=computed, raise_on_error=False)
    assert not result.success
    assert connected.emails() == {"ada@x.example"}
    assert result.asset_materializations_for_node("build_models"), "everything was computed"
    assert result.asset_materializations_for_node("published_hubspot") == []
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [check.check_name for check in failed] == [name]


def test_a_stream_that_cannot_be_read_is_a_warning_and_holds_up_nothing(synced: Synced) -> None:
    one, result, _ = synced
    assert result.success
    failed = {check.asset_key.to_user_string() for check in result.get_asset_check_evaluations() if not check.passed}
    assert failed == {"raw_hubspot__forms", "raw_hubspot__form_submissions"}
    assert set(one.states("84759841045").values()) == {"ATTENDED"}


def test_rebuild_and_backfill_are_jobs_of_their_own(connected: Company, instance: dg.DagsterInstance) -> None:
    assert defs.resolve_job_def("backfill").execute_in_process(instance=instance).success
    assert connected.emails() == {"ada@x.example"}
    assert defs.resolve_job_def("rebuild").execute_in_process(instance=instance).success
    assert connected.rows("select count(*) from contact_metrics") == [(2,)]


def test_the_schedule_is_hourly_and_every_job_runs_in_process() -> None:
    schedule = defs.resolve_schedule_def("hourly_sync")
    assert schedule.cron_schedule == "7 * * * *"
    assert schedule.job.name == "sync"
    assert defs.resolve_job_def("sync").executor_def.name == "in_process"


def test_the_sensor_takes_in_each_new_file_once(
    synced: Synced, copied: Copy, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = connect(copied(synced.company), monkeypatch)
    folder = one.home / "import"
    context = dg.build_sensor_context(instance=instance)
    assert isinstance(new_reports(context), dg.SkipReason)
    folder.mkdir(parents=True)
    (folder / "one.csv").write_text(
        "Attendee Report\nTopic,Webinar ID,Actual Start Time,Actual Duration (minutes)\n"
        'Growth,847 1111 2222,"Nov 12, 2026 10:00 AM",60\nAttendee Details\n'
        "Attended,First Name,Last Name,Email,Registration Time,Approval Status,Join Time,Leave Time\n"
        'Yes,Cy,Person,cy@x.example,"Nov 1, 2026 09:00:00",approved,"Nov 12, 2026 10:00:00","Nov 12, 2026 10:30:00"\n',
        encoding="utf-8",
    )
    request = new_reports(context)
    assert isinstance(request, dg.RunRequest)
    job = defs.resolve_job_def("import_reports_job")
    assert job.execute_in_process(instance=instance, run_config=request.run_config).success
    assert isinstance(new_reports(context), dg.SkipReason), "the same file is not taken in again"
    one.run()
    assert one.states("84711112222").get("cy@x.example") in {"ATTENDED", None}
    assert "cy@x.example" in one.emails()
