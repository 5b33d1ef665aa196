"""Who signs up for a webinar, and the rows that a session leaves behind.

A row is one connection of one device. People drop out and come back, sit in with two devices, wait to be let in;
guests' addresses are blank though their registration is known; some rows tell nothing at all of who they are.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso, parse
from pipelines.sandbox.company.people import Cast, Person, moment_between, worn
from pipelines.sandbox.world.filling import mark

Record = dict[str, Any]
BAD_ADDRESSES = ("not-an-address", "nobody@nowhere", "two@@signs.example", "blank in@side.example")


def sign_ups(
    dice: random.Random, cast: Cast, item: Record, now: datetime, *, pull: float, ends: datetime | None
) -> list[Record]:
    """The registrants, in the order in which they came."""
    opens = parse(item["created_at"])
    closes = min(ends or parse(item["start_time"]), now)
    crowd = [person for person in cast.contacts if person.joined <= closes]
    count = int(pull * (30 + len(cast.contacts) * 0.055) * dice.uniform(0.7, 1.3))
    chosen = _drawn(dice, crowd, count)
    chosen += dice.sample(cast.strangers, min(max(count // 14, 1), len(cast.strangers)))
    chosen += dice.sample(cast.staff, 2)
    chosen += [p for p in cast.contacts if p.archived_at and p.archived_at < opens and dice.random() < 0.2]
    found, seen = [], set[int]()
    for person in chosen:
        if person.number not in seen:
            seen.add(person.number)
            found.append(_registrant(dice, item, person, moment_between(dice, opens, closes)))
    if dice.random() < 0.5:
        bad = _registrant(dice, item, chosen[0], moment_between(dice, opens, closes), dice.choice(BAD_ADDRESSES))
        found.append(bad)
    for panelist in item["panelists"][:1]:
        if dice.random() < 0.3 and all(panelist["email"] != one["email"] for one in found):
            invited = next((p for p in cast.contacts if p.email == panelist["email"]), None)
            if invited is not None:
                found.append(_registrant(dice, item, invited, moment_between(dice, opens, closes), invited.email))
    found.sort(key=lambda one: (one["create_time"], one["id"]))
    return found


def _drawn(dice: random.Random, crowd: list[Person], count: int) -> list[Person]:
    """The zealous come more often."""
    if not crowd:
        return []
    return dice.choices(crowd, weights=[person.zeal for person in crowd], k=count)


def _registrant(dice: random.Random, item: Record, person: Person, moment: datetime, address: str = "") -> Record:
    email = address or worn(dice, person.second_email if person.second_email and dice.random() < 0.4 else person.email)
    name = mark("registrant", item["id"], person.number, email)
    fate = dice.random()
    status = "approved" if fate < 0.94 else "denied" if fate < 0.97 else "pending"
    if status == "pending" and item["settings"]["approval_type"] == 0:
        status = "approved"
    if item["settings"]["approval_type"] == 1 and fate > 0.5:
        status = "pending"
    registrant: Record = {
        "id": name,
        "email": email,
        "first_name": person.first,
        "last_name": person.last,
        "org": person.company,
        "job_title": person.title,
        "status": status,
        "create_time": iso(moment),
        "custom_questions": [],
    }
    if status == "approved":
        registrant["join_url"] = f"https://zoom.example/w/{item['id']}?tk={name}"
    kind, dates = item["settings"]["registration_type"], item.get("occurrences")
    if dates and kind in (2, 3):
        count = 1 if kind == 2 else dice.randint(1, len(dates))
        ids = sorted(one["occurrence_id"] for one in dice.sample(dates, count))
        registrant["occurrences"] = [{"occurrence_id": one} for one in ids]
    return registrant


class Room:
    """Makes the rows of a session."""

    def __init__(self, dice: random.Random, cast: Cast, now: datetime) -> None:
        self.dice, self.cast, self.now = dice, cast, now

    def rows(self, item: Record, session: Record) -> list[Record]:
        start, end = parse(session["start_time"]), parse(session["end_time"])
        host = next(person for person in self.cast.staff if person.email == item["host_email"])
        rows = [self._row(host.name, host.email, start, end, user=mark("staff", host.email))]
        for panelist in item["panelists"]:
            rows.append(self._row(panelist["name"], panelist["email"], start, end, user=""))
        if not session["practice_session"]:
            for registrant in item["registrants"]:
                if self._comes(registrant, session):
                    rows += self._visit(registrant, start, end)
            for _ in range(self.dice.randint(0, 4) if item["registrants"] else 60):
                rows.append(self._stray(start, end))
        rows.sort(key=lambda row: (row["join_time"], row["user_id"]))
        return rows

    def _comes(self, registrant: Record, session: Record) -> bool:
        if registrant["status"] != "approved" or registrant["create_time"] > session["end_time"]:
            return False
        chosen = [one["occurrence_id"] for one in registrant.get("occurrences", ())]
        if chosen and session.get("occurrence_id") not in chosen:
            return False
        return self.dice.random() < 0.46

    def _visit(self, registrant: Record, start: datetime, end: datetime) -> list[Record]:
        """One person's rows: mostly one, often more, sometimes at the same time."""
        dice, span = self.dice, end - start
        early = dice.random() < 0.35
        joined = start - timedelta(seconds=dice.randint(0, 480)) if early else start + span * dice.random() ** 3 * 0.6
        left = end if dice.random() < 0.55 else joined + (end - joined) * dice.random() ** 0.5
        if left <= joined:
            left = joined + timedelta(seconds=40)
        blank = dice.random() < 0.3
        email = "" if blank else registrant["email"].strip()
        name = f"{registrant['first_name']} {registrant['last_name']}"

        def row(begin: datetime, finish: datetime, status: str = "in_meeting") -> Record:
            return self._row(name, email, begin, finish, registrant=registrant["id"], status=status)

        rows = []
        if dice.random() < 0.03:
            rows.append(row(joined - timedelta(seconds=90), joined, "in_waiting_room"))
        if dice.random() < 0.33 and (left - joined) > timedelta(minutes=6):
            cut = joined + (left - joined) * dice.uniform(0.2, 0.8)
            back = min(cut + timedelta(seconds=dice.randint(5, 240)), left)
            rows += [row(joined, cut), row(back, left)] if back < left else [row(joined, cut)]
        else:
            rows.append(row(joined, left))
        if dice.random() < 0.09:
            rows.append(row(joined + (left - joined) * 0.2, left))
        return rows

    def _stray(self, start: datetime, end: datetime) -> Record:
        """Somebody of whom there is a name at best."""
        joined = moment_between(self.dice, start, start + (end - start) * 0.7)
        name = self.dice.choice(("iPhone", "Guest", "+49 *** **12", "Conference Room 3", "M."))
        return self._row(name, "", joined, moment_between(self.dice, joined, end))

    def _row(
        self,
        name: str,
        email: str,
        joined: datetime,
        left: datetime,
        *,
        registrant: str = "",
        status: str = "in_meeting",
        user: str = "",
    ) -> Record:
        joined, left = joined.replace(microsecond=0), left.replace(microsecond=0)
        row: Record = {
            "id": user,
            "user_id": str(self.dice.randint(16_778_240, 99_999_999)),
            "name": name,
            "user_email": email,
            "join_time": iso(joined),
            "leave_time": iso(left),
            "duration": int((left - joined).total_seconds()),
            "registrant_id": registrant,
            "failover": False,
            "status": status,
        }
        if user:
            row["participant_user_id"] = user
        return row


def seat(dice: random.Random, person: Person, start: datetime, minutes: int) -> Record:
    """A row of a meeting, for whoever is given."""
    left = start + timedelta(minutes=dice.randint(minutes // 2, minutes))
    return {
        "id": "",
        "user_id": str(dice.randint(16_778_240, 99_999_999)),
        "name": person.name,
        "user_email": person.email,
        "join_time": iso(start),
        "leave_time": iso(left),
        "duration": int((left - start).total_seconds()),
        "status": "in_meeting",
    }
