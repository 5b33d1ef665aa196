"""Segments at the vendors: lists of HubSpot and campaigns of Salesforce, made, renamed, filled, read back (EV-10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pipelines.errors import UnknownOutcomeError
from pipelines.publish.rows import Destination, Outcome, Row
from pipelines.sandbox import Sandbox
from pipelines.settings import connections
from pipelines.vendors.hubspot import lists
from pipelines.vendors.hubspot.destination import HubSpotDestination
from pipelines.vendors.marketo import lists as marketo
from pipelines.vendors.marketo.destination import MarketoDestination
from pipelines.vendors.salesforce import campaigns
from pipelines.vendors.salesforce.destination import SalesforceDestination
from tests.exchange import ADA, BOB, LEAD, people

TITLE, OTHER = "Turnout: Ada's (50 % off)", "Turnout: Renamed"


class Place:
    """A sandbox of both vendors, and their destinations."""

    def __init__(self) -> None:
        told = people()
        told["hubspot"][0]["lists"] = [
            {"listId": "77", "name": "Turnout: Dynamic", "objectTypeId": "0-1", "processingType": "DYNAMIC"}
        ]
        mails = {1: "ada@x.example", 2: "bob@x.example", 3: "twin@x.example", 4: "Twin@x.example"}
        told["marketo"] = [{"leads": [{"id": number, "email": email} for number, email in mails.items()]}]
        self.sandbox = Sandbox(told)
        self.sandbox.start()
        found = self.connections = connections(self.sandbox.environment)
        self.hubspot = HubSpotDestination(found["hubspot"], "2026-09")
        self.salesforce = SalesforceDestination(found["salesforce"], {})
        self.marketo = MarketoDestination(found["marketo"], list_folder=23)

    def org(self, kind: str) -> list[dict[str, Any]]:
        """Return Salesforce's rows of an object that are not deleted."""
        return [row for row in self.sandbox.world()["salesforce"][0][kind] if not row["IsDeleted"]]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    one = Place()
    yield one
    one.sandbox.stop()


def list_row(kind: str, title: str, before: str | None = None) -> Row:
    """Return the row of a list or a campaign."""
    name = "Name" if kind == "campaign" else "name"
    return Row(kind, "update" if before else "create", "segment_x", fields={name: title}, old={name: before})


def member_row(kind: str, who: str, title: str = TITLE, operation: str = "create") -> Row:
    """Return the row of one member."""
    fields = {"is_member": "true"} if operation == "create" else {}
    context = {"list_name": title, "is_emptied": "false"}
    return Row(kind, operation, f"segment_x|{who}", who, fields=fields, context=context)


def lead_row(name: str, title: str = TITLE, operation: str = "create") -> Row:
    """Return the row of one member whom Marketo knows by an address."""
    email = f"{name}@x.example"
    fields = {"address": email} if operation == "create" else {}
    context = {"list_name": title, "is_emptied": "false", "lead_address": email}
    return Row(marketo.MEMBER, operation, f"segment_x|{name}", None, fields=fields, context=context)


def send(to: Destination, rows: Sequence[Row]) -> list[Outcome]:
    """Send rows as the phase that takes them would."""
    (phase,) = [one for one in to.phases if one.takes(rows[0])]
    return to.send(phase, rows)


