"""Salesforce as a destination: what is sent, what comes of each row, and what is done about what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest
import requests

from pipelines.errors import QuotaError, TransientError, UnknownOutcomeError
from pipelines.publish.rows import Outcome, Phase, Row
from pipelines.sandbox import Sandbox
from pipelines.settings import connections
from pipelines.vendors.salesforce import bulk
from pipelines.vendors.salesforce.destination import PHASES, SalesforceDestination
from pipelines.vendors.salesforce.fitness import lacking, unknown_types

NOW = "2026-11-20T12:00:00Z"
CREATE, UPDATE, DELETE = PHASES


class Notes:
    """A book of jobs, in memory."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}

    def note(self, job: str, keys: Sequence[str]) -> None:
        self.told[job] = list(keys)

    def jobs(self, keys: Any) -> list[str]:
        return [job for job, mine in self.told.items() if not set(keys).isdisjoint(mine)]


class Org:
    """A sandbox with one org, and the destination that writes to it."""

    def __init__(self, **org: Any) -> None:
        told = {"org_id": "00D5g000001abcdEAA", "client_id": "id", "client_secret": "secret", **org}
        self.sandbox = Sandbox({"now": NOW, "salesforce": [told]})
        self.sandbox.start()
        self.book = Notes()
        self.naps: list[float] = []
        mine = {name: value for name, value in self.sandbox.environment.items() if name.startswith("SALESFORCE")}
        self.destination = SalesforceDestination(connections(mine)["salesforce"], {})
        self.destination.client.api.sleep = self.naps.append
        self.destination.begin(self.book)

    def ids(self, kind: str = "Contact") -> list[str]:
        """Return the ids of the people there."""
        return [row["Id"] for row in self.sandbox.world()["salesforce"][0][kind]]

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Return key to Task of all that were not deleted."""
        rows = self.sandbox.world()["salesforce"][0].get("Task", [])
        return {row["Turnout_Id__c"]: row for row in rows if row.get("Turnout_Id__c") and not row.get("IsDeleted")}

    def send(self, rows: Sequence[Row], phase: Phase = CREATE) -> list[Outcome]:
        """Send a batch, and begin a new list of what was asked."""
        self.sandbox.clear_requests()
        return self.destination.send(phase, rows)

    def calls(self) -> list[str]:
        """Return the calls since, but those for a token."""
        return [
            f"{one['method']} {one['path'].partition('?')[0].partition('v64.0')[2]}"
            for one in self.sandbox.requests()
            if "oauth2" not in one["path"]
        ]

    def faults(self, *rules: dict[str, Any], **switches: Any) -> None:
        """Let the sandbox fail."""
        named = {f"salesforce.{name}": value for name, value in switches.items()}
        self.sandbox.set_faults({"rules": [{"vendor": "salesforce", **rule} for rule in rules], "switches": named})

    def control(self, path: str, **body: Any) -> None:
        """Do what no API of Salesforce does: convert, merge."""
        requests.post(
            f"{self.sandbox.control_url}/_sandbox/salesforce/{path}", json=body, timeout=10
        ).raise_for_status()


@pytest.fixture
def org() -> Iterator[Any]:
    made: list[Org] = []

    def make(people: int = 2, leads: int = 0, **told: Any) -> Org:
        told.setdefault("Contact", [{"LastName": f"P{n}", "Email": f"p{n}@x.example"} for n in range(people)])
        told.setdefault("Lead", [{"LastName": f"L{n}", "Company": "X", "Status": "Open"} for n in range(leads)])
        made.append(Org(**told))
        return made[-1]

    yield make
    for one in made:
        one.sandbox.stop()


def task(number: int, who: str, **fields: str | None) -> Row:
    """A Task to create."""
    told = {"Subject": f"Call {number}", "Status": "Completed", "ActivityDate": "2026-11-19", "WhoId": who, **fields}
    return Row("task", "create", f"t-{number}", None, told)


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what became of each row."""
    return [outcome.status for outcome in outcomes]


def test_two_hundred_tasks_are_one_call_and_each_has_its_answer(org: Any) -> None:
    one = org()
    ada = one.ids()[0]
    rows = [task(n, ada) for n in range(200)]
    done = one.send(rows)
    assert statuses(done) == ["published"] * 200
    assert one.calls() == ["PATCH /composite/sobjects/Task/Turnout_Id__c"]
    held = one.tasks()
    assert [held[row.key]["Id"] for row in rows] == [outcome.vendor_id for outcome in done]
    assert statuses(one.send(rows)) == ["published"] * 200
    assert len(one.tasks()) == 200


