"""`turnout doctor`: who is connected, what the vendors say against us, in their own words, and what would be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import ONE, small, told, turnout
from tests.company import Company
from tests.worlds import HOST

Make = Callable[..., Company]

ZOOM_SCOPES = {
    "/v2/users?": "user:read:list_users:admin",
    "/v2/report/history_meetings?": "report:read:list_history_meetings:admin",
    "/v2/users/host1/webinars?": "webinar:read:list_webinars:admin",
    f"/v2/webinars/{ONE}?": "webinar:read:webinar:admin",
    f"/v2/webinars/{ONE}/registrants?": "webinar:read:list_registrants:admin",
    f"/v2/webinars/{ONE}/panelists?": "webinar:read:list_panelists:admin",
    f"/v2/past_webinars/{ONE}/instances?": "webinar:read:list_past_instances:admin",
    "/v2/report/webinars/u1%3D%3D/participants?": "report:read:list_webinar_participants:admin",
    "/v2/meetings/u1%3D%3D/recordings?": "cloud_recording:read:list_recording_files:admin",
}


def said(one: Company, **variables: str) -> tuple[int, dict[str, Any]]:
    """Return the status, and what doctor says of each vendor."""
    answer = turnout("doctor", "--json", env={**one.environment, **variables}, module="tests.cli.hasty")
    assert answer.stderr == ""
    return answer.returncode, {entry["vendor"]: entry for entry in told(answer)}


def test_all_is_well_and_it_says_what_would_be_read_and_writes_nothing(company: Make) -> None:
    one = company(small())
    status, vendors = said(one)
    assert status == 0
    assert [vendors[name]["account"] for name in ("zoom", "hubspot")] == ["zoom-account", "4242"]
    assert vendors["zoom"]["streams"]["participants"] == "joins and leaves of ended sessions"
    assert one.writes() == 0
    assert not (one.home / "log").exists()
    page = turnout("doctor", env=one.environment).stdout
    assert "zoom: connected, account zoom-account\n    reads users: " in page
    assert (vendors["zoom"]["webhooks"], page.count("    webhooks: can be taken\n")) == (True, 2)
    one.set('[connections]\nzoom = ["beta"]')
    beta = {"ZOOM_BETA_ACCOUNT_ID": "b", "ZOOM_BETA_CLIENT_ID": "c", "ZOOM_BETA_CLIENT_SECRET": "wrong"}
    page = turnout("doctor", env={**one.environment, **beta}, module="tests.cli.hasty").stdout
    assert "    webhooks: set ZOOM_BETA_WEBHOOK_SECRET to take them\n" in page, "each brand has a secret of its own"
    assert page.count("    webhooks: can be taken\n") == 2
    one.set("")
    bare = {**one.environment, "ZOOM_WEBHOOK_SECRET": ""}
    assert "    webhooks: set ZOOM_WEBHOOK_SECRET to take them\n" in turnout("doctor", env=bare).stdout


def test_every_area_of_zoom_is_asked_so_every_missing_scope_is_found(company: Make) -> None:
    one = company(small())
    one.sandbox.set_faults({"switches": {"zoom.missing_scopes": list(ZOOM_SCOPES.values())}})
    status, vendors = said(one)
    assert status == 1
    assert "does not contain scopes:[user:read:list_users:admin]" in vendors["zoom"]["problems"][0]
    for scope in ("user:read:list_users:admin", "report:read:list_history_meetings:admin"):
        assert any(scope in problem for problem in vendors["zoom"]["problems"])
    for scope in ZOOM_SCOPES.values():
        one.sandbox.set_faults({"switches": {"zoom.missing_scopes": [scope]}})
        problems = one.workspace.sources[1].examine()
        assert len(problems) == 1, scope
        assert f"run again: {scope}. It said: " in problems[0]
        assert '"code":4711' in problems[0]


def test_a_missing_scope_of_hubspot_is_told_and_it_is_connected_all_the_same(company: Make) -> None:
    one = company(small())
    one.sandbox.set_faults({"switches": {"hubspot.missing_scopes": ["forms", "crm.objects.contacts.read"]}})
    status, vendors = said(one)
    assert status == 1
    assert vendors["hubspot"]["connected"]
    problems = " ".join(vendors["hubspot"]["problems"])
    assert "Add the missing scopes to the app, then run again: forms." in problems
    assert "Add the missing scopes to the app, then run again: crm.objects.contacts.read." in problems
    assert vendors["zoom"]["problems"] == []


def test_users_without_the_webinar_plan_are_passed_over(company: Make) -> None:
    given = small()
    basic = {**HOST, "id": "a-basic", "email": "basic@host.example", "type": 1}
    given["zoom"][0]["users"] = [basic, HOST]
    one = company(given)
    no_plan = {"code": 200, "message": "Webinar plan is missing. You must subscribe to the webinar plan."}
    rule = {"vendor": "zoom", "kind": "status", "status": 400, "body": no_plan}
    one.sandbox.set_faults({"rules": [{**rule, "path": "a-basic/webinars"}]})
    assert said(one)[0] == 0
    one.sandbox.set_faults({"rules": [{**rule, "path": "/users/[^/]+/webinars"}]})
    status, vendors = said(one)
    assert status == 1
    assert vendors["zoom"]["problems"] == ["zoom: of 2 users asked none has the webinar plan."]


def test_wrong_credentials_are_told_in_one_message_each_and_not_shown(company: Make) -> None:
    one = company(small())
    status, vendors = said(one, ZOOM_CLIENT_SECRET="zoom-wrong-secret", HUBSPOT_ACCESS_TOKEN="pat-wrong-secret")
    assert status == 1
    (zoom,) = vendors["zoom"]["problems"]
    (hubspot,) = vendors["hubspot"]["problems"]
    assert "Check ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET, and that the app is activated." in zoom
    assert "Invalid client_id or client_secret" in zoom
    assert "The token is refused. Check HUBSPOT_ACCESS_TOKEN." in hubspot
    assert "wrong-secret" not in f"{vendors}"
    assert not vendors["zoom"]["connected"]
    assert not vendors["hubspot"]["connected"]


def test_nothing_connected_lists_what_connects(tmp_path: Path) -> None:
    answer = turnout("doctor", env={"TURNOUT_HOME": str(tmp_path / "home")}, cwd=tmp_path)
    assert answer.returncode == 0
    assert answer.stdout.splitlines() == [
        "zoom: not connected",
        "    set ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET to connect it",
        "hubspot: not connected",
        "    set HUBSPOT_ACCESS_TOKEN to connect it",
        "salesforce: not connected",
        "    set SALESFORCE_CLIENT_ID, SALESFORCE_CLIENT_SECRET to connect it",
        "marketo: not connected",
        "    set MARKETO_CLIENT_ID, MARKETO_CLIENT_SECRET to connect it",
        f"home: {tmp_path / 'home'}",
        "log: 0 streams",
    ]


@pytest.mark.parametrize("command", ["doctor", "ingest", "run"])
def test_half_configured_names_every_missing_variable_at_once(tmp_path: Path, command: str) -> None:
    env = {"TURNOUT_HOME": str(tmp_path), "ZOOM_CLIENT_ID": "x", "HUBSPOT_BASE_URL": "https://api.hubapi.com"}
    answer = turnout(command, env=env)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.splitlines() == [
        "turnout: the environment is not complete:",
        "  ZOOM_ACCOUNT_ID: not set, and zoom cannot be asked without it",
        "  ZOOM_CLIENT_SECRET: not set, and zoom cannot be asked without it",
        "  HUBSPOT_ACCESS_TOKEN: not set, and hubspot cannot be asked without it",
    ]
