"""Who came to a webinar, in Marketo: by the channel's own names, once the report has settled, and nobody twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.steps import lines_plan
from pipelines.publish.receipts import write_intents
from pipelines.run import Workspace
from tests.company import Company
from tests.worlds import HOST, NOW, joined, later, registrant, session, webinar, world

Record = dict[str, Any]
PAST, OWN, NEVER, AHEAD, LATER = 81, 82, 83, 84, 85
GOOD, LOCAL, QUIET, SOON, PAPER = 1001, 1002, 1003, 1004, 1005
STATUSES = [
    {"name": "Eingeladen", "step": 10},
    {"name": "Angemeldet", "step": 20},
    {"name": "Nicht erschienen", "step": 30},
    {"name": "Teilgenommen", "step": 30, "success": True},
]
SETTINGS = f"""
[marketo]
users = ["{HOST["email"]}"]
[marketo.programs]
"{GOOD}" = "{PAST}"
"{LOCAL}" = "{OWN}"
"{QUIET}" = "{NEVER}"
"{SOON}" = "{AHEAD}"
"{PAPER}" = "{LATER}"
[marketo.channels."Webinar DACH"]
registered = "Angemeldet"
no_show = "Nicht erschienen"
attended = "Teilgenommen"
"""
PEOPLE = ("ada", "bob", "cy", "dee", "eve", "fay", "gus")


def mail(name: str) -> str:
    return f"{name}@x.example"


def programs_of(*members: tuple[int, str, str], **instance: Any) -> Record:
    """An instance with the programs, whose members are (program, name, status)."""
    made = "2026-10-01T08:00:00Z"
    return {
        "munchkin_id": "100-ABC-200",
        "leads": [{"id": at + 11, "email": mail(name).title()} for at, name in enumerate(PEOPLE)],
        "channels": [
            {"name": "Webinar DACH", "progressionStatuses": STATUSES},
            {"name": "Webinar"},
            {"name": "Content", "applicableProgramType": "program"},
        ],
        "programs": [
            {"id": GOOD, "channel": "Webinar", "createdAt": made, "description": "Somebody's own words"},
            {"id": LOCAL, "channel": "Webinar DACH", "createdAt": made},
            {"id": QUIET, "channel": "Webinar", "createdAt": made},
            {"id": SOON, "channel": "Webinar", "createdAt": made},
            {"id": PAPER, "channel": "Content", "createdAt": made},
        ],
        "members": [
            {"programId": program, "leadId": PEOPLE.index(name) + 11, "status": status, "membershipDate": made}
            for program, name, status in members
        ],
        **instance,
    }


def told() -> Record:
    """A world in which each thing that can become of a member becomes of one."""
    found = world(
        webinar(
            PAST,
            registrants=[
                registrant(mail("ada")),
                registrant(mail("bob")),
                registrant(mail("new"), org="New Ltd", phone="+49 30 1", last_name="Comer"),
                registrant(mail("owen")),
            ],
            instances=[
                session(
                    "s1==",
                    "10:05",
                    "11:00",
                    [
                        joined(HOST["email"], "10:00", "11:00", id="host1"),
                        joined(mail("ada"), "10:10", "10:50"),
                        joined(mail("cy"), "10:10", "10:50"),
                        joined(mail("dee"), "10:10", "10:50"),
                        joined(mail("new"), "10:10", "10:50"),
                        joined("", "10:10", "10:50", name="Guest"),
                    ],
                )
            ],
        ),
        webinar(
            OWN, instances=[session("s2==", "10:00", "11:00", [joined(HOST["email"], "10:00", "11:00", id="host1")])]
        ),
        webinar(NEVER),
        webinar(
            AHEAD,
            day="2026-12-10",
            timezone="Europe/Berlin",
            agenda="Why",
            registrants=[registrant(mail("ada"), join_url="https://zoom.example/w/ada")],
        ),
        webinar(LATER, day="2026-12-11"),
    )
    found["marketo"] = [
        programs_of(
            (GOOD, "ada", "Registered"),
            (GOOD, "bob", "Registered"),
            (GOOD, "cy", "Invited"),
            (GOOD, "eve", "Attended On-demand"),
            (GOOD, "fay", "Invited"),
            (LOCAL, "ada", "Angemeldet"),
            (LOCAL, "eve", "Teilgenommen"),
            (QUIET, "ada", "Registered"),
            (SOON, "ada", "Registered"),
            (SOON, "bob", "Invited"),
            (PAPER, "ada", "Registered"),
        )
    ]
    found["marketo"][0]["channels"][2]["progressionStatuses"] = [{"name": "Registered", "step": 1}]
    return found


class Hall:
    """A company that has been synced twice, and what Marketo then has."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.receipt = company.run()
        self.verdicts = {
            (kind, key): (verdict, why)
            for kind, key, verdict, why in company.rows(
                "select object, object_key, verdict, coalesce(reason, '') from verdicts where destination = 'marketo'"
            )
        }
        company.sandbox.clear_requests()
        self.again = company.run()
        self.instance: Record = company.sandbox.world()["marketo"][0]
        self.writes = [
            one["path"]
            for one in company.sandbox.requests()
            if one["vendor"] == "marketo" and one["method"] == "POST" and "/identity/" not in one["path"]
        ]

    def statuses(self, program: int) -> dict[str, str]:
        """Return name to status."""
        emails = {lead["id"]: lead["email"].lower() for lead in self.instance["leads"]}
        return {
            emails[row["leadId"]].partition("@")[0]: row["status"]
            for row in self.instance["members"]
            if row["programId"] == program
        }

    def lead(self, name: str) -> Record:
        """Return the one lead of a name."""
        (found,) = [lead for lead in self.instance["leads"] if lead["email"].lower() == mail(name)]
        return found

    def verdict(self, program: int, name: str) -> tuple[str, str]:
        """Return the verdict on a member of the first run, and the code of its reason."""
        key = str(PEOPLE.index(name) + 11) if name in PEOPLE else mail(name)
        verdict, why = self.verdicts["member", f"{program}|{key}"]
        return verdict, why.partition(":")[0]