def test_a_row_that_is_refused_stops_no_other(org: Any) -> None:
    one = org()
    ada = one.ids()[0]
    done = one.send([task(1, ada), task(2, ada, Subject="x" * 256), task(3, ada, Type="Nonsense"), task(4, ada)])
    assert statuses(done) == ["published", "rejected", "rejected", "published"]
    assert done[1].reason.startswith("STRING_TOO_LONG: ")
    assert done[2].reason.startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: ")


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_locked_record_is_tried_again_and_others_are_not_sent_twice(org: Any, is_wrapped: bool) -> None:
    one = org()
    ada, bob = one.ids()
    one.faults(locked_parents=[ada], lock_times=2, wrapped_locks=is_wrapped)
    done = one.send([task(1, ada, Status="Not Started"), task(2, bob)])
    assert statuses(done) == ["published", "published"]
    writes = [call for call in one.sandbox.requests() if call["method"] == "PATCH"]
    assert [call["records"] for call in writes] == [1, 0, 1]  # those that were written


def test_a_record_that_stays_locked_waits(org: Any) -> None:
    one = org()
    ada, bob = one.ids()
    one.faults(locked_parents=[ada])
    done = one.send([task(31, ada, Status="Not Started"), task(32, bob)])
    assert statuses(done) == ["waiting", "published"]
    assert "locked" in done[0].reason


def test_a_person_who_was_merged_or_converted_meanwhile_is_followed(org: Any) -> None:
    one = org(people=2, leads=2)
    (ada, bob), (lia, lou) = one.ids(), one.ids("Lead")
    one.control("merge", winner=ada, loser=bob)
    one.control("convert", leadId=lia)
    rows = [task(1, bob), task(2, lia), task(3, lou), task(4, ada)]
    done = one.send(rows)
    assert statuses(done) == ["published"] * 4
    heir = next(row for row in one.sandbox.world()["salesforce"][0]["Lead"] if row["Id"] == lia)["ConvertedContactId"]
    assert [one.tasks()[f"t-{n}"]["WhoId"] for n in (1, 2, 3, 4)] == [ada, heir, lou, ada]
    assert done[0].told()["fields"]["WhoId"] == ada
    assert done[0].row is rows[0]


def test_a_person_who_was_deleted_takes_no_task(org: Any) -> None:
    one = org()
    world = one.sandbox.world()
    world["salesforce"][0]["Contact"][0]["IsDeleted"] = True
    one.sandbox.put_world(world)
    gone, bob = one.ids()
    done = one.send([task(1, gone), task(2, bob)])
    assert statuses(done) == ["rejected", "published"]
    assert "deleted in Salesforce" in done[0].reason


def test_an_org_that_is_full_stops_the_sending_and_not_the_row(org: Any) -> None:
    one = org()
    ada = one.ids()[0]
    one.faults(storage_rows=0)
    done = one.send([task(1, ada)])
    assert statuses(done) == ["waiting"]
    assert "storage is full" in done[0].reason
    one.sandbox.clear_requests()
    with pytest.raises(QuotaError, match="storage is full"):
        one.destination.send(CREATE, [task(2, ada)])
    assert one.calls() == []
    one.faults()
    one.destination.begin(one.book)
    assert statuses(one.send([task(1, ada), task(2, ada)])) == ["published"] * 2


def test_a_validation_rule_of_the_org_is_told_in_its_own_words(org: Any) -> None:
    one = org()
    one.faults(validation_rules=["Task | Subject = 'Call 1' | No calls here | Subject"])
    done = one.send([task(1, one.ids()[0]), task(2, one.ids()[0])])
    assert statuses(done) == ["rejected", "published"]
    assert done[0].reason == "FIELD_CUSTOM_VALIDATION_EXCEPTION: No calls here"


@pytest.mark.parametrize("kind", ["drop_after", "accept_500", "drop_before", "truncate"])
def test_a_lost_answer_is_asked_for(org: Any, kind: str) -> None:
    one = org()
    rows = [task(n, one.ids()[0]) for n in range(3)]
    one.faults({"path": "/composite/sobjects", "kind": kind, "times": 1})
    with pytest.raises(UnknownOutcomeError):
        one.send(rows)
    expected = "not_done" if kind == "drop_before" else "published"
    assert statuses(one.destination.ask(rows)) == [expected] * 3
    assert len(one.tasks()) == (0 if kind == "drop_before" else 3)


def test_a_change_goes_to_the_task_itself_and_makes_no_new_one(org: Any) -> None:
    one = org()
    (done,) = one.send([task(1, one.ids()[0])])
    change = Row(
        "task", "update", "t-1", done.vendor_id, {"Subject": "New", "Description": None}, {"Subject": "Call 1"}
    )
    assert statuses(one.send([change], UPDATE)) == ["published"]
    assert one.calls() == ["PATCH /composite/sobjects"]
    assert one.tasks()["t-1"]["Subject"] == "New"
    assert statuses(one.destination.ask([change])) == ["published"]
    other = Row("task", "update", "t-1", done.vendor_id, {"Subject": "Newer"}, {})
    assert statuses(one.destination.ask([other])) == ["not_done"]
    world = one.sandbox.world()
    world["salesforce"][0]["Task"][0]["IsDeleted"] = True
    one.sandbox.put_world(world)
    (outcome,) = one.send([other], UPDATE)
    assert outcome.status == "rejected"
    assert one.tasks() == {}


