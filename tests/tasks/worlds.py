"""Random worlds of many little groups: a few contacts, their records in Salesforce, and what they did.

A group shares nothing with another one: addresses, ids and activities carry its number, so one run tries hundreds of
cases. Instants lie where the rules turn: at the edges of windows, at midnights of far time zones, on leap days.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.tasks.oracle import TOUCHES, TYPES, eighteen, when, year_before
from tests.worlds import NOW, contact, registrant, webinar, world, z

Record = dict[str, Any]
AS_OF = datetime.fromisoformat(NOW)
ZONES = ("UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Pacific/Pago_Pago")
TASK_TYPES = ["Call", "Meeting", "Other", "Email"]
ms, us = timedelta(milliseconds=1), timedelta(microseconds=1)
BIRTHS = (
    "2024-02-29T00:00:00.000+00:00",
    "2024-02-29T23:59:59.999+00:00",
    "2024-12-31T23:59:59.000+00:00",
    "2025-02-28T12:00:00.001+00:00",
    "2025-03-01T00:00:00.000+00:00",
    "2025-03-30T01:00:00.000+00:00",
    "2025-10-26T00:30:00.000+00:00",
    "2025-11-02T08:59:59.500+00:00",
    "2026-01-01T10:00:00.000+00:00",
    "2026-03-08T10:00:00.000+00:00",
)
STEPS = (-ms, timedelta(0), ms, timedelta(days=-1), timedelta(days=1), timedelta(days=45), timedelta(days=-45))


def iso(moment: datetime) -> str:
    """As HubSpot writes an instant: milliseconds, or microseconds where there are any."""
    spec = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")


def stamp(moment: datetime) -> str:
    """As Salesforce writes an instant: whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // ms


def engagement(name: str, created: datetime, contacts: list[str], happened: datetime | None = None) -> Record:
    """A call, email, meeting, note or task of some contacts; an email is a sent one."""
    return {
        "id": name,
        "createdAt": iso(created),
        "updatedAt": iso(max(created, AS_OF - timedelta(days=30))),
        "properties": {
            "hs_timestamp": iso(happened or created),
            "hs_email_direction": "EMAIL",
            "hs_email_status": "SENT",
        },
        "associations": {"contacts": contacts},
    }


