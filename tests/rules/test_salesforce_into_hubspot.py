"""HS-12 to HS-19 where all is on: what people do in Salesforce reaches HubSpot, once, and nothing echoes."""

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
    calm,
    on,
    people,
    stamp,
)
from tests.stories import Acts, Stories
from tests.worlds import contact

Make = Callable[..., Company]
OLD = "2026-11-01T09:00:00Z"
DAN, FAY = padded("003D"), padded("003F")
"""Of Salesforce alone; of both."""
FIRST, SECOND = (
    {kind: padded(f"{'00T' if OBJECT[kind] == 'Task' else '00U'}{end}{at}") for at, kind in enumerate(KINDS)}
    for end in "YZ"
)
"""Two records of each kind that were there before the switches were turned on."""
OF_HUBSPOT = {
    "id": "900",
    "createdAt": "2026-11-19T00:00:00.000Z",
    "updatedAt": "2026-11-19T00:00:00.000Z",
    "properties": {"hs_task_subject": "Of HubSpot", "hs_timestamp": "2026-11-19T00:00:00.000Z"},
    "associations": {"contacts": ["1"]},
}
ALL_ON = (
    "[ingest]\nreconcile_hours = 1\n"
    + on("tasks", on_delete='"delete"', owners='"by_email"')
    + '[salesforce.tasks.fields]\nregion = "Region__c"\n'
    + on("calls", prefer='"hubspot"')
    + on("emails", "meetings")
)


def begun(company: Make, settings: str, told: dict[str, Any] | None = None) -> Exchange:
    """Return an exchange whose switches were turned on by a first run."""
    exchange = Exchange(company(told or people(), settings))
    assert not exchange.run().is_partial
    return exchange


def all_on(company: Make) -> Exchange:
    """Return an exchange with a history, all of whose switches are on."""
    region = {"objectType": "tasks", "name": "region", "type": "number", "groupName": "task"}
    told = people(properties=[region], tasks=[OF_HUBSPOT])
    told["hubspot"][0]["contacts"].append(contact(4, "fay@x.example"))
    org, made = told["salesforce"][0], stamp("2025-01-01T00:00:00Z")
    org["Contact"] += [
        {"Id": DAN, "LastName": "Dale", "Email": "dan@x.example", **made},
        {"Id": FAY, "LastName": "Fane", "Email": "fay@x.example", **made},
    ]
    for kind in KINDS:
        row = {"Subject": "Old", "WhoId": ADA, **stamp(OLD)}
        if kind in SUBTYPE:
            row |= {"TaskSubtype": SUBTYPE[kind], "Region__c": "1"}
        else:
            row |= {"StartDateTime": OLD, "EndDateTime": "2026-11-01T10:00:00Z"}
        org[OBJECT[kind]] += [{"Id": name, **row} for name in (FIRST[kind], SECOND[kind])]
    return begun(company, ALL_ON, told)


together = Stories(all_on, end=calm)


@pytest.mark.rule("HS-12")
@together
def test_a_switch_turned_on_imports_no_history_and_what_changes_after_it_comes(exchange: Exchange) -> Acts:
    for kind in KINDS:
        exchange.edit(SECOND[kind], is_seen=False)
    yield
    for kind in KINDS:
        assert exchange.copies(FIRST[kind]) + exchange.copies(SECOND[kind]) == []
        assert exchange.verdict(kind, SECOND[kind]) == ("excluded", "before_switch")
    made = {}
    for kind in KINDS:
        exchange.edit(FIRST[kind], Subject="Touched")
        made[kind] = exchange.add(kind)
    yield
    for kind in KINDS:
        rows = [exchange.copy(FIRST[kind]), exchange.copy(made[kind])]
        assert [row[TITLE[kind]] for row in rows] == ["Touched", f"A {kind}"]
        assert all(row["contacts"] == ["1"] for row in rows)
        assert exchange.copies(SECOND[kind]) == []


