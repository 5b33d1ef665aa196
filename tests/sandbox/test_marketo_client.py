"""The best-known Python client of Marketo against the sandbox: marketorestpython 0.5.

It sends no more than five calls a second, which a machine of one's own need not wait for.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from marketorestpython.client import MarketoClient
from marketorestpython.helper import http_lib

from tests.sandbox.instance import ANN, BOB, PROGRAM, InstanceDesk, activity

Enter = Callable[..., InstanceDesk]
SPAN = {"startAt": "2026-11-01T00:00:00Z", "endAt": "2026-12-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_lib, "time", SimpleNamespace(time=time.time, sleep=lambda seconds: None))


@pytest.fixture
def desk(instance: Enter) -> InstanceDesk:
    rows = [activity(at, f"2026-11-10T00:{at // 60:02}:{at % 60:02}Z", 1 + at // 400) for at in range(1, 451)]
    programs = [{"id": PROGRAM + at, "name": "Pricing" if not at else f"P{at}"} for at in range(45)]
    found = instance(activities=rows, programs=programs)
    found.faults(marketo__rate_limits=False)
    return found


@pytest.fixture
def client(desk: InstanceDesk) -> Any:
    environment = desk.desk.environment
    client = MarketoClient(
        "100-TRN-001", environment["MARKETO_CLIENT_ID"], environment["MARKETO_CLIENT_SECRET"], max_retry_time=1
    )
    client.host = desk.url
    return client


def test_it_finds_and_writes_leads(desk: InstanceDesk, client: Any) -> None:
    do = client.execute
    found = do(method="get_multiple_leads_by_filter_type", filterType="email", filterValues=["ann@x.example"])
    assert [lead["id"] for lead in found] == [ANN]
    told = do(method="create_update_leads", leads=[{"email": "new@x.example"}, {"email": "no"}], lookupField="email")
    assert [row["status"] for row in told] == ["created", "skipped"]
    assert do(method="get_lead_by_id", id=told[0]["id"], fields=["email"])[0]["email"] == "new@x.example"
    assert do(method="merge_lead", id=ANN, leadIds=[told[0]["id"]]) is True
    assert do(method="delete_lead", id=[BOB])[0]["status"] == "deleted"
    assert [row["leadId"] for row in do(method="get_deleted_leads", sinceDatetime="2026-11-01")] == [BOB]
    assert len(do(method="describe2")[0]["fields"]) == len(do(method="describe"))
    assert do(method="get_lead_partitions")[0]["name"] == "Default"
    with pytest.raises(Exception, match="1004"):
        do(method="get_lead_by_id", id=99)


def test_it_reads_programs_and_moves_members(desk: InstanceDesk, client: Any) -> None:
    do = client.execute
    assert len(do(method="browse_programs")) == 45
    assert do(method="get_program_by_id", id=PROGRAM)[0]["name"] == "Pricing"
    assert do(method="get_program_by_name", name="Pricing")[0]["id"] == PROGRAM
    assert [row["name"] for row in do(method="get_channels")] == ["Content", "Webinar"]
    assert do(method="get_channel_by_name", name="Webinar")[0]["progressionStatuses"]
    told = do(method="push_lead", leads=[{"email": "bob@x.example"}], programName="Pricing", programStatus="Invited")
    assert told == [{"id": BOB, "status": "updated"}]
    told = do(method="change_lead_program_status", id=PROGRAM, leadIds=[ANN, BOB], status="Registered")
    assert [row["status"] for row in told] == ["skipped", "Registered"]
    told = do(method="sync_program_member_data", id=PROGRAM, input=[{"leadId": BOB, "webinarUrl": "https://x.example"}])
    assert told == [{"seq": 0, "leadId": BOB, "status": "updated"}]
    leads = do(method="get_multiple_leads_by_program_id", programId=PROGRAM)
    assert [lead["membership"]["progressionStatus"] for lead in leads] == ["Registered", "Registered"]
    assert ["statusName"] in do(method="describe_program_member")[0]["searchableFields"]


def test_it_keeps_static_lists(desk: InstanceDesk, client: Any) -> None:
    do = client.execute
    (made,) = do(method="create_list", name="VIP", folderId=1, folderType="Folder")
    assert do(method="add_leads_to_list", listId=made["id"], id=[ANN, BOB])[1] == {"id": BOB, "status": "added"}
    told = do(method="member_of_list", listId=made["id"], id=[ANN, 99])
    assert [row["status"] for row in told] == ["memberof", "skipped"]
    assert len(do(method="get_multiple_leads_by_list_id", listId=made["id"])) == 2
    assert do(method="remove_leads_from_list", listId=made["id"], id=[ANN])[0]["status"] == "removed"
    assert [row["name"] for row in do(method="get_multiple_lists")] == ["VIP"]
    assert [row["name"] for row in do(method="browse_lists")] == ["VIP"]
    assert do(method="delete_list", id=made["id"]) == [{"id": made["id"]}]


def test_it_reads_the_log_through_pages_without_rows(desk: InstanceDesk, client: Any) -> None:
    do = client.execute
    assert len(do(method="get_lead_activities", activityTypeIds=["2"], sinceDatetime="2026-11-01")) == 51
    rows = do(
        method="get_lead_activities",
        activityTypeIds=["1", "2"],
        sinceDatetime="2026-11-01",
        untilDatetime="2026-11-10T00:05:00",
    )
    assert len(rows) == 300
    do(method="create_update_leads", leads=[{"email": "ann@x.example", "phone": "1"}])
    assert len(do(method="get_lead_changes", fields=["phone"], sinceDatetime="2026-11-20")) == 1
    assert 104 in {row["id"] for row in do(method="get_activity_types")}
    assert do(method="get_daily_usage")[0]["total"] > 5
    assert do(method="get_last_7_days_errors")[0]["errors"] == []


def test_it_exports_in_bulk(desk: InstanceDesk, client: Any) -> None:
    do = client.execute
    for kind, fields, wanted, count in (
        ("leads", ["id", "email"], {"createdAt": SPAN}, 3),
        ("activities", None, {"createdAt": SPAN, "activityTypeIds": [2]}, 51),
        ("program_members", ["leadId", "statusName"], {"programId": PROGRAM}, 1),
    ):
        (job,) = do(method=f"create_{kind}_export_job", fields=fields, filters=wanted)
        do(method=f"enqueue_{kind}_export_job", job_id=job["exportId"])
        states = [do(method=f"get_{kind}_export_job_status", job_id=job["exportId"])[0]["status"] for _ in range(3)]
        assert states == ["Processing", "Processing", "Completed"]
        content = do(method=f"get_{kind}_export_job_file", job_id=job["exportId"])
        assert len(list(csv.reader(io.StringIO(content.decode())))) == count + 1
        assert [one["exportId"] for one in do(method=f"get_{kind}_export_jobs_list")] == [job["exportId"]]
    (job,) = do(method="create_leads_export_job", fields=["id"], filters={"createdAt": SPAN})
    assert do(method="cancel_leads_export_job", job_id=job["exportId"])[0]["status"] == "Cancelled"


def test_it_renews_a_token_whose_time_is_over_and_tries_again_after_a_limit(desk: InstanceDesk, client: Any) -> None:
    do = client.execute
    do(method="get_lead_partitions")
    first = client.token
    desk.desk.sandbox.set_clock("2026-11-20T13:00:00Z")
    client.valid_until = time.time() + 59
    assert do(method="get_lead_partitions")[0]["name"] == "Default"
    assert client.token != first
    rule = {"kind": "rate_limit", "vendor": "marketo", "path": "/rest/"}
    desk.faults({**rule, "times": 1})
    assert do(method="get_lead_partitions")[0]["name"] == "Default"
    desk.faults({**rule, "policy": "daily"})
    with pytest.raises(Exception, match="607"):
        do(method="get_lead_partitions")