def marketo_alone(company: Company) -> dict[str, str]:
    """Return the variables that connect a company's Zoom and Marketo, and no CRM."""
    return {name: value for name, value in company.environment.items() if not name.startswith(("HUBSPOT", "SALESF"))}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    company = Company(told(), tmp_path_factory.mktemp("marketo") / "home", SETTINGS)
    yield Hall(company)
    company.sandbox.stop()


@pytest.mark.rule("ZM-05", "ZM-06")
def test_whom_the_program_tracks_becomes_attended_or_no_show_by_the_channel_s_own_names(hall: Hall) -> None:
    assert hall.statuses(GOOD) == {
        "ada": "Attended",
        "bob": "No Show",
        "cy": "Attended",
        "dee": "Attended",
        "eve": "Attended On-demand",
        "fay": "Invited",
        "new": "Attended",
    }
    assert hall.statuses(LOCAL) == {"ada": "Nicht erschienen", "eve": "Teilgenommen"}
    assert hall.verdict(GOOD, "ada") == ("published", "")
    assert hall.verdict(GOOD, "eve") == hall.verdict(LOCAL, "eve") == ("excluded", "success_of_another")
    assert ("member", f"{GOOD}|{PEOPLE.index('fay') + 11}") not in hall.verdicts, "who is invited is not registered"


@pytest.mark.rule("ZM-06")
def test_an_attendee_becomes_a_lead_with_details_and_a_lead_that_exists_stays_as_it_is(hall: Hall) -> None:
    fields = {name: hall.lead("new")[name] for name in ("firstName", "lastName", "company", "phone")}
    assert fields == {"firstName": "New", "lastName": "Comer", "company": "New Ltd", "phone": "+49 30 1"}
    assert hall.lead("dee").get("firstName") is None
    assert len(hall.instance["leads"]) == len(PEOPLE) + 1
    assert hall.verdict(GOOD, "owen") == ("excluded", "zoom_page_registration")


@pytest.mark.rule("ZM-10")
def test_of_a_webinar_that_never_started_nobody_is_a_no_show(hall: Hall) -> None:
    assert hall.statuses(QUIET) == {"ada": "Registered"}
    assert hall.verdict(QUIET, "ada") == ("excluded", "never_started")
    told = hall.company.rows(f"select reason, effect from webinar_audit_reasons where webinar_id = {NEVER}")
    assert told == [("never_started", "none")]
    assert not hall.receipt.is_partial


@pytest.mark.rule("ZM-03")
def test_the_registrant_s_own_link_is_the_member_s_before_the_webinar(hall: Hall) -> None:
    links = {(row["programId"], row["leadId"]): row.get("webinarUrl") for row in hall.instance["members"]}
    assert {key: link for key, link in links.items() if link} == {(SOON, 11): "https://zoom.example/w/ada"}
    assert hall.statuses(SOON) == {"ada": "Registered", "bob": "Invited"}
    assert hall.verdict(SOON, "ada") == ("waiting", "not_over")
    assert hall.receipt.plan is not None
    shown = "\n".join(lines_plan(hall.receipt.plan))
    assert "webinarUrl: – → [join link]" in shown
    assert "zoom.example/w/" not in shown
    phases = [phase.object for phase in hall.company.workspace.destinations["marketo"].phases]
    assert phases.index("webinar_url") < phases.index("member")


@pytest.mark.rule("ZM-11")
def test_a_linked_program_says_what_its_webinar_is_and_when(hall: Hall) -> None:
    programs = {row["id"]: row for row in hall.instance["programs"]}
    soon = programs[SOON]
    assert (soon["startDate"], soon["endDate"]) == ("2026-12-10T10:00:00Z+0000", "2026-12-10T11:00:00Z+0000")
    assert soon["description"].splitlines() == [
        "Topic 84",
        "Why",
        "Start: 2026-12-10 11:00",
        "End: 2026-12-10 12:00",
        "Time zone: Europe/Berlin",
    ]
    assert (programs[GOOD]["description"], programs[GOOD]["startDate"]) == (
        "Somebody's own words",
        "2026-11-10T10:00:00Z+0000",
    )