@pytest.mark.rule("HS-13")
@together
def test_a_deletion_is_carried_where_it_should_be(exchange: Exchange) -> Acts:
    task, call = exchange.add("tasks"), exchange.add("calls")
    yield
    assert [len(exchange.copies(name)) for name in (task, call)] == [1, 1]
    for name in (task, call):
        exchange.edit(name, IsDeleted=True)
    yield
    assert [(row.object, row.operation) for row in exchange.planned(task)] == [("task", "delete")]
    assert exchange.planned(call) == []
    assert [len(exchange.copies(name)) for name in (task, call)] == [0, 1]
    assert exchange.verdict("calls", call) == ("excluded", "deleted_in_salesforce")
    yield
    assert exchange.planned(task) + exchange.planned(call) == []
    assert exchange.verdict("tasks", task) == ("excluded", "deleted_in_salesforce")
    exchange.edit(task, IsDeleted=False)
    yield
    assert len(exchange.copies(task)) == 1


@pytest.mark.rule("HS-14")
@together
def test_of_two_changes_the_preferred_one_stays(exchange: Exchange) -> Acts:
    task, call = exchange.add("tasks", Description="first"), exchange.add("calls", Description="first")
    yield
    exchange.rewrite(task, hs_task_subject="H", hs_task_body="h")
    exchange.rewrite(call, hs_call_title="H", hs_call_body="h")
    for name in (task, call):
        exchange.edit(name, Subject="S")
    yield
    row = exchange.copy(task)
    assert (row["hs_task_subject"], row["hs_task_body"]) == ("S", "first")
    row = exchange.copy(call)
    assert (row["hs_call_title"], row["hs_call_body"]) == ("H", "h"), "of calls HubSpot's changes are preferred"
    assert exchange.verdict("calls", call) == ("excluded", "hubspot_preferred")
    yield
    assert exchange.planned(task) + exchange.planned(call) == []
    subjects = {row["Id"]: row["Subject"] for row in exchange.salesforce("Task")}
    assert (subjects[task], subjects[call]) == ("S", "S"), "nothing is written back"


@pytest.mark.rule("HS-14")
@together
def test_what_changed_in_hubspot_alone_stays_and_is_told(exchange: Exchange) -> Acts:
    name = exchange.add("tasks", Description="one\ntwo & three")
    yield
    exchange.rewrite(name, hs_task_body="<p>one</p> <p>two & three</p>")
    yield
    assert exchange.verdict("tasks", name) == ("unchanged", None), "HubSpot's form of a text is no change of it"
    exchange.rewrite(name, hs_task_subject="H")
    yield
    assert exchange.planned(name) == []
    assert exchange.copy(name)["hs_task_subject"] == "H"
    assert exchange.verdict("tasks", name) == ("excluded", "changed_in_hubspot")
    exchange.edit(name, WhoId=BOB)
    yield
    row = exchange.copy(name)
    assert (row["hs_task_subject"], row["contacts"]) == ("H", ["2"]), "whom it is on is no text"


@pytest.mark.rule("HS-14")
@together
def test_what_somebody_deleted_in_hubspot_is_not_made_again(exchange: Exchange) -> Acts:
    name = exchange.add("tasks")
    yield
    exchange.rewrite(name, archived=True)
    exchange.edit(name, Subject="Changed")
    yield
    assert exchange.copies(name) == []
    assert exchange.verdict("tasks", name) == ("excluded", "deleted_in_hubspot")


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
        {
            "Subject": "S",
            "Description": "D",
            "CallType": "Inbound",
            "CallDurationInSeconds": 90,
            "CreatedDate": "2026-11-20T13:00:00Z",
        },
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
@together
def test_each_kind_is_mapped_by_default(exchange: Exchange) -> Acts:
    names = {kind: exchange.add(kind, **fields) for kind, fields, _ in DEFAULTS}
    yield
    for kind, _, expected in DEFAULTS:
        row = exchange.copy(names[kind])
        assert {name: row.get(name) for name in expected} == expected


