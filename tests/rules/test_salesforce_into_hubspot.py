"""HS-12 to HS-19: what people do in Salesforce reaches HubSpot, once, and nothing echoes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.sandbox.salesforce.ids import padded
from tests.company import Company
from tests.exchange import (
    ACCOUNT,
    ADA,
    BOB,
    CY,
    DEAL,
    KINDS,
    LEAD,
    OBJECT,
    OWNER,
    SUBTYPE,
    TITLE,
    Exchange,
    on,
    people,
    stamp,
)
from tests.worlds import NOW

Make = Callable[..., Company]
OLD = "2026-11-01T09:00:00Z"


def begun(company: Make, settings: str, told: dict[str, Any] | None = None) -> Exchange:
    """Return an exchange whose switches were turned on by a first run."""
    exchange = Exchange(company(told or people(), settings))
    assert not exchange.run().is_partial
    return exchange


def calm(exchange: Exchange) -> None:
    """See that nothing is left to write once everything was read again."""
    exchange.do()
    receipt = exchange.run()
    assert receipt.plan is not None
    assert receipt.plan.counts() == {}


@pytest.mark.rule("HS-12")
def test_a_switch_turned_on_imports_no_history_and_what_changes_after_it_comes(company: Make) -> None:
    told, first, second = people(), dict[str, str](), dict[str, str]()
    for at, kind in enumerate(KINDS):
        row = {"Subject": "Old", "WhoId": ADA, "TaskSubtype": SUBTYPE.get(kind), **stamp(OLD)}
        if OBJECT[kind] == "Event":
            row |= {"StartDateTime": OLD, "EndDateTime": "2026-11-01T10:00:00Z"}
            del row["TaskSubtype"]
        prefix = "00T" if OBJECT[kind] == "Task" else "00U"
        first[kind], second[kind] = padded(f"{prefix}{at}8"), padded(f"{prefix}{at}9")
        told["salesforce"][0][OBJECT[kind]] += [{"Id": name, **row} for name in (first[kind], second[kind])]
    exchange = begun(company, on(), told)
    for kind in KINDS:
        exchange.edit(second[kind], is_seen=False)
    exchange.run()
    for kind in KINDS:
        assert exchange.hubspot(kind) == []
        assert exchange.verdict(kind, second[kind]) == ("excluded", "before_switch")
    made = {}
    for kind in KINDS:
        exchange.edit(first[kind], Subject="Touched")
        made[kind] = exchange.add(kind, **_times(exchange, kind))
    exchange.run()
    for kind in KINDS:
        assert {row["turnout_id"]: row[TITLE[kind]] for row in exchange.hubspot(kind)} == {
            f"sf:{first[kind]}": "Touched",
            f"sf:{made[kind]}": f"A {kind}",
        }
        assert all(row["contacts"] == ["1"] for row in exchange.hubspot(kind))
    calm(exchange)


@pytest.mark.rule("HS-12", "EV-13")
def test_what_happened_while_a_switch_was_off_is_history_too(company: Make) -> None:
    exchange = begun(company, on("tasks"))
    before = exchange.add("tasks")
    exchange.run()
    exchange.company.set("")
    exchange.do()
    exchange.run()
    assert exchange.verdict("tasks", before) == ("excluded", "switch_off")
    between = exchange.add("tasks")
    exchange.edit(before, Subject="Changed while it was off")
    exchange.run()
    exchange.company.set(on("tasks"))
    exchange.do()
    exchange.run()
    after = exchange.add("tasks")
    exchange.run()
    assert {row["turnout_id"]: row["hs_task_subject"] for row in exchange.hubspot("tasks")} == {
        f"sf:{before}": "A tasks",
        f"sf:{after}": "A tasks",
    }
    assert exchange.verdict("tasks", between) == ("excluded", "before_switch")
    exchange.edit(before, Subject="Changed again")
    exchange.run()
    assert exchange.hubspot("tasks")[0]["hs_task_subject"] == "Changed again"


@pytest.mark.rule("HS-12", "HS-17")
def test_each_kind_has_its_own_switch_and_other_subtypes_are_none(company: Make) -> None:
    exchange = begun(company, on("emails"))
    for kind in ("tasks", "emails", "calls"):
        exchange.add(kind)
    exchange.add("tasks", TaskSubtype="ListEmail")
    child = exchange.add("meetings", StartDateTime=exchange.now, EndDateTime=exchange.now, IsChild=True)
    exchange.run()
    assert [len(exchange.hubspot(kind)) for kind in KINDS] == [0, 1, 0, 0]
    asked = [one for one in exchange.company.sandbox.requests() if "FROM+Event" in one["path"]]
    assert all("LIMIT+1" in one["path"] for one in asked), "a stream whose switch is off is not read"
    exchange.company.set(on("emails", "meetings"))
    exchange.do()
    exchange.run()
    exchange.edit(child, Subject="The copy of one invitee")
    exchange.run()
    assert exchange.hubspot("meetings") == []
    assert exchange.verdict("meetings", child) is None


@pytest.mark.rule("HS-13")
def test_a_deletion_is_carried_where_it_should_be(company: Make) -> None:
    settings = "[ingest]\nreconcile_hours = 1\n" + on("tasks", on_delete='"delete"') + on("calls")
    exchange = begun(company, settings)
    names = {kind: exchange.add(kind) for kind in ("tasks", "calls")}
    exchange.run()
    assert [len(exchange.hubspot(kind)) for kind in names] == [1, 1]
    for name in names.values():
        exchange.edit(name, IsDeleted=True)
    receipt = exchange.run()
    assert receipt.plan is not None
    assert receipt.plan.counts() == {"hubspot": {"task": {"delete": 1}}}
    assert [len(exchange.hubspot(kind)) for kind in names] == [0, 1]
    assert exchange.verdict("calls", names["calls"]) == ("excluded", "deleted_in_salesforce")
    calm(exchange)
    assert exchange.verdict("tasks", names["tasks"]) == ("excluded", "deleted_in_salesforce")
    exchange.edit(names["tasks"], IsDeleted=False)
    exchange.run()
    assert [row["turnout_id"] for row in exchange.hubspot("tasks")] == [f"sf:{names['tasks']}"]


@pytest.mark.rule("HS-14")
@pytest.mark.parametrize(("prefer", "subject", "body"), [("salesforce", "S", "first"), ("hubspot", "H", "h")])
def test_of_two_changes_the_preferred_one_stays(company: Make, prefer: str, subject: str, body: str) -> None:
    exchange = begun(company, on("tasks", prefer=f'"{prefer}"'))
    name = exchange.add("tasks", Description="first")
    exchange.run()
    exchange.write("tasks", hs_task_subject="H", hs_task_body="h")
    exchange.edit(name, Subject="S")
    exchange.run()
    (row,) = exchange.hubspot("tasks")
    assert (row["hs_task_subject"], row["hs_task_body"]) == (subject, body)
    if prefer == "hubspot":
        assert exchange.verdict("tasks", name) == ("excluded", "hubspot_preferred")
    calm(exchange)
    assert exchange.salesforce("Task")[0]["Subject"] == "S", "nothing is written back"


@pytest.mark.rule("HS-14")
def test_what_changed_in_hubspot_alone_stays_and_is_told(company: Make) -> None:
    exchange = begun(company, on("tasks"))
    name = exchange.add("tasks", Description="one\ntwo & three")
    exchange.run()
    exchange.write("tasks", hs_task_body="<p>one</p> <p>two & three</p>")
    exchange.run()
    assert exchange.verdict("tasks", name) == ("unchanged", None), "HubSpot's form of a text is no change of it"
    exchange.write("tasks", hs_task_subject="H")
    receipt = exchange.run()
    assert receipt.plan is not None
    assert receipt.plan.counts() == {}
    assert exchange.hubspot("tasks")[0]["hs_task_subject"] == "H"
    assert exchange.verdict("tasks", name) == ("excluded", "changed_in_hubspot")
    exchange.edit(name, WhoId=BOB)
    exchange.run()
    (row,) = exchange.hubspot("tasks")
    assert (row["hs_task_subject"], row["contacts"]) == ("H", ["2"]), "whom it is on is no text"


@pytest.mark.rule("HS-14")
def test_what_somebody_deleted_in_hubspot_is_not_made_again(company: Make) -> None:
    exchange = begun(company, on("tasks", on_delete='"delete"'))
    name = exchange.add("tasks")
    exchange.run()
    exchange.write("tasks", archived=True)
    exchange.edit(name, Subject="Changed")
    exchange.company.set("[ingest]\nreconcile_hours = 1\n" + on("tasks", on_delete='"delete"'))
    exchange.run()
    assert exchange.hubspot("tasks") == []
    assert exchange.verdict("tasks", name) == ("excluded", "deleted_in_hubspot")
    calm(exchange)


DEFAULTS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "tasks",
        {
            "Subject": "S",
            "Description": "D",
            "ActivityDate": "2026-12-24",
            "Status": "Completed",
            "Priority": "Low",
        },
        {
            "hs_task_subject": "S",
            "hs_task_body": "D",
            "hs_timestamp": "2026-12-24T00:00:00.000Z",
            "hs_task_status": "COMPLETED",
            "hs_task_priority": "LOW",
        },
    ),
    (
        "calls",
        {"Subject": "S", "Description": "D", "CallType": "Inbound", "CallDurationInSeconds": 90},
        {
            "hs_call_title": "S",
            "hs_call_body": "D",
            "hs_call_direction": "INBOUND",
            "hs_call_duration": "90000",
            "hs_call_status": "COMPLETED",
            "hs_timestamp": "2026-11-20T13:00:00.000Z",
        },
    ),
    (
        "emails",
        {"Subject": "S", "Description": "D", "ActivityDate": "2026-11-20"},
        {
            "hs_email_subject": "S",
            "hs_email_text": "D",
            "hs_email_direction": "EMAIL",
            "hs_email_status": "SENT",
            "hs_timestamp": "2026-11-20T00:00:00.000Z",
        },
    ),
    (
        "meetings",
        {
            "Subject": "S",
            "Description": "D",
            "Location": "Here",
            "StartDateTime": "2026-11-21T09:30:00Z",
            "EndDateTime": "2026-11-21T10:00:00Z",
        },
        {
            "hs_meeting_title": "S",
            "hs_meeting_body": "D",
            "hs_meeting_location": "Here",
            "hs_meeting_start_time": "2026-11-21T09:30:00.000Z",
            "hs_meeting_end_time": "2026-11-21T10:00:00.000Z",
            "hs_timestamp": "2026-11-21T09:30:00.000Z",
        },
    ),
]


@pytest.mark.rule("HS-15", "HS-17")
def test_each_kind_is_mapped_by_default(company: Make) -> None:
    exchange = begun(company, on())
    for kind, fields, _ in DEFAULTS:
        exchange.now = NOW
        exchange.add(kind, **fields)
    exchange.run()
    for kind, _, expected in DEFAULTS:
        (row,) = exchange.hubspot(kind)
        assert {name: row.get(name) for name in expected} == expected


MAPPED = """
[salesforce.tasks.fields]
hs_task_body = ""
hs_task_subject = "Ticket__c"
region = "Region__c"
due = "Due__c"
hs_task_type = "=CALL"
"""
DEFINED = [
    {"objectType": "tasks", "name": "region", "type": "string", "groupName": "task"},
    {"objectType": "tasks", "name": "due", "type": "date", "groupName": "task"},
]


@pytest.mark.rule("HS-15")
def test_a_mapping_can_be_edited_added_and_taken_away(company: Make) -> None:
    told = people(properties=DEFINED)
    custom = {"Ticket__c": "T", "Region__c": "North", "Due__c": "2026-11-20T13:00:00Z"}
    told["salesforce"][0]["Task"].append({"Id": "00TZ", "Subject": "Old", "WhoId": ADA, **custom, **stamp(OLD)})
    exchange = begun(company, on("tasks") + MAPPED, told)
    name = exchange.add("tasks", Description="D", **custom)
    exchange.run()
    (row,) = exchange.hubspot("tasks")
    assert (row["hs_task_subject"], row["region"], row["due"]) == ("T", "North", "2026-11-20")
    assert row["hs_task_type"] == "CALL"
    assert "hs_task_body" not in row
    exchange.edit(name, Region__c=None)
    exchange.run()
    assert "region" not in exchange.hubspot("tasks")[0], "what was emptied is emptied"
    calm(exchange)
    exchange.company.set(on("tasks"))
    exchange.do()
    exchange.run()
    (row,) = exchange.hubspot("tasks")
    assert (row["hs_task_subject"], row["hs_task_type"]) == ("A tasks", "CALL"), "what is no longer mapped stays"
    exchange.company.set(on("tasks") + '[salesforce.tasks.fields]\nhs_task_body = "Later__c"\n')
    exchange.company.change(lambda told: told["salesforce"][0]["Task"][0].update({"Later__c": "x"}))
    exchange.do()
    exchange.run()
    assert exchange.hubspot("tasks")[0]["hs_task_body"] == "D", "a field that was not read yet clears nothing"


@pytest.mark.rule("HS-15")
def test_a_mapping_to_what_does_not_exist_is_said_before_anything_is_sent(company: Make) -> None:
    wrong = {
        'regoin = "Subject"': "HubSpot's property regoin of tasks does not exist",
        'hs_body_preview = "Subject"': "HubSpot's property hs_body_preview of tasks can only be read",
        'hs_task_subject = "Ticket__c"': "Salesforce's Task has no field Ticket__c",
    }
    lines = "\n".join(wrong)
    one = company(people(), f"{on('tasks')}[salesforce.tasks.fields]\n{lines}\n")
    for words in ("run", "plan"):
        answer = one.command(words)
        assert answer.returncode == (3 if words == "run" else 0)
        assert [told for told in wrong.values() if told not in answer.stderr] == []
    assert one.writes() == 0
    one.set(on("tasks"))
    assert not one.run().is_partial


@pytest.mark.rule("HS-16")
def test_an_owner_is_found_by_address_where_that_is_asked_for(company: Make) -> None:
    exchange = begun(company, on("tasks", owners='"by_email"') + on("calls"))
    for kind in ("tasks", "calls"):
        exchange.add(kind, OwnerId=OWNER)
    nobody = exchange.add("tasks")
    exchange.run()
    by_key = {row["turnout_id"]: row.get("hubspot_owner_id") for row in exchange.hubspot("tasks")}
    assert sorted(by_key.values(), key=str) == ["71", None]
    assert by_key[f"sf:{nobody}"] is None
    assert "hubspot_owner_id" not in exchange.hubspot("calls")[0]
    exchange.edit(nobody, OwnerId=OWNER)
    exchange.run()
    assert {row["hubspot_owner_id"] for row in exchange.hubspot("tasks")} == {"71"}
    calm(exchange)


@pytest.mark.rule("HS-18")
def test_nothing_that_we_wrote_comes_back_in_either_direction(company: Make) -> None:
    told = people(
        tasks=[
            {
                "id": "900",
                "createdAt": "2026-11-19T00:00:00.000Z",
                "updatedAt": "2026-11-19T00:00:00.000Z",
                "properties": {"hs_task_subject": "Of HubSpot", "hs_timestamp": "2026-11-19T00:00:00.000Z"},
                "associations": {"contacts": ["1"]},
            }
        ]
    )
    exchange = begun(company, on(), told)
    (ours,) = exchange.salesforce("Task")
    assert ours["Turnout_Activity__c"] == "task_created"
    names = {kind: exchange.add(kind, **_times(exchange, kind)) for kind in KINDS}
    exchange.edit(ours["Id"], Description="Somebody adds a word to a Task of ours")
    exchange.run()
    for _ in range(3):
        exchange.do()
        receipt = exchange.run()
        assert receipt.plan is not None
        assert receipt.plan.counts() == {}
    assert [len(exchange.hubspot(kind)) for kind in KINDS] == [2, 1, 1, 1]
    assert len(exchange.salesforce("Task")) == 4
    assert len(exchange.salesforce("Event")) == 1
    assert exchange.verdict("tasks", ours["Id"]) == ("excluded", "came_from_hubspot")
    reasons = exchange.company.rows(
        "select count(*) from verdicts where destination = 'salesforce' and reason = 'came_from_salesforce'"
    )
    assert reasons == [(len(names),)]
    exchange.edit(ours["Id"], Turnout_Id__c=None)
    lost = exchange.add("tasks", Turnout_Id__c="t-whose-answer-was-lost")
    exchange.run()
    assert exchange.verdict("tasks", lost) == ("excluded", "came_from_hubspot")
    assert len(exchange.hubspot("tasks")) == 2, "its id says whose it is where somebody took our field's value away"


def _times(exchange: Exchange, kind: str) -> dict[str, Any]:
    return {"StartDateTime": exchange.now, "EndDateTime": exchange.now} if kind == "meetings" else {}


@pytest.mark.rule("HS-19")
def test_a_record_is_on_its_people_and_its_deal_or_company_and_follows_them(company: Make) -> None:
    exchange = begun(company, on("tasks", "meetings"))
    name = exchange.add("tasks", WhatId=DEAL)
    met = exchange.add("meetings", WhatId=ACCOUNT, StartDateTime=exchange.now, EndDateTime=exchange.now)
    exchange.run()
    (row,), (meeting,) = exchange.hubspot("tasks"), exchange.hubspot("meetings")
    assert (row["contacts"], row["deals"], row.get("companies")) == (["1"], ["501"], None)
    assert (meeting["contacts"], meeting["companies"]) == (["1"], ["601"])
    exchange.do(lambda told: told["hubspot"][0]["tasks"][0]["associations"].update({"contacts": ["1", "3"]}))
    exchange.edit(name, WhoId=BOB, WhatId=ACCOUNT)
    exchange.edit(met, WhatId=None)
    exchange.run()
    (row,), (meeting,) = exchange.hubspot("tasks"), exchange.hubspot("meetings")
    assert row["contacts"] == ["2", "3"], "who was put there by hand stays"
    assert (row.get("deals"), row["companies"], meeting.get("companies")) == (None, ["601"], None)
    calm(exchange)


@pytest.mark.rule("HS-19")
def test_a_record_of_nobody_in_hubspot_waits_until_they_are_there(company: Make) -> None:
    exchange = begun(company, on("tasks"))
    name = exchange.add("tasks", CY)
    exchange.run()
    assert exchange.hubspot("tasks") == []
    assert exchange.verdict("tasks", name) == ("excluded", "not_in_hubspot")

    def arrive(told: dict[str, Any]) -> None:
        moment = exchange.now
        told["hubspot"][0]["contacts"].append(
            {
                "id": "9",
                "createdAt": moment,
                "updatedAt": moment,
                "properties": {"email": "cy@x.example", "lastmodifieddate": moment},
            }
        )

    exchange.do(arrive)
    exchange.run()
    assert [row["contacts"] for row in exchange.hubspot("tasks")] == [["9"]]


@pytest.mark.rule("HS-19", "HS-13")
def test_a_person_who_was_merged_or_converted_is_followed_and_deletes_nothing(company: Make) -> None:
    exchange = begun(company, on("tasks", on_delete='"delete"'))
    of_lead, of_bob = exchange.add("tasks", LEAD), exchange.add("tasks", BOB)
    exchange.run()
    assert [row["contacts"] for row in exchange.hubspot("tasks")] == [["3"], ["2"]]

    def join(told: dict[str, Any]) -> None:
        org, moment = told["salesforce"][0], {"SystemModstamp": exchange.now, "LastModifiedDate": exchange.now}
        org["Lead"][0] |= {"IsConverted": True, "ConvertedContactId": CY, **moment}
        org["Contact"][1] |= {"IsDeleted": True, "MasterRecordId": ADA, **moment}
        org["Contact"][2] |= {"Email": "lea@x.example", **moment}

    exchange.do(join)
    exchange.run()
    assert {row["turnout_id"]: row["contacts"] for row in exchange.hubspot("tasks")} == {
        f"sf:{of_lead}": ["3"],
        f"sf:{of_bob}": ["1"],
    }
    calm(exchange)


WRITES = {
    "creation": "objects/.*tasks/batch/create",
    "update": "objects/.*tasks/batch/update",
    "association": "associations/.*tasks/contacts/batch/associate/default",
    "removal": "associations/.*tasks/contacts/batch/archive",
    "deletion": "objects/.*tasks/batch/archive",
}


class Killed(BaseException):
    """The process ends here."""


def kill(*_: Any, **__: Any) -> Any:
    """End the process."""
    raise Killed


@pytest.mark.rule("EV-06", "HS-18")
def test_every_write_can_be_lost_or_killed_and_nothing_is_made_twice(
    company: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = begun(company, on("tasks", on_delete='"delete"'))
    first = exchange.add("tasks")
    hows = ("killed_after", "drop_after", "killed_before", "drop_after", "killed_after")
    left = dict(zip(WRITES, hows, strict=True))

    def broken(write: str) -> None:
        how = left.pop(write)
        workspace = exchange.company.workspace
        hubspot = workspace.destinations["hubspot"]
        hubspot.client.api.sleep = lambda _: None  # type: ignore[attr-defined]
        workspace.ingest()
        plan, _ = workspace.plan()
        if how.startswith("drop"):
            lost = {"vendor": "hubspot", "method": "POST", "path": WRITES[write], "kind": how, "times": None}
            exchange.company.sandbox.set_faults({"rules": [lost]})
            workspace.apply(plan)
            exchange.company.sandbox.set_faults({})
        else:
            with monkeypatch.context() as patched:
                if how == "killed_before":
                    patched.setattr(hubspot, "send", kill)
                else:
                    patched.setattr("pipelines.publish.sending.write_outcomes", kill)
                with pytest.raises(Killed):
                    workspace.apply(plan)
        exchange.run()

    broken("creation")
    (row,) = exchange.hubspot("tasks")
    assert (row["turnout_id"], row["contacts"]) == (f"sf:{first}", ["1"])
    exchange.edit(first, Subject="Changed")
    broken("update")
    assert exchange.hubspot("tasks")[0]["hs_task_subject"] == "Changed"
    for write, person, number in (("association", BOB, "2"), ("removal", ADA, "1")):
        exchange.edit(first, WhoId=person, Subject=f"On {number}")
        broken(write)
        (row,) = exchange.hubspot("tasks")
        assert (row["contacts"], row["hs_task_subject"]) == ([number], f"On {number}")
    exchange.edit(first, IsDeleted=True)
    broken("deletion")
    assert exchange.hubspot("tasks") == []
    told = exchange.company.sandbox.world()["hubspot"][0]["tasks"]
    assert [one["id"] for one in told] == [row["id"]], "it was made once"
    calm(exchange)


@pytest.mark.rule("EV-06", "EV-07")
def test_one_that_hubspot_has_already_is_taken_over_and_one_that_it_refuses_stops_no_other(company: Make) -> None:
    told = people(properties=[{"objectType": "tasks", "name": "region", "type": "number", "groupName": "task"}])
    told["salesforce"][0]["Task"].append({"Id": "00TZ", "Subject": "Old", "WhoId": ADA, "Region__c": "1", **stamp(OLD)})
    exchange = begun(company, on("tasks") + '[salesforce.tasks.fields]\nregion = "Region__c"\n', told)
    there = exchange.add("tasks", Subject="New", Region__c="3")
    bad = exchange.add("tasks", Region__c="North")
    good = exchange.add("tasks", Region__c="2")

    def before_us(told: dict[str, Any]) -> None:
        row = {"turnout_id": f"sf:{there}", "hs_task_subject": "Old", "hs_timestamp": OLD}
        old = {"id": "444", "createdAt": OLD, "updatedAt": OLD, "properties": row, "associations": {"contacts": ["3"]}}
        told["hubspot"][0]["tasks"].append(old)

    exchange.do(before_us)
    receipt = exchange.run()
    assert receipt.is_partial
    rows = {row["turnout_id"]: row for row in exchange.hubspot("tasks")}
    assert set(rows) == {f"sf:{there}", f"sf:{good}"}
    assert (rows[f"sf:{there}"]["id"], rows[f"sf:{there}"]["hs_task_subject"]) == ("444", "New")
    assert rows[f"sf:{there}"]["contacts"] == ["1", "3"]
    verdict = exchange.verdict("tasks", bad)
    assert verdict is not None
    assert verdict[0] == "rejected"
    assert "not a valid number" in str(verdict[1])
    exchange.edit(bad, Region__c="4")
    assert not exchange.run().is_partial
    assert len(exchange.hubspot("tasks")) == 3
    calm(exchange)


@pytest.mark.rule("EV-06")
def test_a_record_that_is_gone_meanwhile_is_refused_alone(company: Make) -> None:
    exchange = begun(company, on("tasks"))
    names = [exchange.add("tasks"), exchange.add("tasks")]
    exchange.run()
    for name in names:
        exchange.edit(name, Subject="Changed", WhoId=BOB)
    workspace = exchange.company.workspace
    workspace.ingest()
    plan, _ = workspace.plan()
    exchange.company.change(lambda told: told["hubspot"][0]["tasks"][0].update({"archived": True, "archivedAt": OLD}))
    receipt = workspace.apply(plan)
    assert receipt.outcomes["task"] == {"published": 1, "rejected": 1}
    (row,) = exchange.hubspot("tasks")
    assert (row["turnout_id"], row["hs_task_subject"], row["contacts"]) == (f"sf:{names[1]}", "Changed", ["2"])
