"""Segments: a file is a list in the CRM, and who enters or leaves is told once (EV-10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from pipelines import mending
from pipelines.log import OURS
from tests.company import Company
from tests.exchange import ADA, BOB, LEAD, people
from tests.worlds import NOW, contact, email_event, joined, later, registrant, session, webinar, world

ONE = 84759841045
PEOPLE = [f"p{number:02d}@x.example" for number in range(1, 16)]
CAME, OPENED, BROKEN = "segment_came", "segment_opened", "segment_broken"
EVERYBODY = "select contact_id from contact_metrics where webinars_attended >= 1"


def header(name: str, deliver: str = "hubspot") -> str:
    """Return the header of a segment."""
    return f"-- Who?\n-- grain: one row per contact_id\n-- name: {name}\n-- owner: tests\n-- deliver: {deliver}\n"


class Marketing:
    """A company of fifteen contacts of whom twelve came, and its segments."""

    def __init__(self, home: Path, told: dict[str, Any] | None = None) -> None:
        came = [joined(email, "10:00", "10:50") for email in PEOPLE[:12]]
        one = webinar(
            ONE,
            registrants=[registrant(email) for email in PEOPLE],
            instances=[session("u1==", "10:00", "11:00", came)],
        )
        contacts = [contact(number, email) for number, email in enumerate(PEOPLE, 1)]
        opened = [email_event("OPEN", email, 7, "2026-11-12T10:00:00Z") for email in PEOPLE[:2]]
        self.company = Company(told or world(one, contacts=contacts, email_events=opened), home)
        self.company.segments.mkdir()
        self.now = NOW

    def write(self, name: str, sql: str, title: str = "", deliver: str = "hubspot") -> None:
        """Write a segment's file."""
        text = header(title or name.removeprefix("segment_").capitalize(), deliver) + sql + "\n"
        (self.company.segments / f"{name}.sql").write_text(text, encoding="utf-8")

    def run(self, **how: Any) -> Any:
        """Let an hour pass, and do a run."""
        self.now = later(self.now, hours=1)
        self.company.change(lambda told: None, self.now)
        return self.company.run(**how)

    def members(self, title: str) -> list[int] | None:
        """Return who is in a list, as HubSpot tells it; None where it has no such list."""
        answer = self.company.ask(f"/crm/v3/lists/object-type-id/0-1/name/{quote(title)}")
        if answer.status_code == 404:
            return None
        number = answer.json()["list"]["listId"]
        assert answer.json()["list"]["processingType"] == "MANUAL"
        rows = self.company.ask(f"/crm/v3/lists/{number}/memberships", limit=250).json()["results"]
        return sorted(int(row["recordId"]) for row in rows)

    def campaign(self) -> dict[str, set[str]]:
        """Return the name of each campaign, and which Contacts and Leads are in it."""
        org = self.company.sandbox.world()["salesforce"][0]
        found: dict[str, set[str]] = {}
        for row in org["CampaignMember"]:
            if not row["IsDeleted"]:
                found.setdefault(row["CampaignId"], set()).add(row.get("ContactId") or row["LeadId"])
        return {row["Name"]: found.get(row["Id"], set()) for row in org["Campaign"]}

    def events(self) -> list[tuple[str, int, str]]:
        """Return the changes in the log: segment, contact, entered or left."""
        found = self.company.workspace.log.query(
            OURS, "segment_changes", "select payload from events order by occurred_at, key", {}
        )
        told = [orjson.loads(payload) for (payload,) in found]
        return sorted((one["segment"], one["contact_id"], one["change"]) for one in told)

    def verdicts(self, where: str) -> set[tuple[str, str | None]]:
        """Return (verdict, reason) of some records."""
        return set(self.company.rows(f"select verdict, reason from verdicts where {where}"))


@pytest.fixture
def marketing(tmp_path: Path) -> Iterator[Marketing]:
    one = Marketing(tmp_path / "home")
    yield one
    one.company.sandbox.stop()