@pytest.mark.rule("HS-16")
@together
def test_an_owner_is_found_by_address_where_that_is_asked_for(exchange: Exchange) -> Acts:
    task, call = exchange.add("tasks", OwnerId=OWNER), exchange.add("calls", OwnerId=OWNER)
    nobody = exchange.add("tasks")
    yield
    assert [exchange.copy(name).get("hubspot_owner_id") for name in (task, nobody)] == ["71", None]
    assert "hubspot_owner_id" not in exchange.copy(call)
    exchange.edit(nobody, OwnerId=OWNER)
    yield
    assert [exchange.copy(name)["hubspot_owner_id"] for name in (task, nobody)] == ["71", "71"]


@pytest.mark.rule("HS-18")
@together
def test_nothing_that_we_wrote_comes_back_in_either_direction(exchange: Exchange) -> Acts:
    (ours,) = _of_us(exchange)
    assert ours["Turnout_Activity__c"] == "task_created"
    names = {kind: exchange.add(kind) for kind in KINDS}
    exchange.edit(ours["Id"], Description="Somebody adds a word to a Task of ours")
    yield
    for _ in range(3):
        yield
        assert [row for name in (ours["Id"], *names.values()) for row in exchange.planned(name)] == []
    assert [exchange.copy(name)[TITLE[kind]] for kind, name in names.items()] == [f"A {kind}" for kind in KINDS]
    assert exchange.copies(ours["Id"]) == []
    assert [row["id"] for row in exchange.hubspot("tasks") if not row.get("turnout_id")] == [OF_HUBSPOT["id"]]
    assert [row["Id"] for row in _of_us(exchange)] == [ours["Id"]]
    assert exchange.verdict("tasks", ours["Id"]) == ("excluded", "came_from_hubspot")
    reasons = exchange.company.rows(
        "select turnout_id, verdicts.reason from verdicts"
        " join int_activity_people on object_key = task_key join int_activities using (activity_key)"
        " where destination = 'salesforce' and turnout_id is not null"
    )
    told = {key: reason for key, reason in reasons if key in {f"sf:{name}" for name in names.values()}}
    assert told == dict.fromkeys((f"sf:{name}" for name in names.values()), "came_from_salesforce")
    exchange.edit(ours["Id"], Turnout_Id__c=None)
    lost = exchange.add("tasks", Turnout_Id__c="t-whose-answer-was-lost")
    yield
    assert exchange.verdict("tasks", lost) == ("excluded", "came_from_hubspot")
    assert exchange.copies(lost) == []
    assert exchange.copies(ours["Id"]) == [], "its id says whose it is where somebody took our field's value away"


def _of_us(exchange: Exchange) -> list[dict[str, Any]]:
    return [row for name in ("Task", "Event") for row in exchange.salesforce(name) if row.get("Turnout_Activity__c")]


@pytest.mark.rule("HS-19")
@together
def test_a_record_is_on_its_people_and_its_deal_or_company_and_follows_them(exchange: Exchange) -> Acts:
    name = exchange.add("tasks", WhatId=DEAL)
    met = exchange.add("meetings", WhatId=ACCOUNT)
    yield
    row, meeting = exchange.copy(name), exchange.copy(met)
    assert (row["contacts"], row["deals"], row.get("companies")) == (["1"], ["501"], None)
    assert (meeting["contacts"], meeting["companies"]) == (["1"], ["601"])
    exchange.do(lambda told: exchange.copied(told, name)[0]["associations"].update({"contacts": ["1", "3"]}))
    exchange.edit(name, WhoId=BOB, WhatId=ACCOUNT)
    exchange.edit(met, WhatId=None)
    yield
    row, meeting = exchange.copy(name), exchange.copy(met)
    assert row["contacts"] == ["2", "3"], "who was put there by hand stays"
    assert (row.get("deals"), row["companies"], meeting.get("companies")) == (None, ["601"], None)


