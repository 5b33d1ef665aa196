"""Bulk extract: one queue for all kinds, a quota of bytes, files that are not always tidy."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.instance import ANN, BOB, OTHER, PROGRAM, InstanceDesk, activity

Enter = Callable[..., InstanceDesk]
SPAN = {"startAt": "2026-11-01T00:00:00Z", "endAt": "2026-12-01T00:00:00Z"}
LEADS: dict[str, Any] = {"fields": ["id", "email"], "filter": {"createdAt": SPAN}}


def create(desk: InstanceDesk, kind: str = "leads", body: Any = None) -> str:
    (job,) = desk.rows("POST", f"/bulk/v1/{kind}/export/create.json", body or LEADS)
    assert job["status"] == "Created"
    export: str = job["exportId"]
    return export


def enqueue(desk: InstanceDesk, export: str, kind: str = "leads") -> str:
    state: str = desk.rows("POST", f"/bulk/v1/{kind}/export/{export}/enqueue.json")[0]["status"]
    return state


def status(desk: InstanceDesk, export: str, kind: str = "leads") -> dict[str, Any]:
    return desk.rows("GET", f"/bulk/v1/{kind}/export/{export}/status.json")[0]


def read(desk: InstanceDesk, kind: str, body: Any) -> list[list[str]]:
    """The rows of a file, from creating the job on; the switch makes jobs be done at once."""
    export = create(desk, kind, body)
    assert enqueue(desk, export, kind) == "Completed"
    answer = desk.ask("GET", f"/bulk/v1/{kind}/export/{export}/file.json")
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode(), newline="")))


def test_a_job_is_made_enqueued_asked_for_and_fetched(instance: Enter) -> None:
    desk = instance()
    export = create(desk)
    path = f"/bulk/v1/leads/export/{export}"
    assert desk.ask("GET", f"{path}/file.json").status_code == 404
    assert enqueue(desk, export) == "Queued"
    assert desk.code("POST", f"{path}/enqueue.json") == "1029"
    assert [status(desk, export)["status"] for _ in range(3)] == ["Processing", "Processing", "Completed"]
    done = status(desk, export)
    content = desk.ask("GET", f"{path}/file.json").content
    assert content == b"id,email\n11,ann@x.example\n12,bob@x.example\n13,cole@x.example\n"
    assert (done["numberOfRecords"], done["fileSize"]) == (3, len(content))
    assert done["fileChecksum"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert {"createdAt", "queuedAt", "startedAt", "finishedAt", "format"} <= set(done)
    part = desk.ask("GET", f"{path}/file.json", headers={"Range": "bytes=3-7"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (
        206,
        content[3:8],
        f"bytes 3-7/{len(content)}",
    )
    rest = desk.ask("GET", f"{path}/file.json", headers={"Range": f"bytes={len(content) - 4}-"})
    assert (rest.status_code, rest.content) == (206, content[-4:])
    beyond = desk.ask("GET", f"{path}/file.json", headers={"Range": f"bytes={len(content)}-"})
    assert beyond.status_code == 416
    assert desk.code("GET", f"/bulk/v1/activities/export/{export}/status.json") == "1013"
    desk.faults(marketo__token_seconds=10**6)
    desk.desk.sandbox.set_clock("2026-11-27T12:00:00Z")
    desk.enter()
    assert desk.ask("GET", f"{path}/file.json").status_code == 404
    assert status(desk, export)["status"] == "Completed"


def test_two_run_ten_are_queued_and_a_cancelled_one_makes_room(instance: Enter) -> None:
    desk = instance()
    exports = [create(desk) for _ in range(11)]
    assert {enqueue(desk, export) for export in exports[:10]} == {"Queued"}
    assert desk.code("POST", f"/bulk/v1/leads/export/{exports[10]}/enqueue.json") == "1029"
    status(desk, exports[0])
    told = desk.rows("GET", "/bulk/v1/leads/export.json")
    assert [job["status"] for job in told] == ["Processing"] * 2 + ["Queued"] * 8 + ["Created"]
    assert len(desk.rows("GET", "/bulk/v1/leads/export.json", params={"status": "queued,created"})) == 9
    (gone,) = desk.rows("POST", f"/bulk/v1/leads/export/{exports[9]}/cancel.json")
    assert gone["status"] == "Cancelled"
    assert desk.code("POST", f"/bulk/v1/leads/export/{exports[9]}/cancel.json") == "1003"
    assert enqueue(desk, exports[10]) == "Queued"
    assert desk.rows("GET", "/bulk/v1/activities/export.json") == []


def test_the_day_s_bytes_are_shared_and_begin_anew_at_midnight_central(instance: Enter) -> None:
    desk = instance()
    desk.faults(marketo__bulk_polls=0, marketo__bulk_daily_bytes=60, marketo__token_seconds=10**6)
    waiting = create(desk)
    assert enqueue(desk, create(desk)) == "Completed"
    assert desk.code("POST", f"/bulk/v1/leads/export/{waiting}/enqueue.json") == "1029"
    members = {"fields": ["leadId"], "filter": {"programId": PROGRAM}}
    answer = desk.ask("POST", "/bulk/v1/program/members/export/create.json", members).json()
    assert answer["errors"] == [{"code": "1029", "message": "Export daily quota exceeded"}]
    desk.desk.sandbox.set_clock("2026-11-21T06:00:00Z")
    assert enqueue(desk, waiting) == "Completed"


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("leads", {"fields": ["email"]}, "1002"),
        ("leads", {"filter": LEADS["filter"]}, "1002"),
        ("leads", {**LEADS, "fields": ["shirt"]}, "1006"),
        ("leads", {**LEADS, "format": "XML"}, "1003"),
        ("leads", {**LEADS, "filter": {"smartListId": 5}}, "1035"),
        ("leads", {**LEADS, "filter": {"staticListId": 5}}, "1013"),
        ("leads", {**LEADS, "filter": {"createdAt": {**SPAN, "endAt": "2026-12-02T00:00:01Z"}}}, "1003"),
        ("leads", {**LEADS, "filter": {"createdAt": SPAN, "updatedAt": SPAN}}, "1003"),
        ("activities", {"filter": {"activityTypeIds": [1]}}, "1002"),
        ("activities", {"filter": {"createdAt": {**SPAN, "startAt": "2026-11-01T00:00:00.000Z"}}}, "1003"),
        ("activities", {"filter": {"createdAt": SPAN, "primaryAttributeValueIds": [1]}}, "1003"),
        ("activities", {"filter": {"createdAt": SPAN, "activityTypeIds": ["x"]}}, "1001"),
        ("program/members", {"fields": ["leadId"], "filter": {"statusNames": ["Invited"]}}, "1003"),
        ("program/members", {"fields": ["leadId"], "filter": {"programId": 99}}, "1013"),
    ],
)
def test_what_cannot_be_exported_is_refused_when_the_job_is_made(
    shared: InstanceDesk, kind: str, body: Any, code: str
) -> None:
    assert shared.code("POST", f"/bulk/v1/{kind}/export/create.json", body) == code


def test_activities_and_members_are_exported_by_their_filters(instance: Enter) -> None:
    words = [{"name": "Webpage ID", "value": "a\u2028b"}]
    rows = [
        activity(1, "2026-11-10T00:00:00Z", 1, primaryAttributeValue="x,\r1", attributes=words),
        activity(2, "2026-11-11T00:00:00Z", 2, BOB, primaryAttributeValueId=9),
        activity(3, "2026-11-12T00:00:00Z", 37, 99),
    ]
    members = [{"programId": PROGRAM, "leadId": ANN, "status": "Registered"}, {"programId": OTHER, "leadId": BOB}]
    desk = instance(activities=rows, members=members, static_lists=[{"id": 7, "name": "VIP", "members": [BOB]}])
    desk.faults(marketo__bulk_polls=0)
    header, first, second = read(desk, "activities", {"filter": {"createdAt": SPAN}})
    assert header[0] == "marketoGUID"
    assert first == ["1", "11", "2026-11-10T00:00:00Z", "1", "null", "null", "x,\r1", '{"Webpage ID":"a\u2028b"}']
    assert second[:2] + second[-3:] == ["2", "12", "9", "null", "{}"]
    one = {"filter": {"createdAt": SPAN, "activityTypeIds": [2], "primaryAttributeValueIds": [9]}, "fields": ["leadId"]}
    assert read(desk, "activities", {**one, "columnHeaderNames": {"leadId": "Who"}}) == [["Who"], ["12"]]
    body = {"fields": ["email", "statusName", "program"], "filter": {"programIds": [PROGRAM, OTHER]}}
    assert read(desk, "program/members", body)[1:] == [
        ["ann@x.example", "Registered", "Pricing"],
        ["bob@x.example", "Not in Program", "Paper"],
    ]
    assert len(read(desk, "program/members", {**body, "filter": {"programId": PROGRAM, "statusNames": ["x"]}})) == 1
    assert read(desk, "leads", {"fields": ["email"], "filter": {"staticListName": "VIP"}}) == [
        ["email"],
        ["bob@x.example"],
    ]
    desk.faults(
        marketo__bulk_polls=0, marketo__bulk_untidy=True, marketo__bulk_attributes="list", marketo__bulk_null=""
    )
    first = read(desk, "activities", {"filter": {"createdAt": SPAN}})[1]
    assert first[1:2] + first[4:] == ["11.0", "", "", "x,\r1\0", '[{"name":"Webpage ID","value":"a\u2028b"}]\0']


def test_switches_make_jobs_fail_files_late_and_filters_unsupported(instance: Enter) -> None:
    desk = instance()
    desk.faults(marketo__bulk_polls=0, marketo__bulk_fails=True)
    assert enqueue(desk, create(desk)) == "Failed"
    desk.faults(marketo__bulk_polls=0, marketo__bulk_file_lag=1)
    export = create(desk)
    enqueue(desk, export)
    path = f"/bulk/v1/leads/export/{export}/file.json"
    assert [desk.ask("GET", path).status_code for _ in range(2)] == [404, 200]
    body = {**LEADS, "filter": {"updatedAt": SPAN}}
    assert create(desk, "leads", body)
    desk.faults(marketo__bulk_leads_by_update=False)
    assert desk.code("POST", "/bulk/v1/leads/export/create.json", body) == "1035"


@pytest.fixture(scope="module")
def shared() -> Any:
    """One instance for questions that change nothing."""
    from pipelines.sandbox import Sandbox
    from tests.sandbox.desk import Desk
    from tests.sandbox.instance import instance_world

    with Sandbox(instance_world()) as sandbox:
        yield InstanceDesk(Desk(sandbox))
