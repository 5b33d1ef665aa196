"""Marketo as a destination: what is skipped or refused is never taken for done, and nobody becomes a lead twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.errors import QuotaError, UnknownOutcomeError
from pipelines.publish.rows import Outcome, Phase, Row
from pipelines.rates import Rate
from pipelines.sandbox import Sandbox
from pipelines.settings import Connection
from pipelines.vendors.marketo.destination import PHASES, MarketoDestination

PROGRAM, GONE = 1001, 9009
LINK = "https://zoom.example/w/84?tk=own"
Record = dict[str, Any]


class Desk:
    """An instance in the sandbox, and a destination that writes to it without waiting."""

    def __init__(self) -> None:
        leads = [{"id": at, "email": f"p{at}@x.example"} for at in range(1, 8)]
        twins = [{"id": at, "email": "Twin@x.example"} for at in (21, 22)]
        members = {1: "Registered", 2: "Attended", 3: "Attended On-demand", 4: "Registered", 5: "Registered"}
        instance = {
            "leads": [*leads, *twins, {"id": 31, "email": "Known@X.example", "company": "Theirs"}],
            "programs": [{"id": PROGRAM}],
            "members": [{"programId": PROGRAM, "leadId": lead, "status": told} for lead, told in members.items()],
        }
        self.sandbox = Sandbox({"now": "2026-11-20T12:00:00Z", "marketo": [instance]})
        self.sandbox.start()
        self.faults()
        env = self.sandbox.environment
        self.destination = MarketoDestination(
            Connection(
                "marketo",
                env["MARKETO_BASE_URL"],
                client_id=env["MARKETO_CLIENT_ID"],
                client_secret=env["MARKETO_CLIENT_SECRET"],
            )
        )
        client = self.destination.client
        client.api.sleep = client.session._api.sleep = lambda _: None
        client.api.set_limit("", [Rate(1_000_000, 1_000)])
        self.instance = client.account

    def faults(self, *rules: Record) -> None:
        """Let go wrong what is named, and nothing else."""
        self.sandbox.set_faults({"rules": list(rules), "switches": {"marketo.rate_limits": False}})

    def send(self, *rows: Row) -> list[Outcome]:
        """Send rows of one object."""
        return self.destination.send(phase_of(rows[0].object), rows)

    def status(self, lead: int, name: str = "Attended", program: int = PROGRAM, instance: str = "") -> Row:
        """A status for a member."""
        told = {"instance": instance or self.instance, "program_id": str(program), "status": name}
        return Row("member", "create", f"{program}|{lead}", str(lead), {"statusName": name}, context=told)

    def link(self, lead: int, link: str = LINK) -> Row:
        """A join link for a member."""
        told = {"instance": self.instance, "program_id": str(PROGRAM)}
        return Row("webinar_url", "create", f"{PROGRAM}|{lead}", str(lead), {"webinarUrl": link}, context=told)

    def lead(self, email: str, **fields: str | None) -> Row:
        """A lead to be made."""
        return Row("lead", "create", email, None, {"email": email, **fields}, context={"instance": self.instance})

    def program(self, number: int = PROGRAM, **fields: str) -> Row:
        """What a program is to say."""
        return Row("program", "create", str(number), None, fields, context={"instance": self.instance})

    def leads(self, email: str) -> list[Record]:
        """The leads that have an address."""
        rows: list[Record] = self.sandbox.world()["marketo"][0]["leads"]
        return [row for row in rows if str(row["email"]).lower() == email]

    def member(self, lead: int) -> Record:
        """What stands with a member."""
        rows = self.sandbox.world()["marketo"][0]["members"]
        return next((row for row in rows if row["leadId"] == lead), {})


def phase_of(name: str) -> Phase:
    return next(phase for phase in PHASES if phase.object == name)


def told(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    """Return status and the code of the reason."""
    return [(outcome.status, outcome.reason.partition(":")[0]) for outcome in outcomes]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    one = Desk()
    yield one
    one.sandbox.stop()


@pytest.mark.rule("ZM-05", "ZM-14")
def test_a_skipped_status_is_done_only_where_the_member_has_it(desk: Desk) -> None:
    outcomes = desk.send(*(desk.status(lead) for lead in (1, 2, 3, 99, 6)))
    assert told(outcomes) == [
        ("published", ""),
        ("published", ""),
        ("rejected", "1037"),
        ("rejected", "1004"),
        ("published", ""),
    ]
    assert outcomes[2].reason.endswith("The status is Attended On-demand.")
    assert [desk.member(lead).get("status") for lead in (1, 3, 6)] == ["Attended", "Attended On-demand", "Attended"]


@pytest.mark.rule("ZM-14")
def test_what_is_refused_is_refused_of_its_records_alone(desk: Desk) -> None:
    assert told(desk.send(desk.status(4, "No Such"))) == [("rejected", "1025")]
    (outcome,) = desk.send(desk.status(4, program=GONE))
    assert outcome.status == "rejected"
    assert "1013" in outcome.reason
    desk.faults({"vendor": "marketo", "path": "/members/status", "kind": "status", "status": 1003, "times": 1})
    assert [one.status for one in desk.send(desk.status(4), desk.status(5))] == ["rejected", "rejected"]
    assert desk.member(4)["status"] == "Registered"
    strange = desk.status(4, instance="another")
    assert desk.send(strange, desk.status(5))[0] == Outcome(
        strange, "rejected", reason="the instance another is not connected"
    )
    assert (desk.member(4)["status"], desk.member(5)["status"]) == ("Registered", "Attended")


@pytest.mark.rule("ZM-14")
def test_used_up_calls_stop_the_sending_and_an_answer_that_tells_of_nobody_is_no_success(desk: Desk) -> None:
    desk.send(desk.status(5))
    desk.faults({"vendor": "marketo", "path": "/members/status", "kind": "status", "status": 607})
    with pytest.raises(QuotaError):
        desk.send(desk.status(4))
    empty = {"requestId": "1", "success": True, "result": []}
    desk.faults({"vendor": "marketo", "path": "/members/status", "kind": "status", "status": 200, "body": empty})
    with pytest.raises(UnknownOutcomeError):
        desk.send(desk.status(4))
    desk.faults()
    assert told(desk.destination.ask([desk.status(4), desk.status(5)])) == [("not_done", ""), ("published", "")]


@pytest.mark.rule("ZM-03")
def test_a_join_link_goes_to_members_alone_and_is_in_no_message(desk: Desk) -> None:
    long = LINK + "x" * 2000
    outcomes = desk.send(desk.link(1), desk.link(7), desk.link(2, long))
    assert told(outcomes) == [("published", ""), ("rejected", "1013"), ("rejected", "1001")]
    assert desk.member(1)["webinarUrl"] == LINK
    assert not any(LINK in outcome.reason for outcome in outcomes)
    assert told(desk.destination.ask([desk.link(1), desk.link(2)])) == [("published", ""), ("not_done", "")]
    body = {"success": False, "errors": [{"code": "1003", "message": f"'{LINK}' is odd"}]}
    desk.faults({"vendor": "marketo", "path": "/members.json", "kind": "status", "status": 200, "body": body})
    (outcome,) = desk.send(desk.link(1))
    desk.faults()
    assert "1003" in outcome.reason
    assert "[join link]" in outcome.reason
    assert LINK not in outcome.reason


@pytest.mark.rule("ZM-06")
def test_leads_are_made_of_whom_marketo_does_not_have(desk: Desk) -> None:
    fields = {"firstName": "Nina", "lastName": None, "company": "Ours"}
    rows = [
        desk.lead(name, **fields) for name in ("nina@x.example", "known@x.example", "twin@x.example", "ü@x.example")
    ]
    outcomes = desk.send(*rows)
    assert told(outcomes) == [
        ("published", ""),
        ("published", ""),
        ("rejected", "1007"),
        ("rejected", "no address that Marketo can hold"),
    ]
    (nina,), (known,) = desk.leads("nina@x.example"), desk.leads("known@x.example")
    assert [outcome.vendor_id for outcome in outcomes[:2]] == [str(nina["id"]), "31"]
    assert (nina["firstName"], nina["company"]) == ("Nina", "Ours")
    assert (known.get("firstName"), known["company"]) == (None, "Theirs")
    assert "21, 22" in outcomes[2].reason


@pytest.mark.rule("ZM-06", "EV-06")
@pytest.mark.parametrize(("kind", "status"), [("drop_after", "published"), ("drop_before", "not_done")])
def test_a_creation_without_an_answer_is_asked_about_before_anything_is_sent_again(
    desk: Desk, kind: str, status: str
) -> None:
    row = desk.lead(f"{kind}@x.example")
    desk.faults({"vendor": "marketo", "method": "POST", "path": "/v1/leads.json", "kind": kind, "times": 1})
    with pytest.raises(UnknownOutcomeError):
        desk.send(row)
    assert [outcome.status for outcome in desk.destination.ask([row])] == [status]
    assert told(desk.send(row)) == [("published", "")]
    assert len(desk.leads(f"{kind}@x.example")) == 1


@pytest.mark.rule("ZM-11")
def test_what_a_program_says_is_read_back_and_without_permission_stops_nothing_else(desk: Desk) -> None:
    row = desk.program(description="Why", startDate="2026-12-10T10:00:00Z", endDate="2026-12-10T11:00:00Z")
    assert told(desk.destination.ask([row])) == [("not_done", "")]
    assert told(desk.send(row)) == [("published", "")]
    assert told(desk.destination.ask([row])) == [("published", "")]
    (refused,) = desk.send(desk.program(GONE, description="Why"))
    assert refused.status == "rejected"
    assert "702" in refused.reason
    desk.sandbox.set_faults({"switches": {"marketo.missing_permissions": ["Read-Write Assets"]}})
    (refused,) = desk.send(row)
    desk.faults()
    assert refused.status == "rejected"
    assert "Give the role of the API user the permission" in refused.reason


@pytest.mark.rule("ZM-06")
def test_leads_are_made_by_one_call_at_a_time() -> None:
    assert phase_of("lead").at_once == 1
    assert max(phase.at_once for phase in PHASES) <= 5
    assert {phase.batch_size for phase in PHASES} <= {1, 300}
