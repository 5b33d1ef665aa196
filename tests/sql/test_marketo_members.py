"""What Marketo should say of each person: held until it is sure, corrected where the steps allow it, never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from pipelines import transform
from pipelines.log import Log
from pipelines.settings import parse
from tests.sql.telling import AS_OF, Told
from tests.sql.test_marketo import INSTANCE, needed
from tests.worlds import HOST, series, webinar

USUAL = [("Invited", 10), ("Registered", 30), ("Registration Error", 30), ("No Show", 40), ("Attended", 50)]
LEVEL = [("Registered", 30), ("No Show", 40), ("Attended", 40)]
STRICT = [("Registered", 30), ("Attended", 40), ("No Show", 50)]
DAY = "2026-11-10"
AFTER = datetime(2026, 11, 12, tzinfo=UTC)
Row = dict[str, Any]


class Hall(Told):
    """A log of programs, each of a webinar with the same number that ran from ten to eleven."""

    def settings(self, **options: Any) -> None:
        """Say which settings are in force."""
        told = {"exclusions": {"contacts": ["out@x.example"]}, "marketo": options}
        self.tell("turnout/settings", "settings", parse(told).meaning(), AS_OF, account="turnout")

    def begin(self) -> None:
        """Tell of the account's host, of the channels, and of a user of the CRM."""
        self.tell("zoom/users", "host1", HOST)
        self.tell("hubspot/users", "5", {"id": "5", "email": "user@x.example"})
        for at, (name, statuses) in enumerate(
            (("Webinar", USUAL), ("Level webinar", LEVEL), ("Strict webinar", STRICT))
        ):
            steps = [{"name": one, "step": step, "success": one == "Attended"} for one, step in statuses]
            told = {"name": name, "applicableProgramType": "event", "progressionStatuses": steps}
            self.tell("marketo/channels", str(at), told, account=INSTANCE)

    def program(
        self,
        number: int,
        members: Row,
        present: Iterable[str] = (),
        *,
        channel: str = "Webinar",
        registrants: Iterable[str] = (),
        told: Row | None = None,
        link: str = "",
        since: str = "2026-10-01T00:00:00Z",
        settled: bool = True,
        rows: int = 9,
        ran: bool = True,
        details: Row | None = None,
    ) -> None:
        """Tell of a program with members (name to status), who was there, and what was told of whom before."""
        tag = [{"tagType": "Zoom Webinar", "tagValue": link or str(number)}]
        self.tell("marketo/programs", str(number), {"channel": channel, "tags": tag}, account=INSTANCE)
        self.tell("zoom/webinars", str(number), details or webinar(number))
        for name, status in members.items():
            lead = self.lead(name)
            payload = {"leadId": lead, "statusName": status, "membershipDate": since}
            self.tell("marketo/members", f"{number}-{lead}", payload, scope=str(number), account=INSTANCE)
        for name in registrants:
            person = {"email": mail(name), "first_name": name.title(), "status": "approved", "create_time": since}
            more = {"join_url": f"https://zoom.example/{name}", "org": "Org", "phone": "1"}
            self.tell("zoom/registrants", f"{number}|r-{name}", person | more, scope=str(number))
        for name, status in (told or {}).items():
            key = f"{number}|{self.lead(name)}"
            outcome = {"destination": "marketo", "object": "member", "operation": "create", "status": "published"}
            self.tell("turnout/outcomes", f"o{key}", outcome | {"key": key, "fields": {"statusName": status}}, AFTER)
        if ran:
            self.session(number, f"s{number}==", present, settled=settled, rows=rows)

    def lead(self, name: str) -> int:
        """Return the id of a lead, and tell of it."""
        number = sum(map(ord, name)) * 1000 + len(name)
        self.tell("marketo/leads", str(number), {"id": number, "email": mail(name)}, account=INSTANCE)
        return number

    def session(
        self, number: int, uuid: str, present: Iterable[str], day: str = DAY, *, settled: bool = True, rows: int = 9
    ) -> None:
        """Tell of a session, and who was in it."""
        span = {"start_time": f"{day}T10:00:00Z", "end_time": f"{day}T11:00:00Z"}
        self.tell("zoom/instances", uuid, {"topic": "T", "host_email": HOST["email"], **span}, AFTER, scope=str(number))
        self.tell("zoom/report_reads", uuid, {"rows": rows, "is_settled": settled}, AFTER)
        for name in present:
            row = {"name": name.title(), "user_email": mail(name), "join_time": f"{day}T10:10:00Z"}
            row |= {"leave_time": f"{day}T10:20:00Z", "status": "in_meeting"}
            self.tell("zoom/participants", f"{uuid}|{name}", row, AFTER, scope=uuid)

    def wanted(self) -> dict[tuple[int, str], tuple[str, str]]:
        """Build, and return program and name to the status wanted and the code of why it is not told."""
        transform.build(cast(Log, self.log), needed("int_marketo_members"), as_of=AS_OF)
        return {
            (row["program_id"], row["email"].partition("@")[0]): (
                row["wanted_status"],
                (row["reason"] or "").partition(":")[0],
            )
            for row in self.rows("int_marketo_members")
        }


def mail(name: str) -> str:
    return f"{name}@x.example"