class Group:
    """One case. `number` stands in every id and address of it."""

    def __init__(self, dice: random.Random, number: int) -> None:
        self.dice, self.number, self.count = dice, number, 0
        self.contacts: list[Record] = []
        self.records: dict[str, list[Record]] = {"Contact": [], "Lead": []}
        self.births: list[datetime] = []
        self.work: dict[str, list[Record]] = {kind: [] for kind in ("calls", "emails", "meetings", "notes", "tasks")}
        self.mail: list[Record] = []
        self.submissions: list[Record] = []
        self.seats: list[tuple[Record, Record | None]] = []
        for _ in range(dice.choice((1, 1, 2, 3))):
            self._person()
        self.addresses = [one["properties"]["email"] for one in self.contacts if "email" in one["properties"]]
        self.addresses += [one["properties"].get("hs_additional_emails", "") for one in self.contacts]
        self.addresses = [one for one in self.addresses if one] * 6 + [f"nobody@g{number}.example"]
        for _ in range(dice.randint(6, 14)):
            self._act()

    def names(self) -> set[str]:
        """The ids of all that is in the group."""
        rows = [*self.contacts, *self.mail, *(one for some in self.work.values() for one in some)]
        sent = {one["conversionId"] for one in self.submissions}
        return {one["id"] for one in rows} | sent | {row["Id"] for some in self.records.values() for row in some}

    def told(self) -> str:
        """The people of the group, for whoever looks for a difference."""
        rows = [*self.contacts, *self.records["Contact"], *self.records["Lead"]]
        return "\n".join(f"    {row}" for row in rows)

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _id(self, prefix: str) -> str:
        """An id of 18 characters, sometimes one that differs from another in its capitals alone."""
        letter = self.dice.choice("aA0")
        return eighteen(f"{prefix}{self.number:06d}{letter}{self._next():05d}")

    def _birth(self) -> datetime:
        born = datetime.fromisoformat(self.dice.choice(BIRTHS))
        if self.births and self.dice.random() < 0.5:  # perhaps on the same day, perhaps only in some time zones
            born = self.dice.choice(self.births) + timedelta(hours=self.dice.choice((0, 0, 3, -3, 14, -14)))
        if self.dice.random() < 0.4:
            born += self.dice.choice(STEPS)
        self.births.append(born)
        return born

    def _worn(self, address: str) -> str:
        return self.dice.choice((address, address, address.upper(), address.title()))

    def _person(self) -> None:
        """A contact of HubSpot, with or without a record in Salesforce."""
        dice, at = self.dice, self._next()
        # ids of unlike lengths: as a number the longer one is higher, as a text it may be lower
        name = int(f"{dice.choice((9, 10, 7))}{self.number:04d}{at:02d}")
        address = f"p{at}@g{self.number}.example"
        one = contact(name, self._worn(address), createdAt=iso(self._birth()), properties={})
        held = one["properties"]
        if dice.random() < 0.1:
            del held["email"]
        if dice.random() < 0.25:
            held["hs_additional_emails"] = f"second{at}@g{self.number}.example"
        if dice.random() < 0.15:
            held["hs_merged_object_ids"] = f"5{self.number:04d}{at:02d}"
        if dice.random() < 0.12:
            one |= {"archived": True, "archivedAt": iso(AS_OF - timedelta(days=5))}
        self.contacts.append(one)
        named = self._records(address)
        if named and dice.random() < 0.5:
            key = "salesforcecontactid" if named.startswith("003") else "salesforceleadid"
            held[key] = dice.choice((named, named[:15]))
        if dice.random() < 0.1:
            held.setdefault(dice.choice(("salesforcecontactid", "salesforceleadid")), self._id("003"))

    def _record(self, kind: str, address: str | None, **more: Any) -> str:
        name = self._id("003" if kind == "Contact" else "00Q")
        row = {"Id": name, "LastName": f"L{name}", "CreatedDate": stamp(self._birth())}
        if address is not None:
            row["Email"] = address
        self.records[kind].append({**row, **more})
        return name

    def _records(self, address: str) -> str:
        """Records of somebody; returns the id that HubSpot may know."""
        dice, fate = self.dice, self.dice.random()
        if fate < 0.18:
            return ""
        if fate < 0.55:
            return self._record(dice.choice(("Contact", "Lead")), address)
        if fate < 0.65:  # no address in common: only the id tells
            return self._record(dice.choice(("Contact", "Lead")), f"other{self._next()}@g{self.number}.example")
        if fate < 0.73:  # two of a kind, or one of each
            self._record(dice.choice(("Contact", "Lead")), address)
            return self._record(dice.choice(("Contact", "Lead")), self._worn(address).lower())
        if fate < 0.83:
            winner = self._record("Contact", dice.choice((address, None)))
            lead = self._converted(winner, address)
            return dice.choice((winner, lead))
        if fate < 0.95:
            return self._merged(address)
        return self._record("Contact", address, IsDeleted=True, SystemModstamp=stamp(AS_OF - timedelta(days=2)))

    def _converted(self, winner: str, address: str) -> str:
        told = {"IsConverted": True, "ConvertedDate": "2026-04-01", "ConvertedContactId": winner}
        return self._record("Lead", address, **told, Status="Closed - Converted")

    def _merged(self, address: str) -> str:
        """A chain of merges, perhaps a conversion at its end."""
        dice, kind = self.dice, self.dice.choice(("Contact", "Lead"))
        winner = self._record(kind, dice.choice((address, None)))
        if kind == "Lead" and dice.random() < 0.5:
            lead, winner = winner, self._record("Contact", dice.choice((address, None)))
            row = next(row for row in self.records["Lead"] if row["Id"] == lead)
            row |= {"IsConverted": True, "ConvertedDate": "2026-04-01", "ConvertedContactId": winner}
            winner = lead
        loser = ""
        for _ in range(dice.choice((1, 2))):
            gone = {"IsDeleted": True, "SystemModstamp": stamp(AS_OF - timedelta(days=1))}
            loser = self._record(kind, address, MasterRecordId=loser or winner, **gone)
        return dice.choice((loser, winner))

    def _moment(self) -> datetime:
        """An instant near an edge of some window of this group, of the settings or of the calendar."""
        dice = self.dice
        born = dice.choice(self.births)
        edge = dice.choice((born, born, born - timedelta(days=30), year_before(born), datetime(2025, 6, 1, tzinfo=UTC)))
        if dice.random() < 0.2:
            edge = dice.choice((AS_OF - timedelta(days=1), datetime(2026, 7, 1, 6, 59, 59, 999000, UTC)))
        moment = edge + dice.choice(STEPS)
        return min(moment, AS_OF - timedelta(minutes=1)) + timedelta(seconds=dice.choice((0, 0, 3)))

    def _act(self) -> None:
        chance: float = self.dice.random()
        if chance < 0.3:
            self._mail()
        elif chance < 0.45:
            self._submit()
        elif chance < 0.6:
            self._touch()
        elif chance < 0.92:
            self._work()
        elif not self.seats:
            self._sit()

    def _mail(self) -> None:
        dice, at = self.dice, self._next()
        event: Record = {
            "id": f"g{self.number}-{at}",
            "type": dice.choice(("SENT", "OPEN", "OPEN", "CLICK", "DELIVERED", "BOUNCE")),
            "recipient": self._worn(dice.choice(self.addresses)),
            "created": to_ms(self._moment()),
            "emailCampaignId": 7,
        }
        if event["type"] in ("OPEN", "CLICK"):
            event["filteredEvent"] = dice.random() < 0.2
            sent = [one for one in self.mail if one["type"] == "SENT"]
            if sent and dice.random() < 0.5:
                first = dice.choice(sent)
                event["sentBy"] = {"id": first["id"], "created": first["created"]}
        self.mail.append(event)
        if dice.random() < 0.1:
            self.mail.append({**event, "created": event["created"] + 1})  # one id, another instant: another event

    def _submit(self) -> None:
        email = {"name": "email", "value": f" {self._worn(self.dice.choice(self.addresses))}", "objectTypeId": "0-1"}
        values = [] if self.dice.random() < 0.05 else [email]
        told = {"conversionId": f"g{self.number}-{self._next()}", "submittedAt": to_ms(self._moment())}
        self.submissions.append({**told, "values": values, "pageUrl": "https://site.example/"})

    def _touch(self) -> None:
        history = self.dice.choice(self.contacts).setdefault("propertiesWithHistory", {})
        entries = history.setdefault(self.dice.choice(list(TOUCHES)), [])
        moment = self._moment() + self.dice.choice((us, -us, timedelta(0)))
        value = self.dice.choice((iso(moment), str(to_ms(moment))))
        if moment not in [when(one["value"]) for one in entries]:
            entries.append({"value": value, "timestamp": iso(moment + timedelta(minutes=self._next()))})

    def _work(self) -> None:
        dice, kind = self.dice, self.dice.choice(list(self.work))
        names = [one["id"] for one in self.contacts]
        chosen = dice.sample(names, min(len(names), dice.choice((0, 1, 1, 1, 2, 2, 3, 3))))
        at, happened = self._moment(), self._moment() + dice.choice((us, -us, timedelta(0)))
        if kind in ("calls", "emails") and dice.random() < 0.1:
            happened = AS_OF + dice.choice((timedelta(0), -us, us, timedelta(days=30)))
        one = engagement(f"{6}{self.number:05d}{self._next():03d}", at, chosen, happened)
        if dice.random() < 0.15:
            one["properties"]["hs_email_direction"] = dice.choice(("INCOMING_EMAIL", "FORWARDED_EMAIL"))
        if dice.random() < 0.1:
            one["properties"]["hs_email_status"] = dice.choice(("BOUNCED", "SCHEDULED", "FAILED"))
        self.work[kind].append(one)

    def _sit(self) -> None:
        """A registration for the one webinar, and perhaps an attendance of it."""
        owned = [one["properties"]["email"] for one in self.contacts if "email" in one["properties"]]
        address = self.dice.choice([*owned, f"guest@g{self.number}.example"]).lower()
        one = registrant(address, create_time=z(datetime(2026, 11, 1, 9, tzinfo=UTC)))
        one["status"] = self.dice.choice(("approved", "approved", "denied"))
        seat = None
        if one["status"] == "approved" and self.dice.random() < 0.6:
            begin = datetime(2026, 11, 10, 9, 55, tzinfo=UTC) + timedelta(minutes=self.dice.randint(0, 50))
            seat = {
                "id": "",
                "user_id": f"u{self.number}",
                "name": "Guest",
                "user_email": address,
                "registrant_id": one["id"],
                "join_time": z(begin),
                "leave_time": z(begin + timedelta(minutes=5)),
                "status": "in_meeting",
            }
        self.seats.append((one, seat))