def said(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what became of rows."""
    return [outcome.status for outcome in outcomes]


@pytest.mark.rule("EV-10")
def test_a_list_is_made_once_takes_its_members_and_can_be_asked(place: Place) -> None:
    to = place.hubspot
    made = list_row("list", TITLE)
    assert said(to.ask([made])) == ["not_done"]
    (first,) = send(to, [made])
    (again,) = send(to, [made])
    assert first.vendor_id == again.vendor_id
    assert [one["name"] for one in place.sandbox.world()["hubspot"][0]["lists"]].count(TITLE) == 1
    assert said(to.ask([made])) == ["published"]

    rows = [member_row("list_member", who) for who in ("1", "2", "99")]
    told = send(to, rows)
    assert said(told) == ["published", "published", "rejected"]
    assert told[2].reason == "HubSpot has no such contact"
    assert said(send(to, rows[:1])) == ["published"], "who is in already is in"
    assert said(to.ask(rows)) == ["published", "published", "not_done"]
    assert to.changed(rows) == [{}, {}, None]
    out = [member_row("list_member", who, operation="delete") for who in ("2", "99")]
    assert said(to.ask(out)) == ["not_done", "published"]
    assert said(send(to, out)) == ["published", "published"]
    assert said(to.ask([*rows[:2], *out])) == ["published", "not_done", "published", "published"]

    (renamed,) = send(to, [list_row("list", OTHER, TITLE)])
    assert renamed.vendor_id == first.vendor_id
    assert said(to.ask([member_row("list_member", "1", OTHER)])) == ["published"], "its members went with it"
    (lost,) = send(to, [member_row("list_member", "1")])
    assert "restore it there" in lost.reason
    (taken,) = send(to, [list_row("list", "Turnout: Dynamic")])
    assert (taken.status, "kind DYNAMIC" in taken.reason) == ("rejected", True)


@pytest.mark.rule("EV-10")
def test_a_campaign_is_made_once_takes_its_members_and_can_be_asked(place: Place) -> None:
    to = place.salesforce
    made = list_row("campaign", TITLE)
    assert said(to.ask([made])) == ["not_done"]
    (first,) = send(to, [made])
    assert said(send(to, [made])) == ["published"]
    assert [(row["Name"], row["IsActive"]) for row in place.org("Campaign")] == [(TITLE, True)]

    rows = [member_row("campaign_member", who) for who in (ADA, BOB, LEAD)]
    assert said(send(to, rows)) == ["published"] * 3
    assert said(send(to, rows)) == ["published"] * 3, "who is in already is in"
    held = [(row.get("ContactId"), row.get("LeadId")) for row in place.org("CampaignMember")]
    assert held == [(ADA, None), (BOB, None), (None, LEAD)]
    assert {row["CampaignId"] for row in place.org("CampaignMember")} == {first.vendor_id}
    out = [member_row("campaign_member", who, operation="delete") for who in (BOB, LEAD)]
    assert said(to.ask([*out, made])) == ["not_done", "not_done", "published"]
    assert said(send(to, out)) == ["published", "published"]
    assert said(send(to, out)) == ["published", "published"], "who is out already is out"
    assert to.changed(rows) == [{}, None, None]
    assert said(to.ask([*rows, *out])) == ["published", "not_done", "not_done", "published", "published"]

    strange = member_row("campaign_member", "003000000000000AAA")
    (refused,) = send(to, [strange])
    assert (refused.status, refused.reason.partition(":")[0]) == ("rejected", "INVALID_CROSS_REFERENCE_KEY")
    (renamed,) = send(to, [list_row("campaign", OTHER, TITLE)])
    assert renamed.vendor_id == first.vendor_id
    assert [row["Name"] for row in place.org("Campaign")] == [OTHER]
    (lost,) = send(to, [member_row("campaign_member", ADA)])
    assert "recycle bin" in lost.reason


@pytest.mark.rule("EV-10")
def test_a_static_list_is_made_once_takes_leads_by_their_address_and_can_be_asked(place: Place) -> None:
    to = place.marketo
    made = list_row(marketo.LIST, TITLE)
    assert said(to.ask([made])) == ["not_done"]
    (first,) = send(to, [made])
    assert said(send(to, [made])) == ["published"]
    (held,) = place.sandbox.world()["marketo"][0]["static_lists"]
    assert (held["name"], held["folder"]) == (TITLE, {"id": 23, "type": "Folder"})

    rows = [lead_row(name) for name in ("ada", "bob", "twin", "nobody")]
    told = send(to, rows)
    assert [(one.status, one.vendor_id) for one in told[:2]] == [("published", "1"), ("published", "2")]
    assert "Merge them" in told[2].reason
    assert "no lead with the address" in told[3].reason
    assert said(send(to, rows[:1])) == ["published"], "who is in already is in"
    out = [lead_row(name, operation="delete") for name in ("bob", "nobody")]
    assert said(to.ask([*rows[:2], *out])) == ["published", "published", "not_done", "published"]
    assert said(send(to, out)) == ["published", "published"]
    assert said(send(to, out)) == ["published", "published"], "who is out already is out"
    assert to.changed([*rows[:2], *out]) == [{}, None, None, None]
    assert place.sandbox.world()["marketo"][0]["static_lists"][0]["members"] == [1]

    (renamed,) = send(to, [list_row(marketo.LIST, OTHER, TITLE)])
    assert renamed.vendor_id == first.vendor_id
    (lost,) = send(to, [lead_row("ada")])
    assert "no static list" in lost.reason
    alone = MarketoDestination(place.connections["marketo"])
    (beside,) = send(alone, [list_row(marketo.LIST, "Turnout: Beside")])
    assert beside.status == "published", "without a setting it is made where another one is"


@pytest.mark.parametrize("kinds", [lists, campaigns, marketo])
def test_who_goes_is_told_before_who_comes(kinds: Any) -> None:
    assert [phase.operations[0] for phase in kinds.PHASES if phase.object == kinds.MEMBER] == ["delete", "create"]


def test_what_salesforce_does_not_allow_is_refused_row_by_row(place: Place) -> None:
    body = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no marketing user"}]
    rule = {"vendor": "salesforce", "path": "/composite/sobjects", "kind": "status", "status": 403, "body": body}
    place.sandbox.set_faults({"rules": [rule]})
    (refused,) = send(place.salesforce, [list_row("campaign", "Turnout: Forbidden")])
    place.sandbox.set_faults({"rules": []})
    assert refused.status == "rejected"
    assert "permission" in refused.reason


def test_a_campaign_whose_making_nobody_answered_is_asked_for_and_stands_once(place: Place) -> None:
    made = list_row("campaign", "Turnout: Broken off")
    rule = {"vendor": "salesforce", "path": "/composite/sobjects", "kind": "drop_after", "times": 1}
    place.sandbox.set_faults({"rules": [rule]})
    with pytest.raises(UnknownOutcomeError):
        send(place.salesforce, [made])
    assert said(place.salesforce.ask([made])) == ["published"]
    assert said(send(place.salesforce, [made])) == ["published"]
    assert [row["Name"] for row in place.org("Campaign")].count("Turnout: Broken off") == 1
