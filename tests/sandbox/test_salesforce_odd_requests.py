"""Whatever is sent, the answer is a refusal in Salesforce's own shape, and the org stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.org import OrgDesk, refusal

Enter = Callable[..., OrgDesk]
TASKS = "/composite/sobjects/Task/Turnout_Id__c"
PART = {"referenceId": "a", "method": "GET", "url": "/services/data/v60.0/limits"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/sobjects/Task", ["x"]),
        ("POST", "/sobjects/Task", {"Subject": {"a": 1}}),
        ("POST", "/sobjects/Task", {"WhoId": 5}),
        ("POST", "/sobjects/Task", {"WhoId": []}),
        ("POST", "/sobjects/Task", {"ActivityDate": "0001-01-01"}),
        ("POST", "/sobjects/Task", {"ReminderDateTime": "0001-01-01T00:00:00+14:00"}),
        ("POST", "/sobjects/Task", {"ReminderDateTime": "9999-12-31T23:59:59-14:00"}),
        ("POST", "/sobjects/Task", {"CallDurationInSeconds": 2**40}),
        ("POST", "/sobjects/Event", {"StartDateTime": "3999-12-31T00:00:00Z", "DurationInMinutes": 2**31}),
        ("POST", "/sobjects/Task/5/6/7/8", {}),
        ("POST", "/composite/sobjects", {"records": [{"attributes": {"type": 5}}]}),
        ("POST", "/composite/sobjects", {"records": [None]}),
        ("PATCH", TASKS, {"records": [{"attributes": "Task"}]}),
        ("POST", "/composite/sobjects/Task", {"ids": [5], "fields": ["Id"]}),
        ("POST", "/composite/sobjects/Task", {"ids": "x", "fields": "Id"}),
        ("POST", "/composite", {"compositeRequest": [{}]}),
        ("POST", "/composite", {"compositeRequest": [PART, PART]}),
        ("POST", "/composite", {"compositeRequest": {}}),
        ("POST", "/jobs/ingest", {"operation": [], "object": {}}),
        ("POST", "/jobs/ingest", {"operation": "upsert", "object": "Task", "externalIdFieldName": []}),
        ("POST", "/jobs/query", {"operation": "query", "query": 5}),
        ("GET", "/query?q=SELECT+Id+FROM+Task+WHERE+CreatedDate+%3D+LAST_N_DAYS:99999999999", None),
        ("GET", "/query?q=SELECT+Id+FROM+Task+WHERE+CreatedDate+%3D+0001-01-01T00:00:00%2B14:00", None),
        ("GET", "/query?q=SELECT+SUM(Subject)+FROM+Task", None),
        ("GET", "/query/-", None),
        ("GET", "/sobjects/Task/updated?start=0001-01-01T00:00:00%2B14:00&end=2026-11-20T00:00:00Z", None),
        ("GET", "/sobjects/Task/deleted", None),
    ],
)
def test_an_odd_request_is_refused(org: Enter, method: str, path: str, body: Any) -> None:
    desk = org(Task=[{"Subject": "x"}])
    before = desk.world()
    status, code = refusal(desk.ask(method, path, body))
    assert 400 <= status < 500
    assert code == code.upper()
    assert desk.world() == before


@pytest.mark.parametrize(
    "part",
    [
        {"httpHeaders": "x"},
        {"url": 5},
        {"url": "/services/data/v60.0/composite"},
        {"method": None},
        {"url": "/services/data/v60.0/sobjects/Task", "method": "POST", "body": {"Subject": "@{nobody.id}"}},
    ],
)
def test_an_odd_part_is_refused_alone(org: Enter, part: dict[str, Any]) -> None:
    parts = [PART, PART | part | {"referenceId": "b"}]
    told = org().ask("POST", "/composite", {"compositeRequest": parts}).json()["compositeResponse"]
    assert told[0]["httpStatusCode"] == 200
    assert 400 <= told[1]["httpStatusCode"] < 500
    assert told[1]["body"][0]["errorCode"]


def test_text_that_is_no_json_is_refused(org: Enter) -> None:
    desk = org()
    assert refusal(desk.ask("POST", "/sobjects/Task", data=b"{")) == (400, "JSON_PARSER_ERROR")