@pytest.mark.rule("ZM-01")
def test_a_program_whose_link_cannot_be_used_is_left_alone_and_named(hall: Hall) -> None:
    verdict, why = hall.verdicts["program", str(PAPER)]
    assert (verdict, why.partition(":")[0]) == ("rejected", "channel_not_for_webinars")
    (line,) = [line for line in hall.receipt.lines if line.startswith("marketo: ")]
    assert f"the channel of program {PAPER}, Content, is not for webinars" in line
    assert hall.statuses(PAPER) == {"ada": "Registered"}
    assert not [key for kind, key in hall.verdicts if kind == "member" and key.startswith(str(PAPER))]


@pytest.mark.rule("ZM-14")
def test_a_second_run_tells_nothing_again(hall: Hall) -> None:
    assert hall.receipt.applied is not None
    assert hall.receipt.applied.outcomes["member"] == {"published": 6}
    assert hall.receipt.applied.outcomes["lead"] == {"published": 2}
    assert hall.again.plan is not None
    assert hall.again.plan.rows["marketo"] == []
    assert hall.writes == []


@pytest.mark.rule("ZM-13")
def test_two_instances_on_one_zoom_account_live_side_by_side(tmp_path: Path) -> None:
    here, there = (programs_of((GOOD, name, "Registered")) for name in ("ada", "bob"))
    found = told()
    found["marketo"] = [here, there | {"munchkin_id": "200-ABC-300", "client_id": "b", "client_secret": "b-secret"}]
    company = Company(found, tmp_path / "a", SETTINGS)
    env = marketo_alone(company)
    other = {"TURNOUT_HOME": str(tmp_path / "b"), "MARKETO_CLIENT_ID": "b", "MARKETO_CLIENT_SECRET": "b-secret"}

    def statuses(at: int) -> dict[int, str]:
        members = company.sandbox.world()["marketo"][at]["members"]
        return {row["leadId"]: row["status"] for row in members if row["leadId"] < 13}

    def add(world: Record) -> None:
        row = {"programId": GOOD, "leadId": 12, "status": "Registered", "membershipDate": "2026-10-01T08:00:00Z"}
        world["marketo"][0]["members"].append(row)
        world["marketo"][0]["activities"].append({"leadId": 12, "activityTypeId": 104, "activityDate": later(NOW)})

    try:
        Workspace(env).run()
        assert (statuses(0), statuses(1)) == ({11: "Attended"}, {12: "Registered"})
        Workspace(env | other).run()
        assert (statuses(0), statuses(1)) == ({11: "Attended"}, {11: "Attended", 12: "No Show"})
        company.change(add, later(NOW, hours=25))
        receipt = Workspace(env).run()
        assert not [one for one in receipt.ingested if one.failed]
        assert (statuses(0), statuses(1)) == ({11: "Attended", 12: "No Show"}, {11: "Attended", 12: "No Show"})
    finally:
        company.sandbox.stop()


@pytest.mark.rule("EV-06", "ZM-14")
def test_answers_that_are_lost_and_runs_that_break_off_tell_nobody_twice(hall: Hall, tmp_path: Path) -> None:
    company = Company(told(), tmp_path / "home", SETTINGS)
    env = marketo_alone(company)
    times = {"/v1/leads.json": 1, "/members/status.json": 2, "/members.json": 1, "/asset/v1/program/": 1}
    lost = {"vendor": "marketo", "method": "POST", "kind": "drop_after"}
    company.sandbox.set_faults({"rules": [{**lost, "path": path, "times": many} for path, many in times.items()]})
    try:
        broken = Workspace(env)
        broken.ingest()
        plan, _ = broken.plan(["marketo"])
        begun = [row for row in plan.rows["marketo"] if row.object == "member" and row.vendor_id]
        write_intents(broken.log, "marketo", begun, run="broken", wave=1, plan=plan.plan_id, at=broken.now())
        marketo = broken.destinations["marketo"]
        (phase,) = [phase for phase in marketo.phases if phase.object == "member"]
        sent = phase.batches(begun)[0]
        marketo.send(phase, sent)
        receipt = Workspace(env).run()
        assert f"marketo: of {len(begun)} records of a run that broke off, {len(sent)} had arrived" in receipt.lines[0]
        assert not receipt.is_partial
        found = company.sandbox.world()["marketo"][0]
        for name, keys in (("leads", ("email", "company")), ("members", ("leadId", "programId", "status"))):
            kept, whole = ([[row.get(key) for key in keys] for row in rows[name]] for rows in (found, hall.instance))
            assert sorted(map(str, kept)) == sorted(map(str, whole))
        again = Workspace(env).run()
        assert again.plan is not None
        assert again.plan.total == 0
    finally:
        company.sandbox.stop()
