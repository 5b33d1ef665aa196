"""The Marketo instance: some of the people as leads, and the programs of some of the webinars.

A program bears the number of its webinar as a tag. Of the two webinar channels one has Marketo's own names, the other
is translated and lets No Show and Attended share a step. What is long past has its attendance, what ran lately has not
yet, and what lies ahead has people who are invited and people who are registered, in Zoom too or not.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso, parse
from pipelines.sandbox.company.people import Cast, Person, moment_between, worn
from pipelines.sandbox.marketo.fields import DELETE, NEW_LEAD, STATUS_CHANGE
from pipelines.sandbox.marketo.stamps import asset
from pipelines.sandbox.world.instances import WEBINAR

Record = dict[str, Any]
SETTLED_DAYS = 10
SHARE = 0.35
TAG = "Zoom Webinar"
LOCAL: list[Record] = [
    {"name": "Nicht im Programm", "step": 0, "hidden": True},
    {"name": "Eingeladen", "step": 10},
    {"name": "Angemeldet", "step": 20},
    {"name": "Anmeldefehler", "step": 20},
    {"name": "Nicht erschienen", "step": 30},
    {"name": "Teilgenommen", "step": 30, "success": True},
]
CHANNELS: dict[str, tuple[list[Record], tuple[str, str, str, str]]] = {
    "Webinar": (WEBINAR, ("Invited", "Registered", "No Show", "Attended")),
    "Webinar DACH": (LOCAL, ("Eingeladen", "Angemeldet", "Nicht erschienen", "Teilgenommen")),
}
"""Statuses, and those for invited, registered, not there, there."""


def instance_of(dice: random.Random, cast: Cast, account: Record, now: datetime) -> Record:
    """The instance, in keeping with who registered and who was there in Zoom."""
    instance: Record = {
        "munchkin_id": "417-KES-030",
        "client_id": "kestrel-service",
        "client_secret": "kestrel-marketo-secret",
        "channels": [
            {"id": at + 1, "name": name, "applicableProgramType": "event", "progressionStatuses": statuses}
            for at, (name, (statuses, _)) in enumerate(CHANNELS.items())
        ],
        **{name: [] for name in ("leads", "programs", "members", "activities", "static_lists")},
    }
    instance["channels"].append(
        {
            "id": 3,
            "name": "Content",
            "applicableProgramType": "program",
            "progressionStatuses": [{"name": "Member", "step": 10}, {"name": "Engaged", "step": 20, "success": True}],
        }
    )
    office = _Office(dice, instance, now)
    office.leads(cast)
    webinars = [item for item in account["webinars"] if "occurrences" not in item and item.get("start_time")]
    for at, webinar in enumerate(webinars[::4]):
        office.program(webinar, "Webinar DACH" if at % 4 == 3 else "Webinar")
    office.others()
    instance["activities"].sort(key=lambda row: str(row["activityDate"]))
    for at, row in enumerate(instance["activities"]):
        row["id"] = at + 1
    return instance


class _Office:
    """Fills the instance, thing by thing."""

    def __init__(self, dice: random.Random, instance: Record, now: datetime) -> None:
        self.dice = dice
        self.instance = instance
        self.now = now
        self.by_email: dict[str, Record] = {}

    def leads(self, cast: Cast) -> None:
        """A third of the contacts and of the passers-by; a few twice, a few without an address."""
        people = [person for person in (*cast.contacts, *cast.strangers) if self.dice.random() < SHARE]
        for person in sorted(people, key=lambda person: (person.joined, person.number)):
            lead = self._lead(person)
            self.by_email[person.email.lower()] = lead
            fate = self.dice.random()
            if fate < 0.01:
                self._lead(person)
            elif fate < 0.02:
                lead["email"] = None

    def _lead(self, person: Person) -> Record:
        created = moment_between(self.dice, person.joined, self.now)
        lead: Record = {
            "id": 5_000_001 + len(self.instance["leads"]),
            "email": worn(self.dice, person.email).strip(),
            "firstName": person.first,
            "lastName": person.last,
            "company": person.company or None,
            "title": person.title,
            "phone": f"+49 30 {self.dice.randint(100_000, 999_999)}" if self.dice.random() < 0.4 else None,
            "leadSource": self.dice.choice(("Webinar", "Website", "Trade Show", None)),
            "createdAt": iso(created),
            "updatedAt": iso(moment_between(self.dice, created, self.now)),
        }
        self.instance["leads"].append(lead)
        self._log(created, lead["id"], NEW_LEAD, attributes=[{"name": "Source Type", "value": "List import"}])
        return lead

    def program(self, webinar: Record, channel: str) -> None:
        """The program of a webinar, and of those who registered in Zoom the ones that are leads."""
        start = parse(webinar["start_time"])
        created = parse(webinar["created_at"])
        program: Record = {
            "id": 1001 + len(self.instance["programs"]),
            "name": f"WBN {start:%Y-%m-%d} {webinar['topic']}",
            "description": webinar["topic"],
            "type": "Event",
            "channel": channel,
            "folder": {"type": "Folder", "value": 30 + start.year % 10, "folderName": f"Webinars {start.year}"},
            "tags": [{"tagType": TAG, "tagValue": str(webinar["id"])}],
            "startDate": asset(start),
            "endDate": asset(start + timedelta(minutes=int(webinar["duration"]))),
            "createdAt": asset(created),
            "updatedAt": asset(created),
        }
        self.instance["programs"].append(program)
        there = {
            str(row.get("user_email") or "").strip().lower()
            for session in webinar["instances"]
            for row in session["participants"]
        }
        settled = bool(webinar["instances"]) and start < self.now - timedelta(days=SETTLED_DAYS)
        registered = {str(row["email"]).strip().lower(): row for row in webinar["registrants"]}
        for address, row in registered.items():
            if address in self.by_email:
                self._member(program, self.by_email[address], row, settled, address in there)
        if start > self.now:
            self._invited(program, set(registered))

    def _member(self, program: Record, lead: Record, registrant: Record, settled: bool, was_there: bool) -> None:
        _, (_, registered, absent, attended) = CHANNELS[program["channel"]]
        begun = max(parse(registrant["create_time"]), parse(lead["createdAt"]))
        row: Record = {
            "programId": program["id"],
            "leadId": lead["id"],
            "status": registered,
            "membershipDate": iso(begun),
            "updatedAt": iso(begun),
            "webinarUrl": registrant.get("join_url"),
        }
        self.instance["members"].append(row)
        self._changed(program, row, registered, begun)
        held = parse(str(program["startDate"]).removesuffix("+0000")) + timedelta(hours=9)
        if settled and begun < held < self.now:
            row["status"], row["updatedAt"] = attended if was_there else absent, iso(held)
            self._changed(program, row, str(row["status"]), held)

    def _invited(self, program: Record, registered: set[str]) -> None:
        """Of what lies ahead: people who are invited, and some who are registered in Marketo alone."""
        _, (invited, wanted, _, _) = CHANNELS[program["channel"]]
        others = [lead for address, lead in self.by_email.items() if address not in registered and lead["email"]]
        for lead in self.dice.sample(others, min(12, len(others))):
            status = wanted if self.dice.random() < 0.3 else invited
            when = max(self.now - timedelta(hours=self.dice.randint(1, 60)), parse(lead["createdAt"]))
            row = {"programId": program["id"], "leadId": lead["id"], "status": status, "membershipDate": iso(when)}
            self.instance["members"].append(row)
            self._changed(program, row, status, when)

    def others(self) -> None:
        """A program of another kind, a static list, and leads that are gone."""
        program = {"id": 1001 + len(self.instance["programs"]), "name": "Buyer's Guide", "channel": "Content"}
        self.instance["programs"].append(program)
        leads = self.instance["leads"]
        chosen = self.dice.sample(leads, min(len(leads), 1 + len(leads) // 8))
        for lead in chosen:
            self.instance["members"].append({"programId": program["id"], "leadId": lead["id"], "status": "Member"})
        members = sorted(lead["id"] for lead in chosen[::2])
        self.instance["static_lists"].append({"id": 1001, "name": "Newsletter", "members": members})
        for at, days in enumerate((3, 9, 40)):
            when = self.now - timedelta(days=days)
            self._log(when, 4_900_001 + at, DELETE, attributes=[{"name": "API Method Name", "value": "deleteLeads"}])

    def _changed(self, program: Record, row: Record, status: str, when: datetime) -> None:
        told = {"primaryAttributeValueId": program["id"], "primaryAttributeValue": program["name"]}
        attributes = [{"name": "New Status", "value": status}, {"name": "Source", "value": "Webinar"}]
        self._log(when, row["leadId"], STATUS_CHANGE, attributes=attributes, **told)

    def _log(self, when: datetime, lead: int, kind: int, **more: Any) -> None:
        row = {"id": 0, "leadId": lead, "activityDate": iso(when), "activityTypeId": kind, **more}
        self.instance["activities"].append(row)
