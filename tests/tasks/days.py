"""What happens on later days in a random world: people are converted, merged, renamed, made; they do more."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import requests

from tests.company import Company
from tests.tasks.oracle import norm, when
from tests.tasks.worlds import engagement, iso, stamp, to_ms

Record = dict[str, Any]


class Days:
    """Moves the world of a company on, as its people would: through the vendors' own calls where there are any."""

    def __init__(self, company: Company, seed: int) -> None:
        self.company, self.dice, self.count = company, random.Random(seed), 0
        self.done: list[str] = []

    def pass_one(self, changes: int) -> None:
        """Let a day pass on which so much happens."""
        world = self.company.sandbox.world()
        now = when(world["now"]) + timedelta(days=1)
        self.company.sandbox.set_clock(iso(now))
        for _ in range(changes):
            how = self.dice.choice(
                (self._convert, self._join_records, self._join_contacts, self._newcomer, self._rename, self._act)
            )
            if how(self.company.sandbox.world()):
                self.done.append(how.__name__)

    def _post(self, url: str, body: Record, method: str = "POST") -> None:
        token = self.company.sandbox.world()["hubspot"][0]["access_token"]
        answer = requests.request(method, url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert answer.ok, answer.text

    def _live(self, world: Record, kind: str) -> list[Record]:
        rows = world["salesforce"][0][kind]
        return [row for row in rows if not row["IsDeleted"] and not row.get("IsConverted")]

    def _number(self, name: str) -> str:
        """The group that a record's id is of; blank for one that Salesforce made on conversion."""
        return name[3:9] if not name.startswith(("0035g", "00Q5g")) else ""

    def _convert(self, world: Record) -> bool:
        """A lead becomes a contact, a new one or one of its group."""
        leads = self._live(world, "Lead")
        lead = self.dice.choice(leads)
        body = {"leadId": lead["Id"]}
        near = [one for one in self._live(world, "Contact") if self._number(one["Id"]) == self._number(lead["Id"])]
        if near and self.dice.random() < 0.4:
            body["contactId"] = self.dice.choice(near)["Id"]
        self._post(f"{self.company.sandbox.control_url}/_sandbox/salesforce/convert", body)
        return True

    def _join_records(self, world: Record) -> bool:
        """Two Contacts, or two Leads, of one group become one."""
        rows = self._live(world, self.dice.choice(("Contact", "Lead")))
        one = self.dice.choice(rows)
        near = [row for row in rows if row is not one and self._number(row["Id"]) == self._number(one["Id"])]
        if not near:
            return False
        pair = {"winner": one["Id"], "loser": self.dice.choice(near)["Id"]}
        self._post(f"{self.company.sandbox.control_url}/_sandbox/salesforce/merge", pair)
        return True

    def _contacts(self, world: Record) -> dict[str, list[Record]]:
        """The live contacts, by group."""
        found: dict[str, list[Record]] = {}
        for one in world["hubspot"][0]["contacts"]:
            domain = norm(one["properties"].get("email")).rpartition("@")[2]
            if not one["archived"] and domain.startswith("g"):
                found.setdefault(domain, []).append(one)
        return found

    def _join_contacts(self, world: Record) -> bool:
        """Two contacts of HubSpot become one."""
        many = [some for some in self._contacts(world).values() if len(some) > 1]
        if not many:
            return False
        pair = self.dice.sample(self.dice.choice(many), 2)
        body = {"primaryObjectId": pair[0]["id"], "objectIdToMerge": pair[1]["id"]}
        self._post(f"{self.company.sandbox.urls['hubspot']}/crm/v3/objects/contacts/merge", body)
        return True

    def _rename(self, world: Record) -> bool:
        """A contact gets another address; Salesforce hears of it, or not."""
        domain, some = self.dice.choice(list(self._contacts(world).items()))
        one, address = self.dice.choice(some), f"new{self._next()}@{domain}"
        url = f"{self.company.sandbox.urls['hubspot']}/crm/v3/objects/contacts/{one['id']}"
        self._post(url, {"properties": {"email": address}}, "PATCH")
        return True

    def _newcomer(self, world: Record) -> bool:
        """A newer contact joins a group's activities, with a record of its own that is as old as HubSpot itself."""
        domain, some = self.dice.choice(list(self._contacts(world).items()))
        address, at = f"late{self._next()}@{domain}", when(world["now"])
        name = str(99_000_000 + self.count)

        def come(told: Record) -> None:
            portal = told["hubspot"][0]
            portal["contacts"].append(
                {
                    "id": name,
                    "createdAt": iso(at - timedelta(days=700)),
                    "updatedAt": iso(at),
                    "properties": {"email": address},
                }
            )
            told["salesforce"][0]["Contact"].append(
                {
                    "LastName": name,
                    "Email": address,
                    "CreatedDate": stamp(at - timedelta(days=800)),
                    "SystemModstamp": stamp(at),
                }
            )
            names = {one["id"] for one in some}
            for kind in ("calls", "emails", "meetings", "notes", "tasks"):
                for one in portal[kind]:
                    if names & set(one["associations"].get("contacts", ())):
                        one["associations"]["contacts"].append(name)
                        one["updatedAt"] = one["properties"]["hs_lastmodifieddate"] = iso(at)

        self.company.change(come)
        return True

    def _act(self, world: Record) -> bool:
        """A note, an email opened and a form sent in, of somebody's."""
        _, some = self.dice.choice(list(self._contacts(world).items()))
        one, at = self.dice.choice(some), when(world["now"]) - timedelta(hours=1)
        name = f"80{self._next():04d}"
        address = one["properties"]["email"]

        def come(told: Record) -> None:
            portal = told["hubspot"][0]
            portal["notes"].append(engagement(name, at, [one["id"]]) | {"updatedAt": iso(at)})
            event = {"id": name, "type": "OPEN", "recipient": address, "emailCampaignId": 7, "filteredEvent": False}
            portal["email_events"].append({**event, "created": to_ms(at)})
            values = [{"name": "email", "value": address, "objectTypeId": "0-1"}]
            portal["forms"][0]["submissions"].append(
                {"conversionId": name, "submittedAt": to_ms(at), "values": values, "pageUrl": ""}
            )

        self.company.change(come)
        return True

    def _next(self) -> int:
        self.count += 1
        return self.count
