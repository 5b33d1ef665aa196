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
from tests.stories import Acts, Stories
from tests.tasks.oracle import TYPES, eighteen
from tests.tasks.worlds import engagement, iso
from tests.worlds import contact, email_event, form, joined, later, registrant, session, webinar, world

Make = Callable[..., Company]
Record = dict[str, Any]
LATE = datetime(2026, 11, 10, 10, tzinfo=UTC)
OLD = "2025-02-01T00:00:00.000+0000"
CONTACT, LEAD = "003", "00Q"
PEOPLE = {  # number, what they are in Salesforce, since when they are in HubSpot
    "ada": (1, CONTACT, "2025-01-01"),
    "bob": (2, LEAD, "2025-01-01"),
    "cy": (3, CONTACT, "2026-11-05"),
    "dot": (4, CONTACT, "2025-01-01"),
    "eve": (5, CONTACT, "2025-01-01"),
    "fay": (6, CONTACT, "2025-01-01"),
    "gus": (7, LEAD, "2025-01-01"),
    "nine": (9, CONTACT, "2025-03-01T23:00:00.000"),
    "ten": (10, CONTACT, "2025-03-01T01:00:00.000"),
    "later": (19, CONTACT, "2025-03-02T00:00:00.000"),
    "sooner": (20, CONTACT, "2025-03-01T23:59:59.999"),
    "unknown": (99, "", "2026-11-01"),
    "hal": (31, CONTACT, "2025-01-01"),
    "ina": (32, "", "2026-01-01"),
    "jan": (33, CONTACT, "2025-01-01"),
    "kim": (34, LEAD, "2025-01-01"),
    "lee": (35, CONTACT, "2025-01-01"),
    "mia": (36, LEAD, "2025-01-01"),
    "noa": (37, CONTACT, "2025-01-01"),
    "pia": (38, LEAD, "2025-01-01"),
    "rex": (39, CONTACT, "2025-01-01"),
}
FIRST = '[activities.call_made]\ntask_type = "Call"\n[activities.sales_content_viewed]\nsync = false\n'
THEN = '[activities]\nbots = "include"\ntime_zone = "Pacific/Kiritimati"\n'
"""The settings of the first run, and those of the runs after it."""


def address(name: str) -> str:
    return f"{name}@x.example"


def since(name: str) -> str:
    return iso(datetime.fromisoformat(PEOPLE[name][2]).replace(tzinfo=UTC))


def record_id(name: str) -> str:
    """Return whom Salesforce has a person as."""
    number, kind, _ = PEOPLE[name]
    return eighteen(f"{kind}{number:012d}")


def record(name: str, **more: Any) -> Record:
    return {"Id": record_id(name), "LastName": name, "Email": address(name), "CreatedDate": OLD, **more}


def crm(*names: str, **portal: Any) -> Record:
    """A world in which these people are contacts, and in Salesforce what they are."""
    contacts = [contact(PEOPLE[name][0], address(name), createdAt=since(name)) for name in names]
    made = world(contacts=contacts, **portal)
    org = {
        table: [record(name) for name in names if PEOPLE[name][1] == kind]
        for table, kind in (("Contact", CONTACT), ("Lead", LEAD))
    }
    return made | {"salesforce": [{"time_zone": "UTC", "task_types": ["Call", "Email"], **org}]}


def numbers(*names: str) -> list[str]:
    return [str(PEOPLE[name][0]) for name in names]


def note(number: str, *names: str) -> Record:
    return engagement(number, LATE, numbers(*names))


def opened(name: str, when: str = "2026-11-09T10:00:00+00:00", kind: str = "OPEN", **more: Any) -> Record:
    return email_event(kind, address(name), 1, when, **more)


def sent(name: str, when: str) -> Record:
    return opened(name, when, "SENT", id=f"to-{name}")


def of(email: Record) -> Record:
    """What an event says that is of an email which was sent."""
    return {"sentBy": {"id": email["id"], "created": email["created"]}}


def tasks(one: Company, *names: str) -> list[Record]:
    """The Tasks that are there, of some people or of all."""
    found = [row for row in one.sandbox.world()["salesforce"][0]["Task"] if not row["IsDeleted"]]
    return [row for row in found if not names or row["WhoId"] in {record_id(name) for name in names}]


