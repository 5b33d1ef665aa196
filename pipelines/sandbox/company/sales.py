"""The Salesforce org: whom the portal knows stands there as contact or lead, mostly, and not always once.

The portal's `salesforcecontactid` and `salesforceleadid` name records of this org: most of them live ones, some merged
away or converted since, a few that are nowhere. Others are there without the portal knowing, by their address alone,
and of those a few twice.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso
from pipelines.sandbox.company.people import Cast, Person, moment_between, worn
from pipelines.sandbox.salesforce.ids import checked

Record = dict[str, Any]
CONTACT, LEAD = "salesforcecontactid", "salesforceleadid"
PREFIXES = {CONTACT: "003", LEAD: "00Q"}
MERGED, CONVERTED, TWIN = 2_000_000, 3_000_000, 4_000_000
SUBJECTS = ("Discovery call", "Send the contract", "Renewal", "Reference wanted", "Check the invoice")
STAGES = ("Prospecting", "Qualification", "Proposal", "Closed Won", "Closed Lost")


def record_id(prefix: str, number: int) -> str:
    """The id of a record of this org."""
    return checked(f"{prefix}5g{number:010d}")


def org_of(dice: random.Random, cast: Cast, portal: Record, now: datetime) -> Record:
    """The org, in keeping with the ids that stand in the portal."""
    org: Record = {
        "org_id": record_id("00D", 1),
        "client_id": "kestrel-consumer",
        "client_secret": "kestrel-salesforce-secret",
        "time_zone": "Europe/Berlin",
        "User": [_user(person, at) for at, person in enumerate(cast.staff[:6])],
        **{name: [] for name in ("Account", "Contact", "Lead", "Opportunity", "Task", "Event")},
        "task_types": ["Call", "Meeting", "Email", "Webinar", "Other"],
    }
    hall = _Hall(dice, org, now)
    known = {record["id"]: record["properties"] for record in portal["contacts"]}
    for person in (*cast.contacts, *(person for person in cast.staff if person.contact_id)):
        hall.enter(person, known[person.contact_id])
    _work(dice, org, now, max(len(cast.contacts) // 20, 4))
    return org


def _user(person: Person, at: int) -> Record:
    """Whoever owns contacts in the portal is a user with the same address; the one who left is inactive."""
    return {
        "Id": record_id("005", at + 1),
        "Username": person.email,
        "Email": person.email,
        "FirstName": person.first,
        "LastName": person.last,
        "Alias": person.last[:8].lower(),
        "IsActive": at != 5,
        "TimeZoneSidKey": "Europe/Berlin",
        "CreatedDate": iso(person.joined),
    }


class _Hall:
    """Lets people in one after the other."""

    def __init__(self, dice: random.Random, org: Record, now: datetime) -> None:
        self.dice = dice
        self.org = org
        self.now = now
        self.accounts: dict[str, Record] = {}

    def enter(self, person: Person, properties: Record) -> None:
        """Enter somebody as the portal names them, or by their address, or not at all."""
        fate = self.dice.random()
        kind = next((name for name in (CONTACT, LEAD) if properties.get(name)), "")
        if not kind:
            if fate < 0.3 and properties.get("email"):
                self._unnamed(person, fate)
            return
        if fate < 0.04:  # the id is that of another org, or of a record that is gone for good
            return
        if kind == CONTACT:
            contact = self._contact(person, person.number)
            if fate < 0.08:
                self._merged(contact, self._contact(person, MERGED + person.number))
            return
        lead = self._lead(person, person.number)
        if fate < 0.08:
            self._merged(lead, self._lead(person, MERGED + person.number))
        elif fate < 0.2:
            self._converted(person, lead)

    def _unnamed(self, person: Person, fate: float) -> None:
        if fate < 0.18:
            self._contact(person, person.number)
            if fate < 0.006:
                self._contact(person, TWIN + person.number)
            elif fate < 0.02:  # a contact goes before a lead
                self._lead(person, person.number)
        else:
            self._lead(person, person.number)
            if fate > 0.294:
                self._lead(person, TWIN + person.number)

    def _person(self, person: Person, identifier: str) -> Record:
        """What contacts and leads have alike; some were here long before the portal knew them."""
        early = self.dice.random() < 0.3
        first = person.joined - timedelta(days=self.dice.randint(1, 200)) if early else person.joined
        created = first if early else moment_between(self.dice, first, min(first + timedelta(days=60), self.now))
        changed = moment_between(self.dice, created, self.now)
        return {
            "Id": identifier,
            "FirstName": person.first[:40],
            "LastName": person.last,
            "Email": worn(self.dice, person.email).strip(),
            "Title": person.title,
            "OwnerId": self.org["User"][self.dice.randint(0, 4)]["Id"],
            "CreatedDate": iso(created),
            "LastModifiedDate": iso(changed),
            "SystemModstamp": iso(changed),
        }

    def _contact(self, person: Person, number: int) -> Record:
        record = self._person(person, record_id("003", number))
        if person.company:
            record["AccountId"] = self._account(person.company, record)["Id"]
        self.org["Contact"].append(record)
        return record

    def _lead(self, person: Person, number: int) -> Record:
        record = self._person(person, record_id("00Q", number))
        record |= {"Company": person.company or "[not provided]", "Status": "Working - Contacted"}
        self.org["Lead"].append(record)
        return record

    def _account(self, company: str, record: Record) -> Record:
        if company not in self.accounts:
            self.accounts[company] = {
                "Id": record_id("001", len(self.accounts) + 1),
                "Name": company,
                "OwnerId": record["OwnerId"],
                "CreatedDate": record["CreatedDate"],
            }
            self.org["Account"].append(self.accounts[company])
        return self.accounts[company]

    def _merged(self, loser: Record, winner: Record) -> None:
        """The portal goes on naming the loser."""
        winner["CreatedDate"] = max(winner["CreatedDate"], loser["CreatedDate"])
        recent = max(self.now - timedelta(days=self.dice.randint(1, 13)), _moment(winner["CreatedDate"]))
        loser |= {"IsDeleted": True, "MasterRecordId": winner["Id"]}
        for record in (loser, winner):
            record |= {"LastModifiedDate": iso(recent), "SystemModstamp": iso(recent)}

    def _converted(self, person: Person, lead: Record) -> None:
        contact = self._contact(person, CONVERTED + person.number)
        moment = moment_between(self.dice, _moment(lead["CreatedDate"]), self.now)
        contact |= {name: iso(moment) for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")}
        lead |= {
            "IsConverted": True,
            "ConvertedDate": moment.date().isoformat(),
            "ConvertedContactId": contact["Id"],
            "ConvertedAccountId": contact.get("AccountId"),
            "Status": "Closed - Converted",
            "LastModifiedDate": iso(moment),
            "SystemModstamp": iso(moment),
        }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _work(dice: random.Random, org: Record, now: datetime, count: int) -> None:
    """Opportunities, tasks and events that people made in Salesforce itself."""
    contacts = [row for row in org["Contact"] if row.get("AccountId") and not row.get("IsDeleted")]
    leads = [row for row in org["Lead"] if not (row.get("IsDeleted") or row.get("IsConverted"))]
    accounts = {row["Id"]: row for row in org["Account"]}
    for at in range(count // 2 if accounts else 0):
        account = dice.choice(org["Account"])
        created = moment_between(dice, _moment(account["CreatedDate"]), now)
        stage = dice.choice(STAGES)
        org["Opportunity"].append(
            {
                "Id": record_id("006", at + 1),
                "Name": f"{account['Name']} {created:%Y}",
                "AccountId": account["Id"],
                "StageName": stage,
                "IsClosed": stage.startswith("Closed"),
                "IsWon": stage == "Closed Won",
                "Amount": float(dice.randint(5, 400) * 500),
                "CloseDate": (created + timedelta(days=dice.randint(20, 200))).date().isoformat(),
                "OwnerId": account["OwnerId"],
                "CreatedDate": iso(created),
            }
        )
    deals: dict[str, list[Record]] = {}
    for deal in org["Opportunity"]:
        deals.setdefault(deal["AccountId"], []).append(deal)
    for at in range(count):
        people = contacts if contacts and (dice.random() < 0.75 or not leads) else leads
        if not people:
            return
        who = dice.choice(people)
        created = moment_between(dice, max(_moment(who["CreatedDate"]), now - timedelta(days=600)), now)
        row: Record = {
            "Subject": dice.choice(SUBJECTS),
            "WhoId": who["Id"],
            "OwnerId": who["OwnerId"],
            "CreatedDate": iso(created),
            "LastModifiedDate": iso(created),
            "SystemModstamp": iso(created),
        }
        if people is contacts:
            row["WhatId"] = dice.choice([accounts[who["AccountId"]], *deals.get(who["AccountId"], ())])["Id"]
        if dice.random() < 0.3:
            row |= {"Id": record_id("00U", at + 1), "StartDateTime": iso(created + timedelta(days=dice.randint(1, 9)))}
            org["Event"].append(row | {"DurationInMinutes": 30, "Type": "Meeting"})
            continue
        kind = dice.choice(("Task", "Call", "Email"))
        row |= {"Id": record_id("00T", at + 1), "TaskSubtype": kind, "ActivityDate": created.date().isoformat()}
        row["Status"] = "Completed" if kind != "Task" or dice.random() < 0.5 else "Not Started"
        if kind == "Call":
            row |= {"Type": "Call", "CallType": "Outbound", "CallDurationInSeconds": dice.randint(20, 2400)}
        org["Task"].append(row)
