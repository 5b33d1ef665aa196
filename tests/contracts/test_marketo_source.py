"""Marketo as a source: what a reading leaves in the log, what it asks for, what it makes of refusals at HTTP 200."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import AuthError, CredentialsError, QuotaError, RefusedError, TransientError
from pipelines.ingest import IngestReceipt, ingest
from pipelines.log import Log
from pipelines.rates import Rate
from pipelines.sandbox import Sandbox
from pipelines.settings import Connection, Ingest
from pipelines.vendors.marketo import MarketoClient, MarketoSource
from pipelines.vendors.marketo.client import next_midnight
from tests.contracts.readings import STORM

NOW = "2026-11-20T12:00:00Z"
LONG_AGO = "2026-01-01T00:00:00Z"
EVENT, OTHER, PAPER = 1001, 1002, 1003


def world(**given: Any) -> dict[str, Any]:
    """Five leads, two events of which one has members, a program that is none."""
    return {
        "now": NOW,
        "marketo": [
            {
                "munchkin_id": "100-ABC-200",
                "leads": [{"id": at, "email": f"p{at}@x.example", "company": f"C{at}"} for at in range(1, 6)],
                "programs": [
                    {"id": EVENT, "tags": [{"tagType": "Zoom Webinar", "tagValue": "84"}], "createdAt": LONG_AGO},
                    {"id": OTHER, "createdAt": LONG_AGO},
                    {"id": PAPER, "channel": "Content", "createdAt": LONG_AGO},
                ],
                "members": [
                    {"programId": EVENT, "leadId": 1, "status": "Registered", "webinarUrl": "https://x.example"},
                    {"programId": EVENT, "leadId": 2, "status": "Invited"},
                    {"programId": PAPER, "leadId": 5},
                ],
                "activities": [
                    {"id": 1, "leadId": 1, "activityTypeId": 104, "activityDate": "2026-11-19T00:00:00Z"},
                    {"id": 2, "leadId": 1, "activityTypeId": 1, "activityDate": "2026-11-19T01:00:00Z"},
                ],
                **given,
            }
        ],
    }


class Instance:
    """A sandbox with one instance, and a log that it is read into. Naps are written down and not taken."""

    def __init__(self, home: Path, **given: Any) -> None:
        self.sandbox = Sandbox(world(**given))
        self.sandbox.start()
        self.log = Log(home)
        self.naps: list[float] = []
        self.switches: dict[str, Any] = {"marketo.rate_limits": False, "marketo.token_seconds": 10**8}
        self.faults()

    def client(self) -> MarketoClient:
        """A client of its own, whose pace nothing holds back."""
        return self._unhurried(MarketoClient(self._connection()))

    def _connection(self) -> Connection:
        environment = self.sandbox.environment
        return Connection(
            "marketo",
            environment["MARKETO_BASE_URL"],
            client_id=environment["MARKETO_CLIENT_ID"],
            client_secret=environment["MARKETO_CLIENT_SECRET"],
        )

    def _unhurried(self, client: MarketoClient) -> MarketoClient:
        client.api.sleep = client.session._api.sleep = self.naps.append
        client.api.set_limit("", [Rate(1_000_000, 1_000)])
        return client

    def read(self, *streams: str, **machine: Any) -> IngestReceipt:
        """Read, and begin a new list of what was asked."""
        self.sandbox.clear_requests()
        source = MarketoSource(self._connection(), Ingest(**{"years": 1, **machine}))
        self._unhurried(source.client)
        return ingest(source, self.log, run="test", streams=streams or None)

    def latest(self, stream: str) -> dict[str, Any]:
        """Return key to record of all that is present."""
        return self.log.latest("marketo", stream)

    def asked(self, sign: str) -> list[str]:
        """Return the paths of the calls whose path has a sign in it."""
        return [one["path"] for one in self.sandbox.requests() if sign in one["path"]]

    def faults(self, *rules: dict[str, Any], **switches: Any) -> None:
        """Let go wrong what is named, and nothing else."""
        named = {f"marketo.{name}": value for name, value in switches.items()}
        self.sandbox.set_faults({"rules": list(rules), "switches": {**self.switches, **named}})

    def change(self, **lists: Any) -> None:
        """Put other lists into the world of the instance."""
        found = self.sandbox.world()
        found["marketo"][0] |= lists
        self.sandbox.put_world(found)

    def move(self, program: int, lead: int, status: str) -> None:
        """Give a member a status, as anybody may."""
        client = self.client()
        path = f"/rest/v1/programs/{program}/members/status.json"
        told = client.api.call("POST", path, doing="a status", json={"statusName": status, "input": [{"leadId": lead}]})
        assert told.data["result"][0]["status"] == "updated"


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Any]:
    made: list[Instance] = []

    def make(**given: Any) -> Instance:
        made.append(Instance(tmp_path / f"home{len(made)}", **given))
        return made[-1]

    yield make
    for instance in made:
        instance.sandbox.stop()


def test_everything_is_read_once_and_then_what_is_new(one: Any) -> None:
    instance = one()
    receipt = instance.read()
    assert (receipt.failed, receipt.notes) == ({}, [])
    assert sorted(instance.latest("channels")) == ["1", "2"]
    assert instance.latest("programs")[str(EVENT)]["tags"][0]["tagValue"] == "84"
    assert set(instance.latest("activities")) == {"1"}, "a visit is none of the types that are read"
    assert set(instance.latest("members")) == {f"{EVENT}-1", f"{EVENT}-2"}, "a paper is no event"
    member = instance.latest("members")[f"{EVENT}-1"]
    assert (member["statusName"], member["webinarUrl"], "seq" in member) == ("Registered", "https://x.example", False)
    assert {key: lead["email"] for key, lead in instance.latest("leads").items()} == {
        "1": "p1@x.example",
        "2": "p2@x.example",
    }
    again = instance.read()
    assert (again.appended, again.failed) == (0, {})
    assert instance.asked("/program/") == instance.asked("/members.json") == instance.asked("/leads.json") == []


def test_a_program_that_changed_is_read_by_its_id_and_the_others_once_a_day(one: Any) -> None:
    instance = one()
    instance.read()
    instance.sandbox.set_clock("2026-11-20T13:00:00Z")
    path, form = f"/rest/asset/v1/program/{OTHER}.json", {"description": "New"}
    instance.client().api.call("POST", path, doing="a program", form=form)
    assert instance.read().streams["programs"].appended == 1
    assert instance.asked("/program/") == [path]
    assert instance.latest("programs")[str(OTHER)]["description"] == "New"
    found = instance.sandbox.world()["marketo"][0]
    instance.change(
        **{name: [row for row in found[name] if PAPER not in row.values()] for name in ("programs", "members")}
    )
    instance.sandbox.set_clock("2026-11-21T13:00:00Z")
    instance.read()
    assert len(instance.asked("/program/")) == 2
    assert set(instance.latest("programs")) == {str(EVENT), str(OTHER)}


def test_a_change_of_status_has_that_program_s_members_read_and_nobody_else_s(one: Any) -> None:
    instance = one()
    instance.read()
    instance.sandbox.set_clock("2026-11-20T13:00:00Z")
    instance.move(EVENT, 2, "Attended")
    instance.move(EVENT, 3, "Registered")
    receipt = instance.read()
    assert receipt.streams["activities"].appended == 2
    (asked,) = instance.asked("/members.json")
    assert (f"/programs/{EVENT}/" in asked, "filterType=updatedAt" in asked) == (True, True)
    members = instance.latest("members")
    assert [members[f"{EVENT}-{lead}"]["statusName"] for lead in (1, 2, 3)] == ["Registered", "Attended", "Registered"]
    assert set(instance.latest("leads")) == {"1", "2", "3"}
    assert len(instance.asked("/leads.json")) == 1


def test_who_was_taken_out_is_found_when_all_members_are_compared(one: Any) -> None:
    instance = one()
    instance.read()
    instance.change(members=[])
    instance.read()
    assert set(instance.latest("members")) == {f"{EVENT}-1", f"{EVENT}-2"}
    instance.sandbox.set_clock("2026-11-21T12:00:00Z")
    instance.read()
    assert instance.latest("members") == {}


def test_leads_that_change_are_read_again_and_deleted_ones_are_absent(one: Any) -> None:
    instance = one()
    instance.read()
    instance.sandbox.set_clock("2026-11-20T13:00:00Z")
    client = instance.client()
    told = {"input": [{"email": "p1@x.example", "phone": "5"}, {"email": "p5@x.example", "phone": "5"}]}
    client.api.call("POST", "/rest/v1/leads.json", doing="leads", json=told)
    client.api.call("POST", "/rest/v1/leads/delete.json", doing="leads", json={"input": [{"id": 2}]})
    instance.read()
    assert {key: lead["phone"] for key, lead in instance.latest("leads").items()} == {"1": "5"}
    assert instance.asked("/rest/v1/leads.json")[0].count("%2C") == 7, (
        "two leads with seven fields, and p5 is none of ours"
    )


def test_a_deletion_that_marketo_has_forgotten_is_found_by_the_id_that_does_not_answer(one: Any) -> None:
    instance = one()
    instance.read()
    instance.change(
        leads=[lead for lead in instance.sandbox.world()["marketo"][0]["leads"] if lead["id"] != 2], members=[]
    )
    instance.sandbox.set_clock("2026-12-06T12:00:00Z")
    instance.read(reconcile_hours=8_760)
    assert set(instance.latest("leads")) == {"1"}


def test_pages_without_rows_do_not_end_the_log_and_late_rows_are_found_the_next_day(one: Any) -> None:
    rows = [{"leadId": 1, "activityTypeId": 1, "activityDate": f"2026-11-01T00:00:{at % 60:02}Z"} for at in range(700)]
    rows += [{"leadId": 1, "activityTypeId": 11, "activityDate": "2026-11-20T11:00:00Z", "marketoGUID": "on time"}]
    late = {"activityDate": "2026-11-20T10:00:00Z", "committedAt": "2026-11-20T13:00:00Z", "marketoGUID": "late"}
    rows += [{"leadId": 1, "activityTypeId": 11, **late}]
    instance = one(activities=rows)
    instance.read()
    assert set(instance.latest("activities")) == {"on time"}
    instance.sandbox.set_clock("2026-11-20T14:00:00Z")
    instance.read()
    assert set(instance.latest("activities")) == {"on time"}
    instance.sandbox.set_clock("2026-11-21T12:00:00Z")
    instance.read()
    assert set(instance.latest("activities")) == {"on time", "late"}


def test_one_program_that_cannot_be_read_holds_up_no_other(one: Any) -> None:
    instance = one()
    refused = {"kind": "status", "status": 1003, "path": f"/programs/{EVENT}/members", "vendor": "marketo"}
    instance.faults(refused)
    instance.change(members=[{"programId": OTHER, "leadId": 3}])
    receipt = instance.read()
    assert receipt.failed == {}
    assert set(instance.latest("members")) == {f"{OTHER}-3"}
    assert len(receipt.notes) == 1
    assert f"the members of program {EVENT} were left out" in receipt.notes[0]


def test_a_status_with_a_comma_is_named_and_nobody_is_taken_for_gone(one: Any) -> None:
    statuses = [{"name": "In", "step": 1}, {"name": "Out, for now", "step": 2}]
    instance = one(
        channels=[{"name": "Own", "progressionStatuses": statuses}],
        programs=[{"id": EVENT, "channel": "Own"}],
        members=[{"programId": EVENT, "leadId": 1, "status": "In"}],
    )
    receipt = instance.read()
    assert "statuses with a comma" in receipt.notes[0]
    instance.move(EVENT, 1, "Out, for now")
    instance.sandbox.set_clock("2026-11-22T12:00:00Z")
    instance.read()
    assert set(instance.latest("members")) == {f"{EVENT}-1"}


def test_a_storm_changes_nothing_but_the_time_that_it_takes(one: Any) -> None:
    calm, stormy = one(), one()
    calm.read()
    stormy.faults(*[{**rule, "vendor": "marketo", "path": "/rest/"} for rule in STORM])
    for _ in range(4):
        receipt = stormy.read()
    assert receipt.failed == {}
    for stream in ("channels", "activity_types", "programs", "activities", "members", "leads"):
        assert stormy.latest(stream) == calm.latest(stream), stream
    assert stormy.naps


@pytest.mark.parametrize(
    ("code", "kind", "naps"),
    [
        (604, TransientError, 6),
        (606, QuotaError, 6),
        (607, QuotaError, 0),
        (615, QuotaError, 6),
        (601, CredentialsError, 0),
        (603, AuthError, 0),
        (610, RefusedError, 0),
        (614, CredentialsError, 0),
        (502, TransientError, 6),
    ],
)
def test_a_code_at_http_200_is_the_error_that_it_says(one: Any, code: int, kind: type[Exception], naps: int) -> None:
    instance = one()
    instance.faults({"kind": "status", "status": code, "path": "/rest/"})
    with pytest.raises(kind) as caught:
        instance.client().get("/rest/v1/leads/partitions.json", doing="the partitions")
    assert type(caught.value) is kind
    assert len(instance.naps) == naps
    assert re.match("marketo (refused|answered) the partitions", str(caught.value))


def test_a_limit_of_20_seconds_is_waited_out_and_a_day_s_is_told_with_its_end(one: Any) -> None:
    instance = one()
    instance.faults({"kind": "rate_limit", "times": 1, "path": "/rest/"})
    client = instance.client()
    assert client.get("/rest/v1/leads/partitions.json", doing="the partitions").success
    assert instance.naps == [pytest.approx(20.05)]
    instance.faults({"kind": "rate_limit", "policy": "daily", "path": "/rest/"})
    with pytest.raises(QuotaError) as caught:
        client.get("/rest/v1/leads/partitions.json", doing="the partitions")
    assert caught.value.retry_at == datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert next_midnight(datetime(2026, 7, 1, 4, 59, tzinfo=UTC)) == datetime(2026, 7, 1, 5, tzinfo=UTC)


def test_a_token_that_ended_is_renewed_once_and_one_that_is_nearly_over_is_waited_out(one: Any) -> None:
    instance = one()
    client = instance.client()
    client.get("/rest/v1/leads/partitions.json", doing="the partitions")
    instance.faults({"kind": "expire_token", "times": 1, "path": "/rest/"})
    client.get("/rest/v1/leads/partitions.json", doing="the partitions")
    assert (len(instance.asked("/identity/")), instance.naps) == (2, [])
    instance.faults({"kind": "expire_token", "path": "/rest/"})
    with pytest.raises(CredentialsError):
        client.get("/rest/v1/leads/partitions.json", doing="the partitions")
    instance.faults(token_seconds=3600)
    instance.client().get("/rest/v1/leads/partitions.json", doing="the partitions")
    instance.sandbox.set_clock("2026-11-20T12:59:55Z")
    late = instance.client()
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        instance.sandbox.set_clock("2026-11-20T13:00:01Z")

    late.session._api.sleep = wait
    late.get("/rest/v1/leads/partitions.json", doing="the partitions")
    assert 0 < waited[0] <= 6
    assert late.session._ends - time.monotonic() > 3_500


def test_the_secret_is_in_no_address_and_in_no_message(one: Any) -> None:
    instance = one()
    client = instance.client()
    instance.faults({"kind": "status", "status": 1003, "body": {"success": False, "errors": []}, "path": "/rest/"})
    with pytest.raises(TransientError):
        client.get("/rest/v1/leads/partitions.json", doing="the partitions")
    assert not [path for path in instance.asked("") if "secret" in path]
    wrong = Connection(
        "marketo", instance.sandbox.urls["marketo"], client_id="sandbox-service", client_secret="wrong one"
    )
    with pytest.raises(CredentialsError, match="MARKETO_CLIENT_ID") as caught:
        MarketoClient(wrong).get("/rest/v1/leads/partitions.json", doing="the partitions")
    assert "wrong one" not in str(caught.value)


def test_no_more_than_ten_calls_run_at_once_whoever_asks(one: Any) -> None:
    instance = one()
    instance.faults(answer_seconds=0.2)
    client = instance.client()
    with ThreadPoolExecutor(20) as pool:
        path = "/rest/v1/leads/partitions.json"
        told = list(pool.map(lambda _: client.get(path, doing="the partitions").success, range(20)))
    assert told == [True] * 20
    assert instance.naps == []


def test_a_long_question_goes_as_a_form(one: Any) -> None:
    instance = one(leads=[{"id": 10**9 + at} for at in range(300)], members=[])
    ids = ",".join(str(10**9 + at) for at in range(300))
    path, params = "/rest/v1/leads.json", {"filterType": "id", "filterValues": ids}
    assert len(list(instance.client().rows(path, params, doing="leads"))) == 300
    assert instance.sandbox.requests()[-1]["method"] == "POST"


def test_an_instance_is_known_by_its_host_and_problems_by_their_permission(one: Any) -> None:
    copied = MarketoClient(Connection("marketo", "https://100-abc-200.mktorest.com/rest"))
    assert (copied.account, copied.api.base_url) == ("100-ABC-200", "https://100-abc-200.mktorest.com")
    instance = one()
    assert instance.read("channels").account == "sandbox-service"
    source = MarketoSource(instance._connection(), Ingest())
    assert source.examine() == []
    instance.faults(missing_permissions=["Read-Only Assets", "Read-Write Assets"])
    (problem,) = source.examine()
    assert "Give the role of the API user the permission" in problem