def settings_of(dice: random.Random, portal_zone: str) -> Record:
    """Settings as a document: switches, types, bots, a cut-off."""
    told: Record = {"time_zone": portal_zone, "bots": dice.choice(("exclude", "exclude", "include"))}
    if dice.random() < 0.5:
        told["since"] = datetime(2025, 6, 1, tzinfo=UTC)
    for name in TYPES:
        told[name] = {"sync": dice.random() < 0.9, "task_type": dice.choice(("", "", *TASK_TYPES))}
    return {"activities": told}


def written(settings: Record) -> str:
    """Settings as TOML."""
    lines = []
    tables = {f"activities.{name}": one for name, one in settings["activities"].items() if isinstance(one, dict)}
    for title, table in {"activities": settings["activities"], **tables}.items():
        lines.append(f"[{title}]")
        for key, value in table.items():
            if isinstance(value, bool):
                lines.append(f"{key} = {str(value).lower()}")
            elif isinstance(value, datetime):
                lines.append(f"{key} = {value.isoformat().replace('+00:00', 'Z')}")
            elif isinstance(value, str):
                lines.append(f'{key} = "{value}"')
    return "\n".join(lines) + "\n"


@dataclass
class Crowd:
    """A world of many groups, the settings for it, and the groups by themselves."""

    world: Record
    settings: Record
    groups: list[Group]

    def group_of(self, name: str) -> Group | None:
        """The group that a contact's id, a record's id or the id of an activity is of."""
        return next((group for group in self.groups if name in group.names()), None)


def crowd(seed: int, groups: int) -> Crowd:
    """A world of so many groups, and settings for it."""
    dice = random.Random(seed)
    zone = dice.choice(ZONES)
    found = [Group(dice, number) for number in range(1, groups + 1)]
    seats = [seat for group in found for seat in group.seats]
    session = {
        "uuid": "session-1",
        "start_time": "2026-11-10T10:00:00Z",
        "end_time": "2026-11-10T11:00:00Z",
        "participants": [seat for _, seat in seats if seat],
    }
    held = webinar(81, registrants=[one for one, _ in seats], instances=[session])
    work: dict[str, Any] = {kind: [one for group in found for one in group.work[kind]] for kind in found[0].work}
    told = world(
        held,
        contacts=[one for group in found for one in group.contacts],
        **work,
        forms=[{"id": "f1", "name": "Form", "submissions": [one for group in found for one in group.submissions]}],
        email_events=[one for group in found for one in group.mail],
        time_zone=zone,
    )
    org = {kind: [row for group in found for row in group.records[kind]] for kind in ("Contact", "Lead")}
    told["salesforce"] = [{"time_zone": dice.choice(ZONES), "task_types": list(TASK_TYPES), **org}]
    return Crowd(told, settings_of(dice, zone), found)