@pytest.mark.rule("HS-19")
@together
def test_a_record_of_nobody_in_hubspot_waits_until_they_are_there(exchange: Exchange) -> Acts:
    name = exchange.add("tasks", DAN)
    yield
    assert exchange.copies(name) == []
    assert exchange.verdict("tasks", name) == ("excluded", "not_in_hubspot")

    def arrive(told: dict[str, Any]) -> None:
        moment = exchange.now
        told["hubspot"][0]["contacts"].append(
            {
                "id": "9",
                "createdAt": moment,
                "updatedAt": moment,
                "properties": {"email": "dan@x.example", "lastmodifieddate": moment},
            }
        )

    exchange.do(arrive)
    yield
    assert exchange.copy(name)["contacts"] == ["9"]


@pytest.mark.rule("HS-19", "HS-13")
@together
def test_a_person_who_was_merged_or_converted_is_followed_and_deletes_nothing(exchange: Exchange) -> Acts:
    of_lead, of_fay = exchange.add("tasks", LEAD), exchange.add("tasks", FAY)
    yield
    assert [exchange.copy(name)["contacts"] for name in (of_lead, of_fay)] == [["3"], ["4"]]

    def join(told: dict[str, Any]) -> None:
        org, moment = told["salesforce"][0], {"SystemModstamp": exchange.now, "LastModifiedDate": exchange.now}
        contacts = {row["Id"]: row for row in org["Contact"]}
        org["Lead"][0] |= {"IsConverted": True, "ConvertedContactId": CY, **moment}
        contacts[FAY] |= {"IsDeleted": True, "MasterRecordId": ADA, **moment}
        contacts[CY] |= {"Email": "lea@x.example", **moment}

    exchange.do(join)
    yield
    assert [exchange.copy(name)["contacts"] for name in (of_lead, of_fay)] == [["3"], ["1"]]
    yield
    assert exchange.planned(of_lead) + exchange.planned(of_fay) == []


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
@together
def test_one_that_hubspot_has_already_is_taken_over_and_one_that_it_refuses_stops_no_other(exchange: Exchange) -> Acts:
    there = exchange.add("tasks", Subject="New", Region__c="3")
    bad = exchange.add("tasks", Region__c="North")
    good = exchange.add("tasks", Region__c="2")

    def before_us(told: dict[str, Any]) -> None:
        row = {"turnout_id": f"sf:{there}", "hs_task_subject": "Old", "hs_timestamp": OLD}
        old = {"id": "444", "createdAt": OLD, "updatedAt": OLD, "properties": row, "associations": {"contacts": ["3"]}}
        told["hubspot"][0]["tasks"].append(old)

    exchange.do(before_us)
    yield
    assert exchange.receipt.is_partial
    row = exchange.copy(there)
    assert (row["id"], row["hs_task_subject"], row["contacts"]) == ("444", "New", ["1", "3"])
    assert exchange.copy(good)["region"] == "2"
    assert exchange.copies(bad) == []
    verdict = exchange.verdict("tasks", bad)
    assert verdict is not None
    assert verdict[0] == "rejected"
    assert "not a valid number" in str(verdict[1])
    exchange.edit(bad, Region__c="4")
    yield
    assert not exchange.receipt.is_partial
    assert exchange.copy(bad)["region"] == "4"
    assert [len(exchange.copies(name)) for name in (there, good)] == [1, 1]


@pytest.mark.rule("EV-06")
@together
def test_a_record_that_is_gone_meanwhile_is_refused_alone(exchange: Exchange) -> Acts:
    yield
    names = [exchange.add("tasks"), exchange.add("tasks")]
    yield
    for name in names:
        exchange.edit(name, Subject="Changed", WhoId=BOB)
    bin_ = {"archived": True, "archivedAt": OLD}
    exchange.meanwhile.append(lambda told: exchange.copied(told, names[0])[0].update(bin_))
    yield
    verdicts = [exchange.verdict("tasks", name) for name in names]
    assert [told and told[0] for told in verdicts] == ["rejected", "published"]
    assert exchange.copies(names[0]) == []
    row = exchange.copy(names[1])
    assert (row["hs_task_subject"], row["contacts"]) == ("Changed", ["2"])