def who(one: Company, *notes: str) -> list[str]:
    """On whom the Tasks of some notes are."""
    keys = one.rows(
        "select task_key from int_activity_people join int_activities using (activity_key, activity_type)"
        f" where cast(source_id as varchar) in ({', '.join(map(repr, notes))}) and activity_type = 'note_created'"
    )
    return sorted(row["WhoId"] for row in tasks(one) if (row["Turnout_Id__c"],) in keys)


def reasons(one: Company, name: str) -> Counter[str]:
    """Why activities of somebody are no Tasks."""
    found = one.rows(
        "select verdicts.reason from verdicts join int_activity_people on object_key = task_key"
        " where destination = 'salesforce' and verdict not in ('published', 'unchanged')"
        f" and contact_id = {PEOPLE[name][0]}"
    )
    return Counter(reason for (reason,) in found)


def now(one: Company) -> str:
    return str(one.sandbox.world()["now"])


def moved(one: Company, what: str, **body: str) -> None:
    answer = requests.post(f"{one.sandbox.control_url}/_sandbox/salesforce/{what}", json=body, timeout=30)
    assert answer.ok, answer.text


def thirteen(*names: str) -> Record:
    """One activity of each type, all of Ada; others are there who did nothing."""
    history = {
        name: [{"value": iso(LATE), "timestamp": iso(LATE)}]
        for name in ("hs_sales_email_last_opened", "hs_sales_email_last_clicked", "hs_document_last_revisited")
    }
    work: dict[str, Any] = {
        kind: [note(f"9{at}", "ada")] for at, kind in enumerate(("calls", "emails", "meetings", "notes", "tasks"))
    }
    made = crm(
        "ada",
        *names,
        email_events=[opened("ada", kind=kind, id=kind) for kind in ("SENT", "OPEN", "CLICK", "DELIVERED")],
        forms=[form("f1", [(address("ada"), "2026-11-09T10:00:00+00:00")])],
        **work,
    )
    made["zoom"][0]["webinars"].append(webinar(7, registrants=[registrant(address("ada"))]))
    made["hubspot"][0]["contacts"][0]["propertiesWithHistory"] = history
    return made


def everybody(company: Make) -> Company:
    """Return a company of all people, of whom Ada alone did anything yet."""
    return company(thirteen(*(name for name in PEOPLE if name != "ada")), FIRST)


def go_on(one: Company) -> None:
    """Do a run; ten minutes later other settings are in force."""
    assert not one.run().is_partial
    one.sandbox.set_clock(later(now(one), minutes=10))
    one.set(THEN)


def add(one: Company, **rows: list[Record]) -> None:
    """Something happened in HubSpot."""

    def happen(told: Record) -> None:
        for kind, more in rows.items():
            told["hubspot"][0][kind] += more

    one.change(happen)


together = Stories(everybody, run=go_on)


@pytest.mark.rule("HS-01", "HS-02")
@together
def test_each_of_the_thirteen_types_is_a_closed_task_of_its_own_type(one: Company) -> Acts:
    yield
    found = {row["Turnout_Activity__c"]: row for row in tasks(one, "ada")}
    assert set(found) == {*TYPES} - {"sales_content_viewed"}
    assert len(tasks(one, "ada")) == 12
    assert reasons(one, "ada") == {"type_off": 1}
    assert all(row["IsClosed"] and row["Subject"] for row in found.values())
    assert {name: row.get("Type") for name, row in found.items() if row.get("Type")} == {"call_made": "Call"}
    assert found["call_made"]["Turnout_Occurred_At__c"] == "2026-11-10T10:00:00.000+0000"
    yield
    assert len(tasks(one, "ada")) == 13, "a switch turned on brings all that was missed"


@pytest.mark.rule("HS-01")
def test_a_task_type_that_the_org_lacks_stops_before_anything_is_sent(company: Make) -> None:
    one = company(crm("ada", notes=[note("91", "ada")]), '[activities.note_created]\ntask_type = "Cal"')
    receipt = one.run()
    assert receipt.is_partial
    assert tasks(one) == []
    assert receipt.applied is not None
    assert "Task has no type 'Cal'; it has Call, Email" in receipt.applied.stopped["salesforce"]
    assert not [call for call in one.sandbox.requests() if "/sobjects/Task" in call["path"] and call["method"] != "GET"]