def test_many_rows_are_one_job_and_each_has_its_answer(org: Any) -> None:
    one = org(people=3)
    people = one.ids()
    rows = [task(n, people[n % 3], Subject="x" * 256 if n == 7 else f'Zoë, "{n}"\nnext') for n in range(2_500)]
    done = one.send(rows)
    assert [outcome.status for outcome in done].count("published") == 2_499
    assert done[7].status == "rejected"
    assert done[7].reason.startswith("STRING_TOO_LONG: ")
    assert len(one.tasks()) == 2_499
    assert one.tasks()["t-8"]["Subject"] == 'Zoë, "8"\nnext'
    assert len(one.calls()) <= 12
    assert list(one.book.told.values()) == [[row.key for row in rows]]


def test_a_job_that_fails_half_way_accounts_for_every_row(org: Any) -> None:
    one = org()
    one.faults(bulk_fails=True)
    rows = [task(n, one.ids()[0]) for n in range(300)]
    done = one.send(rows)
    told = statuses(done)
    assert 0 < told.count("published") < 300
    assert set(told) == {"published", "not_done"}
    assert len(one.tasks()) == told.count("published")
    one.faults()
    again = [outcome.row for outcome in done if outcome.status == "not_done"]
    assert set(statuses(one.send(again))) == {"published"}
    assert len(one.tasks()) == 300


@pytest.mark.parametrize(
    "path", ["/jobs/ingest$", "/batches", "/jobs/ingest/750[^/]*$", "successfulResults", "failedResults"]
)
@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_job_that_was_broken_off_is_asked_about(org: Any, path: str, kind: str) -> None:
    one = org()
    one.destination.client.api.tries = 1
    rows = [task(n, one.ids()[0]) for n in range(250)]
    one.faults({"path": path, "kind": kind, "times": 1})
    try:
        done = one.send(rows)
    except UnknownOutcomeError:
        done = one.destination.ask(rows)
    except TransientError:
        done = [Outcome(row, "not_done") for row in rows]
        assert one.book.told == {}  # the job itself could not be made, so nothing was sent
    assert set(statuses(done)) <= {"published", "not_done"}
    published = [outcome for outcome in done if outcome.status == "published"]
    assert len(one.tasks()) == len(published)
    one.faults()
    again = [outcome.row for outcome in done if outcome.status == "not_done"]
    if again:
        assert set(statuses(one.send(again))) == {"published"}
    assert len(one.tasks()) == 250


def test_what_locks_refuse_in_a_job_goes_once_more_in_calls(org: Any) -> None:
    one = org()
    ada, bob = one.ids()
    one.faults(locked_parents=[ada], lock_times=5)
    rows = [task(n, ada if n < 5 else bob, Status="Not Started") for n in range(300)]
    assert set(statuses(one.send(rows))) == {"published"}
    assert len(one.tasks()) == 300


def test_a_csv_tells_apart_what_is_left_alone_and_what_is_cleared() -> None:
    told = bulk.as_csv([{"Id": "1", "Subject": 'a "b"\nc'}, {"Id": "2", "Subject": None}, {"Id": "3"}])
    assert told.decode() == 'Id,Subject\n1,"a ""b""\nc"\n2,#N/A\n3,\n'


@pytest.mark.rule("HS-01")
def test_a_task_type_that_the_org_lacks_is_named_before_anything_is_sent(org: Any) -> None:
    one = org(task_types=["Call", "Email"])
    fields = {field["name"]: field for field in _described(one)}
    assert unknown_types(fields, {"call_made": "Call", "note_created": ""}) == []
    (problem,) = unknown_types(fields, {"call_made": "Cal", "form_submission": "Email"})
    assert "activities.call_made.task_type: Task has no type 'Cal'; it has Call, Email" in problem
    one.faults(missing_fields=["Turnout_Id__c"])
    assert any(
        "Task has no field Turnout_Id__c" in line for line in lacking("Task", {f["name"]: f for f in _described(one)})
    )
    one.faults(readonly_fields=["Turnout_Occurred_At__c"])
    (line,) = lacking("Task", {f["name"]: f for f in _described(one)})
    assert "cannot write Task.Turnout_Occurred_At__c" in line


def _described(one: Org) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(one.destination.client.describe("Task"))["fields"]
    return found
