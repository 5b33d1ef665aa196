"""HS-01 to HS-11: which activities become Tasks in Salesforce, and on whom. Their edges are tried in `tests/tasks`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import requests

from tests.company import Company
from tests.tasks.oracle import TYPES, eighteen
from tests.tasks.worlds import engagement, iso
from tests.worlds import NOW, contact, email_event, form, joined, later, registrant, session, webinar, world

Make = Callable[..., Company]
Record = dict[str, Any]
LATE = datetime(2026, 11, 10, 10, tzinfo=UTC)
OLD = "2025-02-01T00:00:00.000+0000"
ADA, BOB = eighteen("003000000000001"), eighteen("00Q000000000002")
OPEN = email_event("OPEN", "ada@x.example", 1, "2026-11-09T10:00:00+00:00")


def known(*rows: Record, **more: Any) -> list[Record]:
    """An org in which Ada is a Contact and Bob a Lead, and others as given."""
    ada = {"Id": ADA, "LastName": "A", "Email": "ada@x.example", "CreatedDate": OLD}
    bob = {"Id": BOB, "LastName": "B", "Email": "bob@x.example", "CreatedDate": OLD}
    contacts = [ada, *(row for row in rows if row["Id"].startswith("003"))]
    leads = [bob, *(row for row in rows if row["Id"].startswith("00Q"))]
    return [{"time_zone": "UTC", "task_types": ["Call", "Email"], "Contact": contacts, "Lead": leads, **more}]


def crm(*webinars: Record, people: tuple[Record, ...] = (), rows: tuple[Record, ...] = (), **portal: Any) -> Record:
    """A world in which Ada and Bob are contacts."""
    both = (contact(1, "ada@x.example"), contact(2, "bob@x.example"))
    return world(*webinars, contacts=[*both, *people], **portal) | {"salesforce": known(*rows)}


def note(name: str, *people: int) -> Record:
    return engagement(name, LATE, [str(person) for person in people])


def tasks(one: Company) -> list[Record]:
    return [row for row in one.sandbox.world()["salesforce"][0]["Task"] if not row["IsDeleted"]]


def who(one: Company) -> list[str]:
    return sorted(row["WhoId"] for row in tasks(one))


def reasons(one: Company) -> Counter[str]:
    found = one.rows("select reason from verdicts where destination = 'salesforce' and verdict <> 'published'")
    return Counter(reason for (reason,) in found)


def moved(one: Company, what: str, **body: str) -> None:
    answer = requests.post(f"{one.sandbox.control_url}/_sandbox/salesforce/{what}", json=body, timeout=30)
    assert answer.ok, answer.text


def thirteen() -> Record:
    """One activity of each type, all of Ada."""
    history = {
        name: [{"value": iso(LATE), "timestamp": iso(LATE)}]
        for name in ("hs_sales_email_last_opened", "hs_sales_email_last_clicked", "hs_document_last_revisited")
    }
    work: dict[str, Any] = {
        kind: [note(f"9{at}", 1)] for at, kind in enumerate(("calls", "emails", "meetings", "notes", "tasks"))
    }
    made = crm(
        webinar(7, registrants=[registrant("ada@x.example")]),
        email_events=[{**OPEN, "id": kind, "type": kind} for kind in ("SENT", "OPEN", "CLICK", "DELIVERED")],
        forms=[form("f1", [("ada@x.example", "2026-11-09T10:00:00+00:00")])],
        **work,
    )
    made["hubspot"][0]["contacts"][0]["propertiesWithHistory"] = history
    return made


@pytest.mark.rule("HS-01", "HS-02")
def test_each_of_the_thirteen_types_is_a_closed_task_of_its_own_type(company: Make) -> None:
    one = company(thirteen(), '[activities.call_made]\ntask_type = "Call"\n[activities.note_created]\nsync = false')
    one.run()
    found = {row["Turnout_Activity__c"]: row for row in tasks(one)}
    assert set(found) == {*TYPES} - {"note_created"}
    assert len(tasks(one)) == 12
    assert reasons(one) == {"type_off": 1}
    assert {row["WhoId"] for row in found.values()} == {ADA}
    assert all(row["IsClosed"] and row["Subject"] for row in found.values())
    assert {name: row.get("Type") for name, row in found.items() if row.get("Type")} == {"call_made": "Call"}
    assert found["call_made"]["Turnout_Occurred_At__c"] == "2026-11-10T10:00:00.000+0000"
    one.set("")
    one.sandbox.set_clock(later(NOW, hours=1))
    one.run()
    assert len(tasks(one)) == 13, "a switch turned on brings all that was missed"


@pytest.mark.rule("HS-01")
def test_a_task_type_that_the_org_lacks_stops_before_anything_is_sent(company: Make) -> None:
    one = company(crm(notes=[note("91", 1)]), '[activities.note_created]\ntask_type = "Cal"')
    receipt = one.run()
    assert receipt.is_partial
    assert tasks(one) == []
    assert receipt.applied is not None
    assert "Task has no type 'Cal'; it has Call, Email" in receipt.applied.stopped["salesforce"]
    assert not [call for call in one.sandbox.requests() if "/sobjects/Task" in call["path"] and call["method"] != "GET"]


@pytest.mark.rule("HS-03", "HS-04", "HS-05")
def test_each_type_counts_from_its_own_moment(company: Make) -> None:
    new = contact(3, "cy@x.example", createdAt="2026-11-05T00:00:00.000Z")
    row = {"Id": "0033", "LastName": "C", "Email": "cy@x.example", "CreatedDate": OLD}
    days = ("2025-11-04", "2025-11-05", "2026-10-05", "2026-10-06", "2026-11-04", "2026-11-05")
    moments = [f"{day}T00:00:00+00:00" for day in days]
    made = crm(
        people=(new,),
        rows=(row,),
        forms=[form("f1", [("cy@x.example", moment) for moment in moments])],
        email_events=[email_event("OPEN", "cy@x.example", 1, moment) for moment in moments],
        notes=[engagement(f"9{at}", datetime.fromisoformat(moment), ["3"]) for at, moment in enumerate(moments)],
    )
    one = company(made)
    one.run()
    counts = Counter(row["Turnout_Activity__c"] for row in tasks(one))
    assert counts == {"form_submission": 5, "marketing_email_opened": 3, "note_created": 1}
    assert reasons(one) == {"outside_window": 9}


@pytest.mark.rule("HS-06")
@pytest.mark.parametrize(("bots", "count"), [("exclude", 2), ("include", 3)])
def test_every_open_is_a_task_but_those_of_bots(company: Make, bots: str, count: int) -> None:
    events = [OPEN, {**OPEN, "id": "again", "created": OPEN["created"] + 1}, dict(OPEN)]
    events.append({**OPEN, "id": "bot", "filteredEvent": True})
    one = company(crm(email_events=events), f'[activities]\nbots = "{bots}"')
    one.run()
    assert len(tasks(one)) == count
    assert reasons(one) == ({"bot": 1} if bots == "exclude" else {})


@pytest.mark.rule("HS-06", "HS-07")
def test_a_sending_that_is_told_again_with_other_words_doubles_nothing(company: Make) -> None:
    sent = email_event("SENT", "ada@x.example", 1, "2026-11-20T11:50:00+00:00", id="s")
    link = {"sentBy": {"id": "s", "created": sent["created"]}}
    opened = email_event("OPEN", "ada@x.example", 1, "2026-11-20T11:55:00+00:00", **link)
    one = company(crm(email_events=[sent, opened]))
    one.run()
    one.change(lambda told: told["hubspot"][0]["email_events"][0].update(subject="News"), later(NOW, minutes=10))
    receipt = one.run()
    assert not receipt.is_partial
    assert one.rows("select count(*), count(distinct activity_key) from int_activities") == [(2, 2)]
    assert len(tasks(one)) == 2


@pytest.mark.rule("HS-07")
def test_opens_of_a_forwarded_email_count_for_whom_it_was_sent_to(company: Make) -> None:
    sent = email_event("SENT", "ada@x.example", 1, "2026-11-08T10:00:00+00:00", id="s")
    link = {"sentBy": {"id": "s", "created": sent["created"]}}
    forwarded = email_event("OPEN", "bob@x.example", 1, "2026-11-09T10:00:00+00:00", **link)
    own = email_event("CLICK", "bob@x.example", 1, "2026-11-09T10:00:00+00:00")
    one = company(crm(email_events=[sent, forwarded, own]))
    one.run()
    assert {row["Turnout_Activity__c"]: row["WhoId"] for row in tasks(one)} == {
        "marketing_email_sent": ADA,
        "marketing_email_opened": ADA,
        "marketing_email_clicked": BOB,
    }


@pytest.mark.rule("HS-08")
@pytest.mark.parametrize(
    ("zone", "nine", "ten", "chosen"),
    [
        ("UTC", "2025-03-01T23:00:00.000Z", "2025-03-01T01:00:00.000Z", "ten"),  # one day: the higher id, as a number
        ("UTC", "2025-03-02T00:00:00.000Z", "2025-03-01T23:59:59.999Z", "nine"),  # the later day
        ("Pacific/Kiritimati", "2025-03-01T23:00:00.000Z", "2025-03-01T01:00:00.000Z", "nine"),  # two days there
    ],
)
def test_an_activity_of_several_is_one_task_on_the_newest_contact(
    company: Make, zone: str, nine: str, ten: str, chosen: str
) -> None:
    people = (contact(9, "nine@x.example", createdAt=nine), contact(10, "ten@x.example", createdAt=ten))
    rows = tuple(
        {"Id": f"0033{name}", "LastName": name, "Email": f"{name}@x.example", "CreatedDate": OLD}
        for name in ("nine", "ten")
    )
    unknown = contact(99, "unknown@x.example", createdAt="2026-11-01T00:00:00.000Z")
    made = crm(people=(*people, unknown), rows=rows, notes=[note("91", 1, 9, 10, 99)])
    one = company(made, f'[activities]\ntime_zone = "{zone}"')
    one.run()
    (task,) = tasks(one)
    named = {row["Id"]: row["LastName"] for row in one.sandbox.world()["salesforce"][0]["Contact"]}
    assert named[task["WhoId"]] == chosen


@pytest.mark.rule("HS-08", "HS-10")
def test_a_task_stays_with_its_contact_when_a_newer_one_is_known(company: Make) -> None:
    newer = contact(3, "cy@x.example", createdAt="2026-01-01T00:00:00.000Z")
    one = company(crm(people=(newer,), notes=[note("91", 1, 3)]))
    one.run()
    (before,) = tasks(one)
    assert before["WhoId"] == ADA

    def come(told: Record) -> None:
        told["salesforce"][0]["Contact"].append(
            {
                "Id": "0033",
                "LastName": "C",
                "Email": "cy@x.example",
                "CreatedDate": OLD,
                "SystemModstamp": later(NOW, hours=1),
            }
        )
        told["hubspot"][0]["notes"].append(note("92", 1, 3) | {"updatedAt": later(NOW, hours=1)})

    one.change(come, later(NOW, hours=1))
    one.run()
    found = {row["Turnout_Id__c"]: row["WhoId"] for row in tasks(one)}
    assert found.pop(before["Turnout_Id__c"]) == ADA
    assert list(found.values()) == [eighteen("003000000000003")], "another note goes to the newer one"


@pytest.mark.rule("HS-09", "HS-10")
def test_tasks_follow_a_lead_that_is_converted_and_a_contact_that_is_merged(company: Make) -> None:
    cy = {"Id": "0033", "LastName": "C", "CreatedDate": OLD}
    made = crm(rows=(cy,), notes=[note("91", 1), note("92", 2)])
    made["hubspot"][0]["contacts"][0]["properties"]["salesforcecontactid"] = ADA
    made["hubspot"][0]["contacts"][1]["properties"]["salesforceleadid"] = BOB
    one = company(made)
    one.run()
    assert who(one) == [ADA, BOB]
    winner = eighteen("003000000000003")
    one.sandbox.set_clock(later(NOW, hours=1))
    moved(one, "convert", leadId=BOB)
    moved(one, "merge", winner=winner, loser=ADA)
    stamps = {"updatedAt": later(NOW, hours=2)}
    more = [note("93", 1) | stamps, note("94", 2) | stamps]
    one.change(lambda told: told["hubspot"][0]["notes"].extend(more), later(NOW, hours=2))
    one.run()
    became = one.sandbox.world()["salesforce"][0]["Lead"][0]["ConvertedContactId"]
    assert Counter(who(one)) == {winner: 2, became: 2}


@pytest.mark.rule("HS-09")
def test_two_contacts_with_one_address_are_set_aside(company: Make) -> None:
    twin = {"Id": "0033", "LastName": "A", "Email": "ADA@x.example", "CreatedDate": OLD}
    one = company(crm(rows=(twin,), notes=[note("91", 1), note("92", 2)]))
    one.run()
    assert who(one) == [BOB]
    assert one.rows("select verdict, reason from verdicts where destination = 'salesforce' and reason <> ''") == [
        ("quarantined", "ambiguous_match")
    ]


@pytest.mark.rule("HS-10")
def test_a_task_has_one_id_whoever_it_is_on_and_whoever_writes_it(company: Make) -> None:
    first, second = company(thirteen()), company(thirteen())
    second.change(lambda told: told["salesforce"][0]["Contact"][0].update(Id="0037"))
    first.run()
    second.run()
    assert len(tasks(first)) == 13
    ids = [{row["Turnout_Id__c"] for row in tasks(one)} for one in (first, second)]
    assert ids[0] == ids[1]
    assert {row["WhoId"] for row in tasks(second)} == {eighteen("003000000000007")}


@pytest.mark.rule("HS-11")
def test_activities_with_contacts_and_with_leads_are_two_reports(company: Make) -> None:
    calls = [engagement("95", LATE, ["1"]), engagement("96", LATE.replace(day=12), ["1"])]
    one = company(crm(notes=[note("91", 1), note("92", 2)], calls=calls))
    one.run()

    def report(name: str, *words: str) -> list[Record]:
        found = orjson.loads(one.command("report", name, *words, "--json", check=True).stdout)
        return list(found["rows"] if isinstance(found, dict) else found)

    assert len(report("activities_with_contacts")) == 3
    assert len(report("activities_with_leads")) == 1
    assert len(report("activities_with_contacts", "--type", "call_made")) == 2
    assert len(report("activities_with_contacts", "--from", "2026-11-11", "--to", "2026-11-12")) == 1


@pytest.mark.rule("HS-01", "HS-10")
def test_attendance_of_a_webinar_is_a_task_beside_its_registration(company: Make) -> None:
    held = session("u1==", "10:00", "11:00", [joined("ada@x.example", "10:10", "10:20")])
    one = company(crm(webinar(7, registrants=[registrant("ada@x.example")], instances=[held])))
    one.run()
    assert sorted(row["Turnout_Occurred_At__c"] for row in tasks(one)) == [
        "2026-11-01T09:00:00.000+0000",
        "2026-11-10T10:10:00.000+0000",
    ]
    one.sandbox.set_clock(later(NOW, hours=1))
    one.run()
    assert len(tasks(one)) == 2