@pytest.mark.rule("HS-03", "HS-04", "HS-05")
@together
def test_each_type_counts_from_its_own_moment(one: Company) -> Acts:
    days = ("2025-11-04", "2025-11-05", "2026-10-05", "2026-10-06", "2026-11-04", "2026-11-05")
    moments = [f"{day}T00:00:00+00:00" for day in days]
    add(
        one,
        forms=[form("f2", [(address("cy"), moment) for moment in moments])],
        email_events=[opened("cy", moment) for moment in moments],
        notes=[
            engagement(f"20{at}", datetime.fromisoformat(moment), numbers("cy")) for at, moment in enumerate(moments)
        ],
    )
    yield
    counts = Counter(row["Turnout_Activity__c"] for row in tasks(one, "cy"))
    assert counts == {"form_submission": 5, "marketing_email_opened": 3, "note_created": 1}
    assert reasons(one, "cy") == {"outside_window": 9}


@pytest.mark.rule("HS-06")
@together
def test_every_open_is_a_task_but_those_of_bots(one: Company) -> Acts:
    first = opened("dot")
    again = {**first, "id": "again", "created": first["created"] + 1}
    add(one, email_events=[first, again, dict(first), {**first, "id": "bot", "filteredEvent": True}])
    yield
    assert len(tasks(one, "dot")) == 2
    assert reasons(one, "dot") == {"bot": 1}
    yield
    assert len(tasks(one, "dot")) == 3, "now the settings include them"
    assert "bot" not in reasons(one, "dot")


@pytest.mark.rule("HS-06", "HS-07")
@together
def test_a_sending_that_is_told_again_with_other_words_doubles_nothing(one: Company) -> Acts:
    email = sent("eve", "2026-11-20T11:50:00+00:00")
    add(one, email_events=[email, opened("eve", "2026-11-20T11:55:00+00:00", **of(email))])
    yield

    def reword(told: Record) -> None:
        (event,) = (event for event in told["hubspot"][0]["email_events"] if event["id"] == email["id"])
        event["subject"] = "News"

    one.change(reword)
    yield
    counts = "select count(*), count(distinct activity_key) from int_activities where list_contains(contact_ids, 5)"
    assert one.rows(counts) == [(2, 2)]
    subjects = sorted(row["Subject"] for row in tasks(one, "eve"))
    assert subjects == ["Marketing email opened: News", "Marketing email sent: News"]


@pytest.mark.rule("HS-07")
@together
def test_opens_of_a_forwarded_email_count_for_whom_it_was_sent_to(one: Company) -> Acts:
    email = sent("fay", "2026-11-08T10:00:00+00:00")
    add(one, email_events=[email, opened("gus", **of(email)), opened("gus", kind="CLICK")])
    yield
    assert sorted((row["Turnout_Activity__c"], row["WhoId"]) for row in tasks(one, "fay", "gus")) == [
        ("marketing_email_clicked", record_id("gus")),
        ("marketing_email_opened", record_id("fay")),
        ("marketing_email_sent", record_id("fay")),
    ]


@pytest.mark.rule("HS-08")
@together
def test_an_activity_of_several_is_one_task_on_the_newest_contact(one: Company) -> Acts:
    both = ("bob", "nine", "ten", "unknown")
    add(one, notes=[note("210", *both), note("211", "bob", "later", "sooner", "unknown")])
    yield
    assert who(one, "210") == [record_id("ten")], "of one day: the higher id, as a number"
    assert who(one, "211") == [record_id("later")], "of two days: the later one"
    add(one, notes=[note("212", *both) | {"updatedAt": now(one)}])
    yield
    assert who(one, "212") == [record_id("nine")], "the same two, where the portal's time zone has them on two days"


@pytest.mark.rule("HS-08", "HS-10")
@together
def test_a_task_stays_with_its_contact_when_a_newer_one_is_known(one: Company) -> Acts:
    add(one, notes=[note("220", "hal", "ina")])
    yield
    assert who(one, "220") == [record_id("hal")]
    ina = eighteen("003000000000032")
    come = record("ina", Id=ina, SystemModstamp=now(one))
    one.change(lambda told: told["salesforce"][0]["Contact"].append(come))
    add(one, notes=[note("221", "hal", "ina") | {"updatedAt": now(one)}])
    yield
    assert who(one, "220") == [record_id("hal")]
    assert who(one, "221") == [ina], "another note goes to the newer one"


