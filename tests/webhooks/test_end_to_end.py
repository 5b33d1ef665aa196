"""From a delivery to the CRM: the server is killed after its yes, a sensor's run reads what moved, polling agrees."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import orjson
import pytest
import requests

from assets.definitions import defs
from assets.webhooks import new_deliveries, sync_moved_webinars
from pipelines.cli.listening import webhooks
from pipelines.errors import SettingsError, UsageError
from pipelines.inbox import Call, Inbox
from pipelines.publish import Plan, load_plan
from pipelines.rates import Rate
from pipelines.run import Workspace
from pipelines.vendors.hubspot import client as hubspot
from pipelines.vendors.registry import RECEIVERS
from pipelines.verify import verify
from tests.cli.shell import ONE, begun, small, wait_for
from tests.company import Company
from tests.webhooks.sending import ZOOM, by_zoom, event
from tests.worlds import HOST, NOW, later, registrant, webinar

CY = "cy@x.example"
TWO = ONE + 1
UNKNOWN = 99_999_999_999
Make = Callable[..., Company]
DERIVED = ("webinars", "contact_webinars", "contact_metrics", "contact_timeline", "webinar_audit")


@dataclass
class Story:
    """What a delivery led to, and what an ordinary reading at the same moment made of the same world.

    Attributes:
        states: of the webinar's marketing event, as the CRM tells them then.
        polled: a copy of the home, in which all was read and planned, and nothing published.
    """

    one: Company
    polled: Workspace
    plans: tuple[Plan, Plan]
    states: dict[str, str]
    contact: dict[str, Any] | None
    told: dict[str, Any]
    skipped: list[Any]


def moves(world: dict[str, Any]) -> None:
    """Cy registers for the webinar that is to come."""
    coming = next(one for one in world["zoom"][0]["webinars"] if one["id"] == TWO)
    coming["registrants"].append(registrant(CY, create_time="2026-11-20T12:00:30Z"))


def deliver_and_kill(one: Company, bodies: list[bytes]) -> None:
    """Start the server, send what Zoom sends, and kill it the moment it said yes."""
    process = begun("webhooks", "--port", "0", env=one.environment)
    try:
        said = wait_for(process, "Ctrl-C stops it", "stderr")
        url = re.search(r"zoom at (\S+)", said)[1]
        for number, body in enumerate(bodies):
            assert requests.post(url, data=body, headers=by_zoom(body, f"n{number}"), timeout=10).status_code == 200
    finally:
        process.kill()
        process.communicate()


def deliver(inbox: Inbox, body: bytes) -> None:
    """Put a delivery where the server would."""
    inbox.put(RECEIVERS["zoom"](ZOOM).receive(Call("", by_zoom(body), body, datetime.now(UTC))).deliveries)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A company that has been synced; Cy registers; a copy polls, and the company itself is told by webhook."""
    folder = tmp_path_factory.mktemp("webhooks")
    start = small()
    start["zoom"][0]["webinars"].append(webinar(TWO, day="2026-11-25"))
    one = Company(start, folder / "home")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral(tempdir=str(folder)) as instance:
        patch.setitem(hubspot.LIMITS, hubspot.SEARCH, [Rate(1_000, 1_000)])
        for name, value in one.environment.items():
            patch.setenv(name, value)
        context = dg.build_sensor_context(instance=instance)
        skipped = [new_deliveries(context)]
        one.run()
        one.change(moves, later(NOW, minutes=1))
        shutil.copytree(one.home, folder / "polled")
        polled = Workspace({**one.environment, "TURNOUT_HOME": str(folder / "polled")})
        polled.ingest()
        by_polling, _ = polled.plan()
        bodies = [event(TWO), event(TWO, "webinar.updated"), event(UNKNOWN), event(7, "meeting.ended")]
        deliver_and_kill(one, [orjson.dumps(body) for body in bodies])
        request = new_deliveries(context)
        assert isinstance(request, dg.RunRequest)
        assert request.run_key == new_deliveries(context).run_key
        under_way = instance.create_run_for_job(sync_moved_webinars, status=dg.DagsterRunStatus.STARTED)
        skipped.append(new_deliveries(context))
        instance.delete_run(under_way.run_id)
        result = defs.resolve_job_def("sync_moved_webinars").execute_in_process(instance=instance)
        contact, states = one.contact(CY), one.states(str(TWO))
        skipped.append(new_deliveries(context))
        (end,) = (found for found in result.all_events if found.event_type_value == "STEP_OUTPUT")
        told = {name: value.value for name, value in end.step_output_data.metadata.items()}
        newest = max((one.home / "plans").glob("*.parquet"), key=lambda path: path.stat().st_mtime)
        plans = load_plan(one.home, str(newest)), by_polling
        yield Story(one, polled, plans, states, contact, told, skipped)
    one.sandbox.stop()