@pytest.mark.rule("EV-10")
def test_a_segment_goes_from_its_file_to_a_list_and_stays_there_as_it_changes(marketing: Marketing) -> None:
    company = marketing.company
    marketing.write(CAME, EVERYBODY)
    marketing.write(
        OPENED, f"select contact_id from {CAME} join contact_metrics using (contact_id) where emails_opened_1y > 0"
    )
    receipt = marketing.run()
    assert not receipt.is_partial, receipt.applied
    assert marketing.members("Turnout: Came") == list(range(1, 13))
    assert marketing.members("Turnout: Opened") == [1, 2]
    assert company.rows("select segment, count(*) from segment_members group by 1 order by 1") == [
        (CAME, 12),
        (OPENED, 2),
    ]
    assert company.rows(f"select count(*) from {CAME}") == [(12,)]
    first = marketing.events()
    assert first == [*[(CAME, n, "entered") for n in range(1, 13)], (OPENED, 1, "entered"), (OPENED, 2, "entered")]
    again = marketing.run()
    assert again.plan is not None
    assert again.plan.total == 0
    assert marketing.events() == first, "nothing changed, so nothing is told"

    marketing.write(CAME, f"{EVERYBODY} and contact_id <> 3", title="Came at all")
    marketing.write(OPENED, "select contact_id from contact_metrics where no_such_column > 0")
    marketing.write(BROKEN, "select contact_id from where")
    receipt = marketing.run()
    assert receipt.is_partial
    assert set(receipt.built.faults) == {OPENED, BROKEN}
    assert any("no_such_column" in line and "keep who is in them" in line for line in receipt.lines)
    assert marketing.members("Turnout: Came") is None, "the list was renamed"
    assert marketing.members("Turnout: Came at all") == [1, 2, *range(4, 13)]
    assert marketing.members("Turnout: Opened") == [1, 2], "who was in stays in"
    assert marketing.members("Turnout: Broken") is None
    assert marketing.verdicts(f"object_key like '{OPENED}|%'") == {("waiting", "segment_failed")}
    assert [one for one in marketing.verdicts(f"object_key = '{BROKEN}'") if "does not parse" in str(one[1])]
    gone = [(CAME, 3, "left")]
    assert marketing.events() == sorted(first + gone), "of a segment that failed nobody knows who left"

    marketing.write(CAME, f"{EVERYBODY} and false", title="Came at all")
    marketing.write(OPENED, "select contact_id from contact_metrics where emails_opened_1y > 0 and contact_id = 1")
    (company.segments / f"{BROKEN}.sql").unlink()
    receipt = marketing.run()
    assert receipt.is_partial
    assert marketing.members("Turnout: Came at all") == [1, 2, *range(4, 13)], "held until somebody allows it"
    assert marketing.members("Turnout: Opened") == [1], "the others go on"
    ((verdict, reason),) = marketing.verdicts(f"object_key like '{CAME}|%'")
    assert (verdict, str(reason).partition(":")[0]) == ("waiting", "segment_emptied")
    assert "from 11 members to none" in str(reason)

    shown = company.command("segment", "show", "came")
    assert "+12" in shown.stdout, shown.stderr
    assert "segment_emptied" in shown.stdout

    receipt = marketing.run(allow=True)
    assert not receipt.is_partial
    assert marketing.members("Turnout: Came at all") == []

    marketing.write(CAME, f"{EVERYBODY} and contact_id = 3", title="Came at all")
    marketing.run()
    assert marketing.members("Turnout: Came at all") == [3]
    assert marketing.events().count((CAME, 3, "entered")) == 2
    sizes = company.rows(f"select member_count, entered_count, left_count from segment_sizes where segment = '{CAME}'")
    assert sizes == [(1, 13, 12)], "all of it happened within one day"


@pytest.mark.rule("EV-10")
def test_a_segment_is_a_campaign_of_those_whom_salesforce_knows(tmp_path: Path) -> None:
    told = people()
    told["hubspot"][0]["contacts"].append(contact(4, "dot@x.example"))
    told["hubspot"][0]["email_events"] = [
        email_event("OPEN", f"{name}@x.example", 7, "2026-11-12T10:00:00Z") for name in ("ada", "bob", "lea", "dot")
    ]
    one = Marketing(tmp_path / "home", told)
    try:
        one.write(
            OPENED, "select contact_id from contact_metrics where emails_opened_1y > 0", deliver="salesforce, hubspot"
        )
        first = one.run()
        assert not first.is_partial
        assert one.campaign() == {"Turnout: Opened": {ADA, BOB, LEAD}}
        assert one.members("Turnout: Opened") == [1, 2, 3, 4]
        assert one.company.verdict(f"{OPENED}|4", "campaign_member") == ("excluded", "not_matched")
        one.write(OPENED, "select contact_id from contact_metrics where contact_id = 3", deliver="salesforce")
        one.run()
        assert one.campaign() == {"Turnout: Opened": {LEAD}}
        assert one.members("Turnout: Opened") == [1, 2, 3, 4], "what is delivered no more stays as it was"
        plan, _ = mending.undo(one.company.workspace, first.run)
        stays = {row.object for _, row, why in plan.left if "stays, since it may have been there before" in why}
        assert stays == {"list", "campaign"}
        one.company.workspace.apply(plan)
        assert one.campaign() == {"Turnout: Opened": set()}
        assert one.members("Turnout: Opened") == []
        assert one.run().plan.total == 0, "what was taken back is held"
    finally:
        one.company.sandbox.stop()
