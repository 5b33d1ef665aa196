"""Bulk jobs: states, CSVs, locks between batches."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.org import OrgDesk, refusal

Enter = Callable[..., OrgDesk]
UPSERT = {"operation": "upsert", "object": "Task", "externalIdFieldName": "Turnout_Id__c"}


def text(rows: list[dict[str, Any]], ending: str = "\n") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator=ending)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def opened(desk: OrgDesk, rows: list[dict[str, Any]] | str, **given: Any) -> str:
    """Open a job and upload to it."""
    job = desk.ask("POST", "/jobs/ingest", UPSERT | given).json()
    assert job["state"] == "Open"
    assert job["contentUrl"] == f"services/data/v60.0/jobs/ingest/{job['id']}/batches"
    data = rows if isinstance(rows, str) else text(rows)
    sent = desk.ask(
        "PUT", f"/jobs/ingest/{job['id']}/batches", data=data.encode(), headers={"Content-Type": "text/csv"}
    )
    assert sent.status_code == 201
    return str(job["id"])


def patched(desk: OrgDesk, job: str, state: str = "UploadComplete") -> dict[str, Any]:
    return desk.ask("PATCH", f"/jobs/ingest/{job}", {"state": state}).json()


def info(desk: OrgDesk, job: str) -> dict[str, Any]:
    return desk.ask("GET", f"/jobs/ingest/{job}").json()


def told(desk: OrgDesk, job: str, kind: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(desk.ask("GET", f"/jobs/ingest/{job}/{kind}").text)))


def done(desk: OrgDesk, rows: list[dict[str, Any]] | str, **given: Any) -> tuple[str, dict[str, Any]]:
    job = opened(desk, rows, **given)
    patched(desk, job)
    info(desk, job)
    return job, info(desk, job)


def test_a_job_goes_on_as_it_is_asked_for_and_tells_in_no_order(org: Enter) -> None:
    desk = org()
    desk.add("Task", Turnout_Id__c="k2")
    rows = [{"Turnout_Id__c": f"k{at}", "Subject": "x" * (300 if at == 1 else 3)} for at in range(4)]
    job = opened(desk, rows)
    assert refusal(desk.ask("GET", f"/jobs/ingest/{job}/successfulResults")) == (400, "INVALIDJOBSTATE")
    assert info(desk, job)["state"] == "Open"
    assert patched(desk, job)["state"] == "UploadComplete"
    assert info(desk, job)["state"] == "InProgress"
    assert [row["Turnout_Id__c"] for row in desk.world()["Task"]] == ["k2"]
    last = info(desk, job)
    assert (last["state"], last["numberRecordsProcessed"], last["numberRecordsFailed"]) == ("JobComplete", 4, 1)
    good, bad = told(desk, job, "successfulResults"), told(desk, job, "failedResults")
    assert [row["Turnout_Id__c"] for row in good] == ["k3", "k2", "k0"]
    assert [row["sf__Created"] for row in good] == ["true", "false", "true"]
    assert {row["sf__Id"] for row in good} == {row["Id"] for row in desk.world()["Task"]}
    assert bad[0]["sf__Error"].startswith("STRING_TOO_LONG:")
    assert bad[0]["sf__Error"].endswith(":Subject --")
    assert told(desk, job, "unprocessedrecords") == []


def test_what_is_not_done_when_a_job_is_aborted_is_told(org: Enter) -> None:
    desk = org()
    rows = [{"Turnout_Id__c": f"k{at:03}"} for at in range(500)]
    job = opened(desk, rows)
    patched(desk, job)
    info(desk, job)
    assert patched(desk, job, "Aborted")["state"] == "Aborted"
    assert len(told(desk, job, "successfulResults")) == len(desk.world()["Task"]) == 200
    left = told(desk, job, "unprocessedrecords")
    assert (len(left), set(left[0])) == (300, {"Turnout_Id__c"})
    assert refusal(desk.ask("PATCH", f"/jobs/ingest/{job}", {"state": "Aborted"})) == (400, "INVALIDJOBSTATE")


def test_a_job_that_fails_leaves_the_rest(org: Enter) -> None:
    desk = org()
    desk.faults(salesforce__bulk_fails=True)
    job, last = done(desk, [{"Turnout_Id__c": f"k{at:03}"} for at in range(400)])
    assert last["state"] == "Failed"
    assert last["errorMessage"]
    assert len(told(desk, job, "successfulResults")) == len(told(desk, job, "unprocessedrecords")) == 200


@pytest.mark.parametrize(
    ("data", "given", "words"),
    [
        ("Turnout_Id__c\r\nk1\r\n", {}, "LineEnding is invalid"),
        ("Turnout_Id__c\nk1\n", {"lineEnding": "CRLF"}, "LineEnding is invalid"),
        ("Turnout_Id__c,Foo\nk1,x\n", {}, "Field name not found : Foo"),
        ("Turnout_Id__c;Subject\nk1;x\n", {}, "Field name not found"),
        ("Turnout_Id__c,Subject\nk1\n", {}, "cells"),
        ('Turnout_Id__c\n"k1\n', {}, "InvalidBatch"),
    ],
)
def test_a_csv_that_cannot_be_read_fails_the_whole_job(org: Enter, data: str, given: Any, words: str) -> None:
    desk = org()
    _, last = done(desk, data, **given)
    assert last["state"] == "Failed"
    assert words in last["errorMessage"]
    assert desk.world()["Task"] == []


def test_line_endings_and_delimiters_that_are_told_are_right(org: Enter) -> None:
    desk = org()
    rows = text([{"Turnout_Id__c": "k1", "Description": "two\nlines"}], "\r\n")
    job, last = done(desk, rows, lineEnding="CRLF")
    assert last["state"] == "JobComplete"
    assert desk.ask("GET", f"/jobs/ingest/{job}/successfulResults").text.count("\r\n") == 2
    assert desk.world()["Task"][0]["Description"] == "two\nlines"
    _, last = done(desk, "Turnout_Id__c;Subject\nk2;a,b\n", columnDelimiter="SEMICOLON")
    assert (last["state"], desk.world()["Task"][1]["Subject"]) == ("JobComplete", "a,b")


def test_an_empty_cell_keeps_and_the_sign_for_null_clears(org: Enter) -> None:
    desk = org()
    desk.upsert({"Turnout_Id__c": "k", "Subject": "keep", "Description": "clear"})
    done(desk, "Turnout_Id__c,Subject,Description\nk,,#N/A\n")
    (row,) = desk.world()["Task"]
    assert (row["Subject"], row["Description"]) == ("keep", None)


def test_rows_are_updated_and_deleted_by_id_and_typed(org: Enter) -> None:
    desk = org()
    task = desk.add("Task", Subject="x")
    job, last = done(desk, f"Id,CallDurationInSeconds\n{task},many\n{task},7\nnothing,8\n", operation="update")
    assert last["numberRecordsFailed"] == 2
    errors = {row["sf__Error"].partition(":")[0] for row in told(desk, job, "failedResults")}
    assert errors == {"INVALID_TYPE_ON_FIELD_IN_RECORD", "MALFORMED_ID"}
    assert desk.row("Task", task)["CallDurationInSeconds"] == 7
    done(desk, f"Id\n{task}\n", operation="delete")
    assert desk.row("Task", task)["IsDeleted"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"operation": "merge"}, "INVALIDJOB"),
        ({"operation": "hardDelete"}, "FEATURENOTENABLED"),
        ({"object": "Tusk"}, "INVALIDENTITY"),
        ({"externalIdFieldName": "Subject"}, "INVALIDJOB"),
        ({"lineEnding": "CR"}, "INVALIDJOB"),
        ({"contentType": "JSON"}, "INVALIDJOB"),
    ],
)
def test_a_job_that_cannot_be_is_refused(org: Enter, given: dict[str, str], code: str) -> None:
    assert refusal(org().ask("POST", "/jobs/ingest", UPSERT | given)) == (400, code)


def test_one_upload_a_job_and_states_in_their_order(org: Enter) -> None:
    desk = org()
    job = opened(desk, "Turnout_Id__c\nk\n")
    put = {"data": b"x", "headers": {"Content-Type": "text/csv"}}
    assert refusal(desk.ask("PUT", f"/jobs/ingest/{job}/batches", **put)) == (400, "CLIENTINPUTERROR")
    assert refusal(desk.ask("PATCH", f"/jobs/ingest/{job}", {"state": "Done"})) == (400, "INVALIDJOB")
    assert refusal(desk.ask("DELETE", f"/jobs/ingest/{job}")) == (400, "INVALIDJOBSTATE")
    patched(desk, job)
    assert refusal(desk.ask("PUT", f"/jobs/ingest/{job}/batches", **put)) == (400, "INVALIDJOBSTATE")
    assert refusal(desk.ask("PATCH", f"/jobs/ingest/{job}", {"state": "UploadComplete"})) == (400, "INVALIDJOBSTATE")
    other = desk.ask("POST", "/jobs/ingest", UPSERT).json()["id"]
    assert refusal(desk.ask("PUT", f"/jobs/ingest/{other}/batches", data=b"x")) == (400, "CLIENTINPUTERROR")
    info(desk, job), info(desk, job)
    assert desk.ask("DELETE", f"/jobs/ingest/{job}").status_code == 204
    assert refusal(desk.ask("GET", f"/jobs/ingest/{job}")) == (404, "NOT_FOUND")
    desk.desk.sandbox.set_clock("2026-11-27T12:00:00Z")
    desk.enter()
    assert refusal(desk.ask("GET", f"/jobs/ingest/{other}")) == (404, "NOT_FOUND")


def open_tasks(desk: OrgDesk, order: Callable[[int], Any], **values: str) -> list[dict[str, str]]:
    """400 tasks of 20 people, in some order."""
    people = [row["Id"] for row in desk.world()["Contact"]]
    rows = [
        {"Turnout_Id__c": f"k{at:03}", "WhoId": people[at % 20], "ActivityDate": "2026-11-19", **values}
        for at in range(400)
    ]
    return [rows[at] for at in sorted(range(400), key=order)]


def test_parallel_batches_lock_each_other_out_unless_one_parents_rows_stand_together(org: Enter) -> None:
    people = [{"LastName": f"P{at}"} for at in range(20)]
    failures = []
    for order, values in (
        (lambda at: at, {}),
        (lambda at: at % 20, {}),
        (lambda at: at, {"Status": "Completed"}),
    ):
        desk = org(Contact=people)
        desk.faults(salesforce__bulk_batch_rows=200)
        job, last = done(desk, open_tasks(desk, order, **values))
        codes = {row["sf__Error"].partition(":")[0] for row in told(desk, job, "failedResults")}
        assert codes <= {"UNABLE_TO_LOCK_ROW"}
        failures.append(last["numberRecordsFailed"])
    assert failures == [200, 0, 0]


def test_a_query_job_gives_its_rows_in_pieces_until_null(org: Enter) -> None:
    desk = org(Contact=[{"LastName": f"P{at}", "Email": f"p{at}@x.example" if at else None} for at in range(5)])
    given = {
        "operation": "query",
        "query": "SELECT Id, LastName, Email, Owner.Name, IsDeleted FROM Contact ORDER BY LastName",
    }
    job = desk.ask("POST", "/jobs/query", given).json()
    assert job["state"] == "UploadComplete"
    path = f"/jobs/query/{job['id']}"
    assert refusal(desk.ask("GET", f"{path}/results")) == (400, "INVALIDJOBSTATE")
    assert [desk.ask("GET", path).json()["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    locator, seen, counts = "", [], []
    while locator != "null":
        answer = desk.ask(
            "GET", f"{path}/results", params={"maxRecords": 2, **({"locator": locator} if locator else {})}
        )
        seen += list(csv.DictReader(io.StringIO(answer.text)))
        counts.append(answer.headers["Sforce-NumberOfRecords"])
        locator = answer.headers["Sforce-Locator"]
    assert counts == ["2", "2", "1"]
    assert [row["LastName"] for row in seen] == [f"P{at}" for at in range(5)]
    assert (seen[0]["Email"], seen[0]["IsDeleted"], seen[0]["Owner.Name"]) == ("", "false", "Integration")
    assert refusal(desk.ask("GET", f"{path}/results", params={"locator": "x"})) == (400, "INVALID_QUERY_LOCATOR")
    assert desk.ask("DELETE", path).status_code == 204


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Id FROM TaskStatus", "INVALIDENTITY"),
        ("SELECT COUNT() FROM Task", "FEATURENOTENABLED"),
        ("SELECT Foo FROM Task", "INVALID_FIELD"),
        ("SELECT", "MALFORMED_QUERY"),
    ],
)
def test_a_query_job_that_cannot_be_is_refused(org: Enter, query: str, code: str) -> None:
    assert refusal(org().ask("POST", "/jobs/query", {"operation": "query", "query": query})) == (400, code)