@pytest.mark.rule("HZ-14")
def test_what_happens_in_zoom_is_in_the_crm_after_the_run_that_a_delivery_makes(story: Story) -> None:
    assert story.contact is not None
    assert story.states[CY] == "REGISTERED"
    assert story.told["webinars read again"] == 1
    assert story.told["published"] == story.told["changes"] == story.plans[0].total > 0
    first, busy, done = map(str, story.skipped)
    assert ("nothing waits" in first, "under way" in busy, "nothing waits" in done) == (True, True, True)


@pytest.mark.rule("HZ-14")
def test_a_delivery_that_was_answered_outlives_the_server_and_is_in_the_log_once(story: Story) -> None:
    log = story.one.workspace.log
    rows = log.query("zoom", "webhooks", "select account, key from events order by key", {})
    assert rows == [("zoom-account", f"n{number}") for number in range(4)]
    assert Inbox(story.one.home).files() == []
    assert verify(log) == []


@pytest.mark.rule("HZ-14")
def test_webhooks_and_polling_give_the_same_rows(story: Story) -> None:
    told, polled = story.one.workspace, story.polled
    sql = "select key, scope, kind, occurred_at, payload from events order by all"
    streams = [stream for source, stream in polled.log.streams() if source == "zoom"]
    assert len(streams) > 5
    for stream in set(streams) - {"report_reads"}:  # that one says when we read
        assert told.log.query("zoom", stream, sql, {}) == polled.log.query("zoom", stream, sql, {}), stream
    for name in DERIVED:
        with told.warehouse.connect() as mine, polled.warehouse.connect() as its:
            rows = mine.execute(f"select * from {name} order by all").fetchall()
            assert rows == its.execute(f"select * from {name} order by all").fetchall(), name
        assert rows
    mine, its = (
        {name: [row.told() for row in rows] for name, rows in plan.rows.items() if rows} for plan in story.plans
    )
    assert mine == its
    assert mine["hubspot"]


@pytest.mark.rule("HZ-14")
def test_a_webinar_that_could_not_be_read_is_tried_again_thrice_and_then_left_to_polling(story: Story) -> None:
    one = story.one
    inbox, body = Inbox(one.home), orjson.dumps(event(ONE, "webinar.ended"))
    fault = {"vendor": "zoom", "path": "/", "kind": "status", "status": 401, "body": {"code": 124, "message": "no"}}
    deliver(inbox, body)
    tries = []
    for _ in range(3):
        one.sandbox.set_faults({"rules": [fault]})
        workspace = one.workspace
        receipts = workspace.ingest(["zoom"])
        tries.append((len(receipts), workspace.log.cursor("zoom", "webhooks", "zoom-account")["again"]))
    one.sandbox.set_faults({})
    assert tries == [(2, {str(ONE): 1}), (2, {str(ONE): 2}), (2, {})]
    deliver(inbox, body.replace(b"ended", b"moved"))
    first, _ = one.workspace.ingest(["zoom"])
    assert not first.failed
    assert len(one.workspace.ingest(["zoom"])) == 1, "it was read again once"
    assert len(one.workspace.ingest(["zoom"], ["users"])) == 1


@pytest.mark.rule("HZ-13", "HZ-14")
def test_what_a_further_brand_delivers_is_read_from_its_own_account(company: Make) -> None:
    told = small()
    beta = {"account_id": "beta-account", "client_id": "beta-client", "client_secret": "beta-secret-value"}
    told["zoom"].append({**beta, "users": [HOST], "webinars": [webinar(TWO, day="2026-11-25")]})
    one = company(told, '[connections]\nzoom = ["beta"]')
    workspace = Workspace({**one.environment, **{f"ZOOM_BETA_{name.upper()}": value for name, value in beta.items()}})
    workspace.ingest()
    inbox = Inbox(one.home)
    inbox.open()
    deliver(inbox, orjson.dumps(event(TWO) | {"payload": {"account_id": "beta-account", "object": {"id": TWO}}}))
    receipts = workspace.ingest(["zoom"])
    assert [receipt.account for receipt in receipts] == ["beta-account", "zoom-account", "beta-account"]
    assert receipts[0].failed == {}
    assert len(workspace.ingest(["zoom"])) == 2, "it was read again once"


def test_without_a_secret_or_with_a_wrong_address_there_is_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    for name in ("ZOOM_WEBHOOK_SECRET", "HUBSPOT_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="ZOOM_WEBHOOK_SECRET or HUBSPOT_CLIENT_SECRET"):
        webhooks()
    monkeypatch.setenv("ZOOM_WEBHOOK_SECRET", "two words")
    with pytest.raises(SettingsError, match="ZOOM_WEBHOOK_SECRET: has a character"):
        webhooks()
    monkeypatch.setenv("ZOOM_WEBHOOK_SECRET", "secret")
    with pytest.raises(UsageError, match="write it like https"):
        webhooks(public_url="hooks.example.com")
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="cannot listen"):
        webhooks(port=taken.getsockname()[1])
    assert Inbox(tmp_path).files() == []
