"""Marketing mail: campaigns, and the events that each mail leaves behind.

A mail is SENT, then DELIVERED or BOUNCE, then perhaps opened and clicked, often more than once. Gateways click on
everything within seconds and are marked `filteredEvent`. A forwarded mail is opened under another address; `sentBy`
tells whom it was sent to. An OPEN that grew longer obsoletes an earlier one.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import to_ms
from pipelines.sandbox.company.people import GATEWAYS, Cast, Person, moment_between, worn

Record = dict[str, Any]
SUBJECTS = (
    "Product news",
    "You are invited",
    "What we shipped",
    "Save your seat",
    "The monthly digest",
    "A case study",
)
CAMPAIGNS = 78
PORTAL = 24_681_357
BROWSERS = ({"name": "Firefox", "family": "Firefox"}, {"name": "Apple Mail", "family": "Apple Mail"})


def mail_of(dice: random.Random, cast: Cast, now: datetime) -> tuple[list[Record], list[Record]]:
    """Every campaign of three years, and all events of them, oldest first."""
    campaigns, events = [], list[Record]()
    for at in range(CAMPAIGNS):
        sent = now - timedelta(days=1 + (CAMPAIGNS - 1 - at) * 13.9, hours=dice.randint(0, 5))
        number = 310_000_000 + 4_321 * at
        subject = f"{SUBJECTS[at % len(SUBJECTS)]} {sent:%B %Y}"
        campaigns.append({"id": number, "appId": 113, "appName": "Batch", "name": subject, "subject": subject})
        crowd = [p for p in cast.contacts if p.joined < sent and (p.archived_at is None or p.archived_at > sent)]
        for person in dice.sample(crowd, min(len(crowd), max(len(cast.contacts) // 7, 1))):
            events += Mail(dice, cast, person, number, subject, sent, now).events()
    events.sort(key=lambda event: (event["created"], event["id"]))
    return campaigns, events


class Mail:
    """One mail to one person."""

    def __init__(
        self,
        dice: random.Random,
        cast: Cast,
        person: Person,
        campaign: int,
        subject: str,
        sent: datetime,
        now: datetime,
    ) -> None:
        self.dice, self.cast, self.person, self.now = dice, cast, person, now
        self.campaign, self.subject = campaign, subject
        self.sent = sent + timedelta(milliseconds=dice.randint(0, 900_000))
        address = person.second_email if person.second_email and dice.random() < 0.2 else person.email
        self.recipient = worn(dice, address).strip()
        self.first: Record = {}

    def event(self, kind: str, moment: datetime, **given: Any) -> Record:
        bits = f"{self.dice.getrandbits(96):024x}"
        found: Record = {
            "id": f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:]}",
            "created": to_ms(moment),
            "type": kind,
            "recipient": self.recipient,
            "portalId": PORTAL,
            "appId": 113,
            "appName": "Batch",
            "emailCampaignId": self.campaign,
            "filteredEvent": False,
            **given,
        }
        if self.first:
            found["sentBy"] = {"id": self.first["id"], "created": self.first["created"]}
        return found

    def events(self) -> list[Record]:
        dice = self.dice
        self.first = self.event("SENT", self.sent, subject=self.subject, replyTo=[], cc=[], bcc=[])
        self.first["from"] = "Kestrel Signal <news@kestrel-signal.example>"
        found = [self.first]
        if dice.random() < 0.012:
            bounced = self.sent + timedelta(seconds=dice.randint(1, 400))
            return [
                *found,
                self.event("BOUNCE", bounced, category="UNKNOWN_USER", status="5.1.1", response="no such user"),
            ]
        arrived = self.sent + timedelta(milliseconds=dice.randint(400, 9_000))
        found.append(self.event("DELIVERED", arrived, response="250 OK", smtpId="sandbox"))
        if self.recipient.partition("@")[2].lower() in GATEWAYS:
            found += self._gateway(arrived)
        chance = min(0.10 + 0.09 * self.person.zeal, 0.85)
        if dice.random() < chance:
            found += self._read(arrived)
        return [event for event in found if event["created"] <= to_ms(self.now)]

    def _gateway(self, arrived: datetime) -> list[Record]:
        moment = arrived + timedelta(milliseconds=self.dice.randint(200, 4_000))
        agent = {"userAgent": "mail-gateway", "filteredEvent": True}
        clicked = self.event("CLICK", moment + timedelta(seconds=1), url=self._url(), **agent)
        return [self.event("OPEN", moment, duration=0, **agent), clicked]

    def _read(self, arrived: datetime) -> list[Record]:
        dice, found = self.dice, []
        moment = arrived + timedelta(seconds=int(60 * dice.paretovariate(0.5)) % 800_000)
        for _ in range(1 + int(dice.paretovariate(1.6)) // 2):
            opened = self.event("OPEN", moment, duration=dice.randint(300, 40_000), browser=dice.choice(BROWSERS))
            if dice.random() < 0.02:
                later = self.event("OPEN", moment + timedelta(seconds=20), duration=60_000, browser=BROWSERS[0])
                opened["obsoletedBy"] = {"id": later["id"], "created": later["created"]}
                found.append(later)
            found.append(opened)
            moment += timedelta(seconds=dice.randint(30, 90_000))
        if dice.random() < 0.22:
            for _ in range(dice.choice((1, 1, 1, 2, 3))):
                pressed = moment_between(dice, arrived, moment)
                found.append(self.event("CLICK", pressed, url=self._url(), browser=dice.choice(BROWSERS), linkId=1))
        if dice.random() < 0.01:
            other = dice.choice(self.cast.strangers or self.cast.contacts).email
            found.append({**self.event("OPEN", moment, duration=900, browser=BROWSERS[1]), "recipient": other})
        return found

    def _url(self) -> str:
        return f"https://kestrel-signal.example/{self.dice.choice(('pricing', 'blog', 'webinars', 'docs'))}"