@pytest.mark.rule("HS-09", "HS-10")
@together
def test_tasks_follow_a_lead_that_is_converted_and_a_contact_that_is_merged(one: Company) -> Acts:
    winner = eighteen("003000000000330")

    def know(told: Record) -> None:
        contacts = {row["properties"]["email"]: row["properties"] for row in told["hubspot"][0]["contacts"]}
        contacts[address("jan")]["salesforcecontactid"] = record_id("jan")
        contacts[address("kim")]["salesforceleadid"] = record_id("kim")
        told["salesforce"][0]["Contact"].append({"Id": winner, "LastName": "W", "CreatedDate": OLD})

    one.change(know)
    add(one, notes=[note("230", "jan"), note("231", "kim")])
    yield
    assert who(one, "230", "231") == [record_id("jan"), record_id("kim")]
    moved(one, "convert", leadId=record_id("kim"))
    moved(one, "merge", winner=winner, loser=record_id("jan"))
    stamps = {"updatedAt": now(one)}
    add(one, notes=[note("232", "jan") | stamps, note("233", "kim") | stamps])
    yield
    (lead,) = (row for row in one.sandbox.world()["salesforce"][0]["Lead"] if row["Id"] == record_id("kim"))
    assert Counter(who(one, "230", "231", "232", "233")) == {winner: 2, lead["ConvertedContactId"]: 2}


@pytest.mark.rule("HS-09")
@together
def test_two_contacts_with_one_address_are_set_aside(one: Company) -> Acts:
    twin = record("lee", Id=eighteen("003000000000350"), Email="LEE@x.example")
    one.change(lambda told: told["salesforce"][0]["Contact"].append(twin))
    add(one, notes=[note("240", "lee"), note("241", "mia")])
    yield
    assert who(one, "240", "241") == [record_id("mia")]
    assert reasons(one, "lee") == {"ambiguous_match": 1}
    assert one.rows("select distinct verdict from verdicts where reason = 'ambiguous_match'") == [("quarantined",)]


@pytest.mark.rule("HS-10")
@together
def test_a_task_has_one_id_whoever_it_is_on_and_whoever_writes_it(one: Company) -> Acts:
    yield
    yield
    made = thirteen()
    made["salesforce"][0]["Contact"][0]["Id"] = eighteen("003000000000007")
    other = Company(made, one.home.parent / "other")
    try:
        workspace = other.workspace
        workspace.ingest()
        planned = workspace.plan()[0].rows["salesforce"]
    finally:
        other.sandbox.stop()
    assert len(planned) == 13
    assert {row.key for row in planned} == {row["Turnout_Id__c"] for row in tasks(one, "ada")}
    assert {row.fields["WhoId"] for row in planned} == {eighteen("003000000000007")}


@pytest.mark.rule("HS-11")
@together
def test_activities_with_contacts_and_with_leads_are_two_reports(one: Company) -> Acts:
    add(
        one,
        calls=[engagement("250", LATE, numbers("noa")), engagement("251", LATE.replace(day=12), numbers("noa"))],
        notes=[note("252", "noa"), note("253", "pia")],
    )
    yield

    def report(name: str, *words: str) -> Counter[str]:
        found = orjson.loads(one.command("report", name, *words, "--json", check=True).stdout)
        rows = found["rows"] if isinstance(found, dict) else found
        return Counter(row["email"] for row in rows if row["email"] in (address("noa"), address("pia")))

    assert report("activities_with_contacts") == {address("noa"): 3}
    assert report("activities_with_leads") == {address("pia"): 1}
    assert report("activities_with_contacts", "--type", "call_made") == {address("noa"): 2}
    assert report("activities_with_contacts", "--from", "2026-11-11", "--to", "2026-11-12") == {address("noa"): 1}


@pytest.mark.rule("HS-01", "HS-10")
@together
def test_attendance_of_a_webinar_is_a_task_beside_its_registration(one: Company) -> Acts:
    held = session("u1==", "10:00", "11:00", [joined(address("rex"), "10:10", "10:20")])
    made = webinar(70, registrants=[registrant(address("rex"))], instances=[held])
    one.change(lambda told: told["zoom"][0]["webinars"].append(made))
    yield
    assert sorted(row["Turnout_Occurred_At__c"] for row in tasks(one, "rex")) == [
        "2026-11-01T09:00:00.000+0000",
        "2026-11-10T10:10:00.000+0000",
    ]
    yield
    assert len(tasks(one, "rex")) == 2
