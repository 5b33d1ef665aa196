"""Which Tasks Salesforce should hold: the rules read a second time, in plain and slow Python, from the world alone.

A `Ledger` is shown the world as it stands right before a run and says what becomes of each activity: a Task and the
record that it is on, or the reason why there is none. It remembers what was published, as a Task stays where it is.
Nothing of the product is imported here.

Not read: webinars that recur or are out of scope, addresses of users, exclusions. Worlds for this oracle have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Record = dict[str, Any]
MARKETING = {"SENT": "marketing_email_sent", "OPEN": "marketing_email_opened", "CLICK": "marketing_email_clicked"}
TOUCHES = {
    "hs_sales_email_last_opened": "sales_email_opened",
    "hs_sales_email_last_clicked": "sales_email_clicked",
    "hs_document_last_revisited": "sales_content_viewed",
}
ENGAGEMENTS = {
    "calls": "call_made",
    "emails": "sales_email_sent",
    "meetings": "meeting_scheduled",
    "notes": "note_created",
    "tasks": "task_created",
}
TYPES = (*MARKETING.values(), *TOUCHES.values(), *ENGAGEMENTS.values(), "form_submission", "integration_event")
Key = tuple[str, ...]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def norm(address: Any) -> str:
    """HZ-10: trimmed and lower-cased, nothing else."""
    return str(address or "").strip(" \t\n\r\xa0").lower()


def when(text: str) -> datetime:
    """Read an instant: ISO 8601 with an offset, or milliseconds since 1970."""
    if text.isdecimal():
        return EPOCH + timedelta(milliseconds=int(text))
    return datetime.fromisoformat(text).astimezone(UTC)


def year_before(moment: datetime) -> datetime:
    """HS-05: one calendar year before; 29 February goes back to the 28th."""
    try:
        return moment.replace(year=moment.year - 1)
    except ValueError:
        return moment.replace(year=moment.year - 1, day=28)


def eighteen(given: str) -> str:
    """An id of 15 characters with its three for the capitals among each five; others as they are."""
    if len(given) != 15:
        return given
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    return given + "".join(
        letters[sum(2**at for at in range(5) if given[start + at].isupper())] for start in (0, 5, 10)
    )


@dataclass(frozen=True)
class Activity:
    """One activity: `key` tells it from all others, `people` are the HubSpot contacts that it is of."""

    type: str
    key: Key
    at: datetime
    people: tuple[str, ...]
    is_bot: bool = False


@dataclass(frozen=True)
class Task:
    """What a Task says that the rules decide."""

    who: str
    type: str
    day: date
    second: datetime
    task_type: str | None


@dataclass
class Fate:
    """What becomes of an activity: `who` is the Contact or Lead, or else `reason` tells why there is no Task."""

    activity: Activity
    contact: str = ""
    who: str = ""
    reason: str = ""


@dataclass
class Match:
    """The record that a contact is matched to and since when, or why it is not matched."""

    record: str = ""
    since: datetime = EPOCH
    reason: str = ""


@dataclass
class Ledger:
    """What was published so far, and on which record."""

    settings: Record
    published: dict[Key, Fate] = field(default_factory=dict)
    known: set[Key] = field(default_factory=set)

    def read(self, world: Record, as_of: datetime) -> Reading:
        """Read a world as a run as of an instant finds it."""
        return Reading(world, self.settings, as_of, self)

    def look(self, world: Record, as_of: datetime) -> list[Fate]:
        """Say what becomes of each activity in such a run, and take note of it."""
        fates = self.read(world, as_of).fates()
        for fate in fates:
            self.known.add(fate.activity.key)
            if fate.who:
                self.published[fate.activity.key] = fate
        return fates


class Reading:
    """One world, read at one instant."""

    def __init__(self, world: Record, settings: Record, as_of: datetime, ledger: Ledger) -> None:
        self.settings, self.as_of, self.ledger = settings.get("activities", {}), as_of, ledger
        self.portal = world["hubspot"][0]
        self.org = world["salesforce"][0]
        self.webinars = [one for account in world.get("zoom", ()) for one in account.get("webinars", ())]
        self.live = {one["id"]: one for one in self.portal["contacts"] if not one["archived"]}
        self.survivor = {
            gone.strip(): name
            for name, one in self.live.items()
            for gone in (one["properties"].get("hs_merged_object_ids") or "").split(";")
            if gone.strip()
        }
        self.people = {eighteen(row["Id"]): row for name in ("Contact", "Lead") for row in self.org[name]}
        self.matches = {name: self.match(one) for name, one in self.live.items()}

    # The people

    def contact(self, name: str) -> str | None:
        """The live contact that an id stands for."""
        seen = set()
        while name not in self.live and name in self.survivor and name not in seen:
            seen.add(name)
            name = self.survivor[name]
        return name if name in self.live else None

    def owner(self, address: Any) -> tuple[str, ...]:
        """HZ-06: the contact that has the address, as its first or as another one."""
        wanted = norm(address)
        for name, one in self.live.items():
            if wanted and norm(one["properties"].get("email")) == wanted:
                return (name,)
        for name, one in self.live.items():
            others = (one["properties"].get("hs_additional_emails") or "").split(";")
            if wanted and wanted in map(norm, others):
                return (name,)
        return ()

    def stands(self, name: str) -> str | None:
        """HS-09: the record that one stands for after merges and conversion; None where it is gone."""
        seen = set()
        while name and name not in seen:
            seen.add(name)
            row = self.people.get(name)
            if row is None:
                return None
            if row["IsDeleted"]:
                name = eighteen(row.get("MasterRecordId") or "")
            elif row.get("IsConverted"):
                name = eighteen(row.get("ConvertedContactId") or "")
            else:
                return name
        return None

    def match(self, contact: Record) -> Match:
        """The record of a contact: by id, else by the first address."""
        held = contact["properties"]
        named = [eighteen((held.get(key) or "").strip()) for key in ("salesforcecontactid", "salesforceleadid")]
        record = next((found for name in named if name and (found := self.stands(name))), None)
        if record is None:
            by_address = self._by_address(norm(held.get("email")))
            if isinstance(by_address, Match):
                return by_address
            record = by_address
        first = min(when(row["CreatedDate"]) for name, row in self.people.items() if self.stands(name) == record)
        return Match(record, max(when(contact["createdAt"]), first))

    def _by_address(self, address: str) -> str | Match:
        for name in ("Contact", "Lead"):
            rows = [
                eighteen(row["Id"])
                for row in self.org[name]
                if address and norm(row.get("Email")) == address and not row["IsDeleted"] and not row.get("IsConverted")
            ]
            if len(rows) > 1:
                return Match(reason="ambiguous_match")
            if rows:
                return rows[0]
        return Match(reason="not_matched")

    # The activities

    def activities(self) -> list[Activity]:
        """HS-01: all of all types, each once."""
        found: dict[tuple[str, ...], Activity] = {}
        for source in (self._forms, self._mail, self._touches, self._engagements, self._webinars):
            for one in source():
                found[one.key] = one
        return list(found.values())

    def _forms(self) -> Iterator[Activity]:
        for form in self.portal["forms"]:
            for sent in form["submissions"]:
                address = next((one["value"] for one in sent["values"] if one["name"] == "email"), "")
                at = when(str(sent["submittedAt"]))
                yield Activity("form_submission", ("form", sent["conversionId"]), at, self.owner(address))

    def _mail(self) -> Iterator[Activity]:
        sent = {(one["id"], one["created"]): one for one in self.portal["email_events"] if one["type"] == "SENT"}
        for event in self.portal["email_events"]:
            if event["type"] not in MARKETING:
                continue
            link = event.get("sentBy") or {}
            first = sent.get((link.get("id"), link.get("created")), event)  # HS-07
            yield Activity(
                MARKETING[event["type"]],
                ("mail", event["id"], str(event["created"])),
                when(str(event["created"])),
                self.owner(first["recipient"]),
                bool(event.get("filteredEvent")),
            )

    def _touches(self) -> Iterator[Activity]:
        for contact in self.portal["contacts"]:
            for name, type_ in TOUCHES.items():
                for entry in contact["propertiesWithHistory"].get(name, ()):
                    if entry["value"]:
                        at, people = when(entry["value"]), () if contact["archived"] else (contact["id"],)
                        yield Activity(type_, self._told_by(contact, name, at), at, people)

    def _told_by(self, contact: Record, name: str, at: datetime) -> Key:
        """HS-10: an entry that came with a merger keeps the key that it had, of the contact that was merged away."""
        gone = (contact["properties"].get("hs_merged_object_ids") or "").split(";")
        keys = [(name, one.strip(), at.isoformat()) for one in (contact["id"], *gone)]
        return next((key for key in keys if key in self.ledger.known), keys[0])

    def _engagements(self) -> Iterator[Activity]:
        for kind, type_ in ENGAGEMENTS.items():
            for one in self.portal[kind]:
                held = one["properties"]
                told = (held.get("hs_email_direction"), held.get("hs_email_status"))
                if kind == "emails" and told != ("EMAIL", "SENT"):
                    continue
                at = when(held["hs_timestamp"] if kind in ("calls", "emails") else one["createdAt"])
                names = [self.contact(name) for name in one["associations"].get("contacts", ())]
                yield Activity(type_, (kind, one["id"]), at, tuple({name: 0 for name in names if name}))

    def _webinars(self) -> Iterator[Activity]:
        """One for each registration that stands or stood, one for each attendance of a webinar that ran once.

        HZ-06, HZ-07: nothing of somebody whose contact was deleted, or who came under another than the first address.
        """
        first = {norm(one["properties"].get("email")) for one in self.live.values()}
        nobody = {norm(one["properties"].get("email")) for one in self.portal["contacts"] if one["archived"]}
        for one in self.live.values():
            nobody |= set(map(norm, (one["properties"].get("hs_additional_emails") or "").split(";")))
        nobody -= first
        for webinar in self.webinars:
            number = str(webinar["id"])
            for one in webinar["registrants"]:
                if one["status"] != "denied" and norm(one["email"]) not in nobody:
                    key = ("registration", number, norm(one["email"]))
                    yield Activity("integration_event", key, when(one["create_time"]), self._attendee(one["email"]))
            for session in webinar["instances"]:
                start, end = when(session["start_time"]), when(session["end_time"])
                joined: dict[str, datetime] = {}
                for row in session["participants"]:
                    begin, left = max(when(row["join_time"]), start), min(when(row["leave_time"]), end)
                    person = norm(row["user_email"])
                    if begin < left and person not in nobody:
                        joined[person] = min(begin, joined.get(person, begin))
                for person, at in joined.items():
                    yield Activity("integration_event", ("attendance", number, person), at, self._attendee(person))

    def _attendee(self, address: Any) -> tuple[str, ...]:
        """HZ-06: of Zoom only a contact's first address matches."""
        return tuple(name for name, one in self.live.items() if norm(one["properties"].get("email")) == norm(address))

    # What becomes of them

    def fates(self) -> list[Fate]:
        """One for each activity: a Task, or the first reason of those in the rules' order."""
        return [self.fate(one) for one in self.activities()]

    def fate(self, activity: Activity) -> Fate:
        """A Task that was published stays, and follows its record; others are tried."""
        if activity.key in self.ledger.published:
            put = self.ledger.published[activity.key]
            return Fate(put.activity, put.contact, self.stands(put.who) or put.who)
        if not self.settings.get(activity.type, {}).get("sync", True):
            return Fate(activity, reason="type_off")
        if activity.at >= self.as_of:
            return Fate(activity, reason="after_as_of")
        if activity.is_bot and self.settings.get("bots", "exclude") == "exclude":
            return Fate(activity, reason="bot")
        if not activity.people:
            return Fate(activity, reason="no_contact")
        matched = [name for name in activity.people if self.matches[name].record]
        if not matched:
            reasons = {self.matches[name].reason for name in activity.people}
            return Fate(activity, reason="ambiguous_match" if "ambiguous_match" in reasons else "not_matched")
        chosen = max(matched, key=self._recency)
        match = self.matches[chosen]
        if activity.at < self.opens(activity.type, match.since):
            return Fate(activity, reason="outside_window")
        since = self.settings.get("since")
        if since is not None and activity.at < since:
            return Fate(activity, reason="before_since")
        return Fate(activity, chosen, match.record)

    def _recency(self, name: str) -> tuple[date, int]:
        """HS-08: the day on which a contact was created in the portal's time zone, then its id as a number."""
        zone = ZoneInfo(self.settings.get("time_zone", "UTC"))
        return when(self.live[name]["createdAt"]).astimezone(zone).date(), int(name)

    @staticmethod
    def opens(type_: str, since: datetime) -> datetime:
        """HS-03 to HS-05: when the window of a type opens."""
        if type_ in MARKETING.values():
            return since - timedelta(days=30)
        return year_before(since) if type_ == "form_submission" else since

    def tasks(self, fates: list[Fate]) -> Counter[Task]:
        """The Tasks that the org should hold: also of what was published and is an activity of nobody's now."""
        gone = self.ledger.published.keys() - {fate.activity.key for fate in fates}
        older = [self.fate(self.ledger.published[key].activity) for key in gone]
        return Counter(self.task(fate) for fate in [*fates, *older] if fate.who)

    def task(self, fate: Fate) -> Task:
        """What the Task of an activity says: its day is the org's, its instant to the second."""
        activity = fate.activity
        return Task(
            fate.who,
            activity.type,
            activity.at.astimezone(ZoneInfo(self.org["time_zone"])).date(),
            activity.at.replace(microsecond=0),
            self.settings.get(activity.type, {}).get("task_type") or None,
        )


def held(world: Record) -> Counter[Task]:
    """The Tasks of the product that a world's org holds."""
    return Counter(
        Task(
            eighteen(row["WhoId"]),
            row["Turnout_Activity__c"],
            date.fromisoformat(row["ActivityDate"]),
            when(row["Turnout_Occurred_At__c"]),
            row.get("Type"),
        )
        for row in world["salesforce"][0]["Task"]
        if row.get("Turnout_Id__c") and not row["IsDeleted"]
    )