SETTLING, EMPTY, STEP, RISE, SINK, LATE, WHO, FALL, TWIN, DATE, ERROR = range(101, 112)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Hall:
    hall = Hall(tmp_path_factory.mktemp("members"))
    hall.settings()
    hall.begin()
    hall.program(SETTLING, {"ada": "Registered", "bob": "Registered"}, ["ada"], settled=False)
    hall.program(EMPTY, {"ada": "Registered"}, rows=0)
    hall.program(STEP, {"ada": "No Show"}, ["ada"], channel="Strict webinar", told={"ada": "No Show"})
    hall.program(RISE, {"ada": "No Show", "bob": "No Show"}, ["ada"], told={"ada": "No Show", "bob": "No Show"})
    hall.program(SINK, {"ada": "Attended"}, channel="Level webinar", told={"ada": "Attended"})
    hall.program(FALL, {"ada": "Attended"}, told={"ada": "Attended"})
    hall.program(LATE, {"ada": "Registered", "bob": "Registered"}, ["bob"], since="2026-11-11T00:00:00Z")
    hall.program(WHO, {"user": "Registered", "out": "Registered", "cy": "Registered"}, ["user", "out", "odd@"])
    hall.program(TWIN, {"ada": "Registered"}, ["twin", "ada"])
    for number in (1, 2):
        hall.tell("marketo/leads", str(number), {"id": number, "email": mail("twin")}, account=INSTANCE)
    dates = series(DATE, ["2026-11-09", DAY])
    hall.program(
        DATE,
        {"ada": "Registered", "bob": "Registered"},
        ["ada"],
        link=f"{DATE}/{dates['occurrences'][1]['occurrence_id']}",
        details=dates,
        since="2026-10-01T00:00:00Z",
    )
    hall.session(DATE, "other==", ["bob"], "2026-11-09")
    hall.program(ERROR, {"ada": "Registration Error", "bob": "Registration Error", "cy": "Invited"}, ["ada"])
    return hall


@pytest.fixture(scope="module")
def wanted(hall: Hall) -> dict[tuple[int, str], tuple[str, str]]:
    return hall.wanted()


@pytest.mark.rule("ZM-05")
def test_nothing_is_told_before_the_report_has_settled_or_without_one(wanted: Row) -> None:
    assert wanted[SETTLING, "ada"] == ("Attended", "not_settled")
    assert wanted[SETTLING, "bob"] == ("No Show", "not_settled")
    assert wanted[EMPTY, "ada"] == ("No Show", "no_report")


@pytest.mark.rule("ZM-05")
def test_a_correction_is_told_where_the_steps_allow_it_and_explained_where_not(hall: Hall, wanted: Row) -> None:
    assert wanted[RISE, "ada"] == ("Attended", "")
    assert wanted[RISE, "bob"] == ("No Show", ""), "told already, so nothing is sent"
    assert wanted[SINK, "ada"] == ("No Show", "")
    assert wanted[STEP, "ada"] == ("Attended", "step_back")
    assert wanted[FALL, "ada"] == ("No Show", "step_back")
    (why,) = {row["reason"] for row in hall.rows("int_marketo_members") if row["program_id"] == STEP}
    assert why == "step_back: the status Attended is a step before No Show, and Marketo moves nobody back (1037)"


@pytest.mark.rule("ZM-05", "HZ-20")
def test_attendance_is_of_the_linked_occurrence_and_whatever_hubspot_has_of_the_person(wanted: Row) -> None:
    assert wanted[DATE, "ada"] == ("Attended", "")
    assert wanted[DATE, "bob"] == ("No Show", "")
    assert wanted[WHO, "user"] == ("Attended", "")
    assert wanted[WHO, "out"] == ("Attended", "email_excluded")
    assert wanted[WHO, "cy"] == ("No Show", "")
    assert wanted[WHO, "odd"] == ("Attended", "email_invalid")


@pytest.mark.rule("ZM-05")
def test_only_who_was_registered_in_time_is_a_no_show(wanted: Row) -> None:
    assert wanted[LATE, "ada"] == ("No Show", "registered_after_end")
    assert wanted[LATE, "bob"] == ("Attended", "")
    assert wanted[ERROR, "ada"] == ("Attended", "")
    assert not {(ERROR, "bob"), (ERROR, "cy")} & set(wanted)


@pytest.mark.rule("ZM-06")
def test_an_attendee_whose_address_two_leads_have_waits_for_a_person(wanted: Row) -> None:
    assert wanted[TWIN, "twin"] == ("Attended", "ambiguous")
    assert wanted[TWIN, "ada"] == ("Attended", "")


@pytest.mark.rule("ZM-06")
def test_registrations_on_zoom_s_own_page_and_attendees_have_a_switch_each(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    hall.settings(sync_zoom_page_registrations=True, create_leads_from_attendees=False)
    hall.begin()
    hall.program(201, {"ada": "Invited"}, registrants=["ada", "eve"], details=webinar(201, day="2026-12-10"), ran=False)
    hall.program(202, {}, ["eve", "dee"], registrants=["eve", "fay"])
    hall.program(203, {}, registrants=["eve"], ran=False)
    assert hall.wanted() == {
        (201, "ada"): ("Registered", ""),
        (201, "eve"): ("Registered", ""),
        (202, "eve"): ("Attended", ""),
        (202, "dee"): ("Attended", "attendee_not_synced"),
        (202, "fay"): ("No Show", ""),
        (203, "eve"): ("Registered", "never_started"),
    }
    (eve,) = [
        row for row in hall.rows("int_marketo_members") if (row["program_id"], row["email"]) == (201, mail("eve"))
    ]
    assert [eve[name] for name in ("lead_id", "first_name", "company", "phone")] == [None, "Eve", "Org", "1"]
