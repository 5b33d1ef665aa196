"""HS-12, HS-15, HS-17: which kinds of Salesforce go to HubSpot, and in which words, is told by settings that change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.company import Company
from tests.exchange import ADA, KINDS, Exchange, calm, on, people, stamp
from tests.stories import Acts, Stories

Make = Callable[..., Company]
OLD = "2026-11-01T09:00:00Z"


class Switches(Exchange):
    """An exchange whose settings change, of one kind without the others."""

    def __init__(self, company: Company) -> None:
        super().__init__(company)
        self.lines: dict[str, str] = {}

    def set(self, **lines: str) -> None:
        """Change the settings of some kinds."""
        self.lines |= lines
        self.company.set("".join(self.lines.values()))


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
CUSTOM = {"Ticket__c": "T", "Region__c": "North", "Due__c": "2026-11-20T13:00:00Z"}


def two_on(company: Make) -> Switches:
    """Return an exchange whose switches of tasks, which are mapped otherwise, and meetings are on."""
    told = people(properties=DEFINED)
    told["salesforce"][0]["Task"].append({"Id": "00TZ", "Subject": "Old", "WhoId": ADA, **CUSTOM, **stamp(OLD)})
    exchange = Switches(company(told))
    exchange.set(tasks=on("tasks") + MAPPED, meetings=on("meetings"))
    assert not exchange.run().is_partial
    return exchange


switched = Stories(two_on, end=calm)


@pytest.mark.rule("HS-12", "EV-13")
@switched
def test_what_happened_while_a_switch_was_off_is_history_too(exchange: Switches) -> Acts:
    before = exchange.add("meetings")
    yield
    exchange.set(meetings="")
    exchange.do()
    yield
    assert exchange.verdict("meetings", before) == ("excluded", "switch_off")
    between = exchange.add("meetings")
    exchange.edit(before, Subject="Changed while it was off")
    exchange.company.sandbox.clear_requests()
    yield
    asked = [one for one in exchange.company.sandbox.requests() if "FROM+Event" in one["path"]]
    assert all("LIMIT+1" in one["path"] for one in asked), "a stream whose switch is off is not read"
    exchange.set(meetings=on("meetings"))
    exchange.do()
    yield
    after = exchange.add("meetings")
    yield
    assert [exchange.copy(name)["hs_meeting_title"] for name in (before, after)] == ["A meetings", "A meetings"]
    assert exchange.copies(between) == []
    assert exchange.verdict("meetings", between) == ("excluded", "before_switch")
    exchange.edit(before, Subject="Changed again")
    yield
    assert exchange.copy(before)["hs_meeting_title"] == "Changed again"


@pytest.mark.rule("HS-12", "HS-17")
@switched
def test_each_kind_has_its_own_switch_and_other_subtypes_are_none(exchange: Switches) -> Acts:
    made = {kind: exchange.add(kind) for kind in KINDS}
    mass = exchange.add("tasks", TaskSubtype="ListEmail")
    child = exchange.add("meetings", IsChild=True)
    yield
    assert [len(exchange.copies(made[kind])) for kind in KINDS] == [1, 0, 0, 1]
    assert exchange.copies(mass) + exchange.copies(child) == []
    exchange.set(emails=on("emails"))
    exchange.do()
    yield
    more = {kind: exchange.add(kind) for kind in ("tasks", "emails", "calls")}
    exchange.edit(mass, Subject="To many")
    exchange.edit(child, Subject="The copy of one invitee")
    yield
    assert [len(exchange.copies(name)) for name in more.values()] == [1, 1, 0]
    assert exchange.copies(made["emails"]) + exchange.copies(mass) + exchange.copies(child) == []
    assert exchange.verdict("meetings", child) is None


@pytest.mark.rule("HS-15")
@switched
def test_a_mapping_can_be_edited_added_and_taken_away(exchange: Switches) -> Acts:
    name = exchange.add("tasks", Description="D", **CUSTOM)
    yield
    row = exchange.copy(name)
    assert (row["hs_task_subject"], row["region"], row["due"]) == ("T", "North", "2026-11-20")
    assert row["hs_task_type"] == "CALL"
    assert "hs_task_body" not in row
    exchange.edit(name, Region__c=None)
    yield
    assert not exchange.copy(name).get("region"), "what was emptied is emptied"
    yield
    assert exchange.planned(name) == []
    exchange.set(tasks=on("tasks"))
    exchange.do()
    yield
    row = exchange.copy(name)
    assert (row["hs_task_subject"], row["hs_task_type"]) == ("A tasks", "CALL"), "what is no longer mapped stays"
    exchange.set(tasks=on("tasks") + '[salesforce.tasks.fields]\nhs_task_body = "Later__c"\n')
    exchange.do(lambda told: told["salesforce"][0]["Task"][0].update({"Later__c": "x"}))
    yield
    assert exchange.copy(name)["hs_task_body"] == "D", "a field that was not read yet clears nothing"


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
