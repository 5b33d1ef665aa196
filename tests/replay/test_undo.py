"""Undo and retry (EV-07, EV-08): after any run the CRMs can be as they were before it, but for what people changed."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import mending
from pipelines.errors import StalePlanError, UsageError
from pipelines.events import utc
from pipelines.publish import load_plan, sending
from tests.company import Company
from tests.tasks.worlds import engagement, stamp
from tests.worlds import NOW, contact, email_event, form, joined, later, registrant, session, webinar, world

WORLDS = int(os.environ.get("TURNOUT_UNDO_WORLDS", "1"))
"""How many random worlds are tried; a run of CI tries one."""
Record = dict[str, Any]
DAYS = ("2026-11-10", "2026-11-12", "2026-11-16")
TOMORROW = later(NOW, days=1)
LASTING = {"property", "attendance", "completion", "list", "campaign"}
"""Objects of which nothing is taken back."""


def address(number: int) -> str:
    return f"p{number}@x.example"


def held_webinar(dice: random.Random, number: int) -> Record:
    """A webinar that some people registered for, and of whom some came."""
    day, people = DAYS[number % 3], [address(one) for one in range(9) if dice.random() < 0.6]
    came = [one for one in people if dice.random() < 0.7]
    return webinar(
        900_000_000 + number,
        day=day,
        registrants=[registrant(one) for one in people],
        instances=[
            session(f"u{number}==", "10:00", "11:00", [joined(one, "10:00", "10:40", day) for one in came] or [], day)
        ],
    )


def mail(dice: random.Random, day: str) -> list[Record]:
    """Some people open some emails."""
    return [
        email_event("OPEN", address(one), dice.randrange(1, 4), f"2026-11-{day}T08:{one:02}:00+00:00")
        for one in range(9)
        if dice.random() < 0.5
    ]


def begun(dice: random.Random) -> Record:
    """A world of nine people, of whom five are contacts and three are in Salesforce."""
    told = world(
        *(held_webinar(dice, number) for number in range(2)),
        contacts=[contact(number + 1, address(number)) for number in range(5)],
        email_events=mail(dice, "13"),
        forms=[
            form(
                "f1", [(address(dice.randrange(5)), "2026-11-15T10:00:00+00:00"), (address(0), "2026-11-14T10:00:00Z")]
            )
        ],  # so the first contact is in the segment whatever else they did
        calls=[engagement(str(501 + n), utc(f"2026-11-0{n + 1}T10:00:00Z"), [str(n + 1)]) for n in range(3)],
    )
    people = [
        {"Id": f"003{n}", "LastName": "L", "Email": address(n), "CreatedDate": stamp(utc("2026-01-01T00:00:00Z"))}
        for n in range(3)
    ]
    return told | {"salesforce": [{"time_zone": "UTC", "Contact": people}]}


def lived(dice: random.Random, told: Record) -> None:
    """A day passes: another webinar, a new topic, more people, more mail, a call that says something else."""
    zoom, portal = told["zoom"][0], told["hubspot"][0]
    zoom["webinars"].append(held_webinar(dice, 2))
    zoom["webinars"][0]["topic"] = "Another name"
    zoom["webinars"][1]["registrants"].append(registrant("late@x.example", create_time="2026-11-09T09:00:00Z"))
    portal["email_events"] += mail(dice, "19")
    portal["calls"].append(engagement("601", utc("2026-11-18T10:00:00Z"), ["1"]))
    portal["calls"][1]["properties"] |= {"hs_call_title": "Renamed", "hs_lastmodifieddate": "2026-11-20T13:00:00.000Z"}
    portal["calls"][1]["updatedAt"] = "2026-11-20T13:00:00.000Z"


def choose(one: Company, *contacts: int) -> None:
    """Write the segment, which goes to a list of HubSpot and to a campaign of Salesforce."""
    header = (
        "-- Who?\n-- grain: one row per contact_id\n-- name: Chosen\n-- owner: tests\n-- deliver: hubspot, salesforce\n"
    )
    one.segments.mkdir(exist_ok=True)
    sql = f"select contact_id from contact_metrics where contact_id in {contacts}\n"
    (one.segments / "segment_chosen.sql").write_text(header + sql, encoding="utf-8")


def contents(told: Record) -> dict[tuple[str, str], Record]:
    """What the CRMs hold, without what the vendors keep of their own accord."""
    portal, org = told["hubspot"][0], told["salesforce"][0]
    own = {"createdate", "lastmodifieddate", "hs_object_id"}
    found: dict[tuple[str, str], Record] = {}
    for one in portal["contacts"]:
        if not one["archived"]:
            found["contact", one["id"]] = {
                name: value for name, value in one["properties"].items() if value and name not in own
            }
    for one in portal["marketing_events"]:
        found["marketing_event", one["externalEventId"]] = {
            name: one.get(name) for name in ("eventName", "startDateTime", "endDateTime", "eventUrl", "eventCancelled")
        }
    for one in portal.get("lists", ()):
        found["list", one["name"]] = {"members": sorted(one["members"])}
    for one in org.get("Campaign", ()):
        members = [row for row in org.get("CampaignMember", ()) if row["CampaignId"] == one["Id"]]
        found["campaign", one["Name"]] = {
            "members": sorted(row.get("ContactId") or row["LeadId"] for row in members if not row.get("IsDeleted"))
        }
    for one in org.get("Task", ()):
        if not one.get("IsDeleted"):
            found["task", one["Turnout_Id__c"]] = {
                name: one.get(name) for name in ("Subject", "Description", "ActivityDate", "WhoId", "Status")
            }
    return found


def meddled(told: Record, written: Record, dice: random.Random) -> dict[tuple[str, str], Record]:
    """Let people change four of the records that the run wrote; return what each must hold in the end."""
    portal, org = told["hubspot"][0], told["salesforce"][0]
    expected: dict[tuple[str, str], Record] = {}
    made = [one for one in portal["contacts"] if ("contact", one["id"]) in written["created"]]
    changed = [one for one in portal["contacts"] if ("contact", one["id"]) in written["updated"]]
    one = dice.choice(made)
    one["properties"]["firstname"] = "Renamed by a person"
    expected["contact", one["id"]] = contents(told)["contact", one["id"]]
    one = dice.choice(changed)
    one["properties"]["turnout_emails_opened_1y"] = "77"
    expected["contact", one["id"]] = {
        **written["before"]["contact", one["id"]],
        "turnout_emails_opened_1y": "77",
    }
    (event,) = [
        one for one in portal["marketing_events"] if ("marketing_event", one["externalEventId"]) in written["updated"]
    ]
    event["eventUrl"] = "https://elsewhere.example/"
    expected["marketing_event", event["externalEventId"]] = {
        **written["before"]["marketing_event", event["externalEventId"]],
        "eventUrl": "https://elsewhere.example/",
    }
    task = dice.choice([one for one in org["Task"] if ("task", one["Turnout_Id__c"]) in written["created"]])
    task["Subject"] = "Done by hand"
    expected["task", task["Turnout_Id__c"]] = contents(told)["task", task["Turnout_Id__c"]]
    return expected


class Killed(BaseException):
    """The process died here."""


def broken_off(one: Company, plan: str, wave: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply a plan and die after a wave was sent, before its answers are in the log."""
    write, waves = sending.write_outcomes, iter(range(100))

    def dying(*given: Any, **more: Any) -> None:
        if next(waves) == wave:
            raise Killed
        write(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(sending, "write_outcomes", dying)
        opened = one.workspace
        with pytest.raises(Killed):
            opened.apply(load_plan(one.home, plan))


REFUSAL = {
    "vendor": "hubspot",
    "method": "POST",
    "path": "/contacts/batch/update",
    "kind": "status",
    "status": 400,
    "body": {"status": "error", "category": "VALIDATION_ERROR", "message": "a workflow holds it"},
}


@pytest.fixture(scope="module", params=range(1, WORLDS + 1))
def dice(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)


@pytest.fixture(scope="module")
def company(dice: random.Random, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company after its first run, in which HubSpot refused to change contacts."""
    one = Company(begun(dice), Path(tmp_path_factory.mktemp("undo")) / "home")
    choose(one, 1, 2, 3)
    one.sandbox.set_faults({"rules": [REFUSAL]})
    receipt = one.run()
    assert receipt.applied is not None
    one.refused = {row.key for row, _ in receipt.applied.rejected}  # type: ignore[attr-defined]
    one.first = receipt.run  # type: ignore[attr-defined]
    yield one
    one.sandbox.stop()


@pytest.mark.rule("EV-07")
def test_what_was_refused_is_tried_again_on_demand(company: Company) -> None:
    refused: set[str] = company.refused  # type: ignore[attr-defined]
    assert refused
    answer = company.command("retry", "hubspot")
    assert answer.returncode == 1, answer.stderr
    assert "a workflow holds it" in answer.stdout
    company.sandbox.set_faults({})
    plan, _ = company.workspace.plan()
    assert plan.total == 0
    assert {row.key for row, _ in plan.waiting["hubspot"]} == refused, "nobody asks again by themselves"
    mended = mending.retry(company.workspace, ["hubspot"])
    assert mended.applied is not None
    assert (mended.applied.published, mended.is_partial) == (len(refused), False)
    assert company.rows("select count(*) from verdicts where verdict in ('rejected', 'waiting')") == [(0,)]
    with pytest.raises(UsageError, match="no destination nowhere"):
        mending.retry(company.workspace, ["nowhere"])
    with pytest.raises(UsageError, match="`turnout undo` lists the runs"):
        mending.undo(company.workspace, "20200101T000000-000000")


@pytest.mark.rule("EV-06", "EV-08")
def test_undo_gives_the_crm_back_but_for_what_people_changed(
    company: Company, dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = company
    one.sandbox.set_faults({})
    mending.retry(one.workspace)
    one.change(lambda told: lived(dice, told), TOMORROW)
    choose(one, 2, 3, 4)
    before = contents(one.sandbox.world())
    second = one.run()
    assert second.applied is not None
    assert second.applied.rejected == []
    after = contents(one.sandbox.world())
    written = {
        "before": before,
        "created": after.keys() - before.keys(),
        "updated": {place for place in before if after[place] != before[place]},
    }
    assert {("list", "Turnout: Chosen"), ("campaign", "Turnout: Chosen")} <= written["updated"]
    expected = dict(before)
    one.change(lambda told: expected.update(meddled(told, written, dice)))

    plan, _ = mending.undo(one.workspace, second.run)
    told = one.workspace.save(plan)
    assert contents(one.sandbox.world()) != expected
    reasons = {(row.object, why) for _, row, why in plan.left if row.object not in LASTING}
    assert reasons - {("contact", "somebody changed turnout_emails_opened_1y since")} == {
        ("contact", "somebody changed firstname since"),
        ("task", "somebody changed Subject since"),
    }
    broken_off(one, str(told), wave=dice.randrange(4), monkeypatch=monkeypatch)
    plan, lines = mending.undo(one.workspace, second.run)
    assert any("of a run that broke off" in line for line in lines)
    one.workspace.apply(plan)
    assert contents(one.sandbox.world()) == expected
    with pytest.raises(StalePlanError):
        one.workspace.apply(plan)

    one.workspace.ingest()
    again, _ = one.workspace.plan()
    assert again.total == 0, "a later run does not send again what was taken back"
    waiting = one.rows("select count(*) from verdicts where verdict = 'waiting' and reason like '%taken back%'")
    assert waiting[0][0] > 5
    runs = mending.runs(one.workspace)
    assert runs[0]["undoes"] == second.run
    assert one.first in {run["run"] for run in runs}  # type: ignore[attr-defined]

    retried = mending.retry(one.workspace, is_undone=True)
    assert not retried.is_partial
    standing = contents(one.sandbox.world())
    assert {place for place in after if place[0] != "contact"} == {place for place in standing if place[0] != "contact"}
    gone = after.keys() - standing.keys()
    assert all(place in written["created"] for place in gone), "who was deleted in the CRM is not created again"
