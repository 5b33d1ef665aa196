"""What happens in a simulated world: a history written beforehand from a seed, so that it can be played twice.

The author knows the people and the webinars, and never asks the product or the sandbox. `pace_hours` is how long a
thing stands still between two moves: 0 for a history that is read calmly, some readings for one that is read through
faults, so that each state is seen at least once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.worlds import contact, email_event, form, webinar, world, z

Record = dict[str, Any]
STARTS = ("2026-11-02T00:00:00Z", "2026-12-30T00:00:00Z", "2028-02-27T00:00:00Z", "2027-03-28T06:00:00Z")
HOSTS = ("hana@host.example", "hugo@host.example", "Otto@out.example")
DOMAINS = ("a.example", "b.example", "acme.example", "eu.acme.example")
ODD = ("no-at-sign", "dotless@localhost", "Ann.Person+tag@a.example", " Upper@B.Example ", "o'neil@c.example")
WEIGHTS = {
    "register": 30,
    "vanish": 6,
    "deny": 5,
    "approve": 6,
    "schedule": 4,
    "reschedule": 3,
    "cancel_date": 1,
    "delete_webinar": 1,
    "panelist": 1,
    "mail": 12,
    "submit": 5,
    "create": 4,
    "rename": 2,
    "readdress": 2,
    "second": 2,
    "bin": 4,
    "restore": 4,
    "merge": 3,
    "forget": 1,
    "crm_user": 1,
    "settings": 2,
}
"""How often each kind of move is tried."""


@dataclass(frozen=True)
class Move:
    """One thing that happens, at a moment; `told` is all that it takes."""

    at: datetime
    kind: str
    told: Record


@dataclass
class History:
    """A world to begin with, its settings, and what then happens, in order of time."""

    seed: int
    start: datetime
    end: datetime
    world: Record
    settings: Record
    switches: Record
    moves: list[Move]


@dataclass
class Author:
    """Writes one history."""

    seed: int
    days: float
    pace_hours: float = 0.0
    moves_an_hour: float = 4.0
    moves: list[Move] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.start = datetime.fromisoformat(self.dice.choice(STARTS)) + timedelta(hours=self.dice.randrange(24))
        self.end = self.start + timedelta(hours=round(self.days * 24))
        self.pace = timedelta(hours=self.pace_hours)
        self.people = [f"p{number:02d}@{self.dice.choice(DOMAINS)}" for number in range(22)] + list(ODD)
        self.names = dict.fromkeys(self.people, 0)
        self.webinars: dict[int, Record] = {}
        self.registrants: dict[tuple[int, str], Record] = {}
        self.contacts: dict[str, datetime] = {}
        self.binned: set[str] = set()
        self.touched: dict[Any, datetime] = {}
        self.counter = 0
        self.settings: Record = {}
        self.new_since = datetime.min.replace(tzinfo=UTC)

    # ---- the whole

    def write(self) -> History:
        """Write the beginning, then hour after hour."""
        first = self._beginning()
        hour = self.start
        while hour < self.end:
            self._sessions(hour)
            for _ in range(self.dice.randint(0, round(2 * self.moves_an_hour))):
                at = hour + timedelta(seconds=self.dice.randint(90, 3450))
                kind = self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
                getattr(self, f"_{kind}")(at)
            hour += timedelta(hours=1)
        moves = sorted((move for move in self.moves if move.at < self.end), key=lambda move: move.at)
        switches = {
            "zoom.duration_zero_minutes": 30,
            "hubspot.merge_new_id": self.dice.random() < 0.4,
            "zoom.denied_may_register_again": True,
        }
        return History(self.seed, self.start, self.end, first, {}, switches, moves)

    def _beginning(self) -> Record:
        for _ in range(4):
            self._schedule(self.start - timedelta(days=1), soonest=2)
        self._schedule(self.start - timedelta(days=3), soonest=20, latest=40)
        webinars = [move.told["webinar"] for move in self.moves]
        for number in list(self.webinars):
            for _ in range(5):
                self._register(self.start - timedelta(hours=self.dice.randint(10, 22)), number)
        known = {told["id"]: told for told in webinars}
        for move in self.moves:
            if move.kind == "register":
                known[move.told["webinar"]]["registrants"].append(move.told["registrant"])
        for date in [date for told in self.webinars.values() for date in told["dates"]]:
            if date["start"] < self.start:
                self._run(date, known[date["webinar"]]["instances"].append)
        self.moves.clear()
        people = self.dice.sample(self.people[:22], 8)
        contacts = [contact(101 + at, email) for at, email in enumerate(people)]
        self.contacts = dict.fromkeys(people, self.start - timedelta(days=30))
        events = [self._event(self.start - span) for span in self._edges() for _ in range(2)]
        forms = [
            form("f1", [(self.dice.choice(people), z(self.start - span)) for span in self._edges()]),
            form("f2", []),
        ]
        hosts = [
            {"id": f"host{at}", "email": email, "first_name": f"Host{at}", "last_name": "Of", "type": 2}
            for at, email in enumerate(HOSTS)
        ]
        told = world(*webinars, now=z(self.start), contacts=contacts, users=hosts, email_events=events, forms=forms)
        told["hubspot"][0]["users"] = [{"id": "1", "email": "sam@portal.example"}]
        for one in told["hubspot"][0]["contacts"]:
            one["createdAt"] = one["updatedAt"] = z(self.start - timedelta(days=60))
        return told

    def _edges(self) -> list[timedelta]:
        """Spans that put a fact near the edge of a window during the history."""
        days = [*(30 - self.dice.random() * self.days for _ in range(3)), *(365 - d for d in (0.2, 1.1, 2.0)), 400, 3]
        return [timedelta(days=span, seconds=self.dice.randint(0, 80_000)) for span in days]

    def _say(self, at: datetime, kind: str, **told: Any) -> None:
        self.moves.append(Move(at, kind, told))

    def _rests(self, thing: Any, at: datetime) -> bool:
        """Whether a thing has stood still long enough to move; if so, it moves now."""
        if at - self.touched.get(thing, datetime.min.replace(tzinfo=UTC)) < self.pace:
            return False
        self.touched[thing] = at
        return True

    def _number(self) -> int:
        self.counter += 1
        return self.counter

    # ---- Zoom

    def _schedule(self, at: datetime, *, soonest: float = 2.0, latest: float = 60.0) -> None:
        if at - self.new_since < self.pace + timedelta(hours=1 if self.pace else 0):
            return
        dice, number = self.dice, 84_000_000_000 + 17 * self._number()
        begin = at + timedelta(hours=max(dice.uniform(soonest, latest), 2 * self.pace_hours))
        begin = begin.replace(minute=dice.choice((0, 15, 30)), second=0, microsecond=0)
        host = dice.randrange(len(HOSTS))
        minutes = dice.choice((30, 45, 60, 90))
        told = webinar(
            number,
            minutes=minutes,
            host_id=f"host{host}",
            host_email=HOSTS[host],
            topic=f"Topic {number % 1000} of {HOSTS[host][:4]}",
            created_at=z(at),
            start_time=z(begin),
            timezone="UTC",
            settings={"approval_type": dice.choice((0, 0, 0, 1, 2)), "registration_type": 1},
            zoom_events=dice.random() < 0.06,
        )
        dates = [{"webinar": number, "occurrence": "", "start": begin, "minutes": minutes}]
        if dice.random() < 0.4:
            step = timedelta(hours=dice.choice((6, 12, 24)))
            dates = []
            for turn in range(dice.randint(2, 4)):
                start = begin + turn * step
                name = str(int(start.timestamp() * 1000))
                dates.append({"webinar": number, "occurrence": name, "start": start, "minutes": minutes})
            told["type"] = 9
            told["occurrences"] = [
                {
                    "occurrence_id": date["occurrence"],
                    "start_time": z(date["start"]),
                    "duration": minutes,
                    "status": "available",
                }
                for date in dates
            ]
            told["settings"]["registration_type"] = dice.choice((1, 1, 1, 2))
        people = dice.sample(self.people[:22], dice.randint(0, 2))
        told["panelists"] = [{"id": f"s{self._number()}", "name": email[:3], "email": email} for email in people]
        self.webinars[number] = {
            "told": told,
            "dates": dates,
            "at": at,
            "deleted": False,
            "stage": list(people),
            "host": host,
        }
        self.touched["webinar", number] = at
        self._say(at, "schedule", webinar=told)

    def _open(self, at: datetime, *, registers: bool = True) -> int | None:
        """A webinar that stands and, if wanted, takes registrations."""
        found = [
            number
            for number, told in self.webinars.items()
            if not told["deleted"]
            and told["at"] < at
            and (not registers or told["told"]["settings"]["approval_type"] != 2)
            and any(date["start"] + timedelta(minutes=date["minutes"]) > at for date in told["dates"])
        ]
        return self.dice.choice(found) if found else None

    def _register(self, at: datetime, number: int | None = None) -> None:
        number = number or self._open(at)
        if number is None or self.webinars[number]["told"]["settings"]["approval_type"] == 2:
            return
        email, told = self.dice.choice(self.people), self.webinars[number]["told"]
        standing = [key for key, one in self.registrants.items() if key[0] == number and one["who"] == email]
        if any(self.registrants[key]["status"] in ("approved", "pending") for key in standing):
            return
        if not self._rests(("person", email), at) or not self._rests(("at", number, email), at):
            return
        if not self.pace:
            self.names[email] += self.dice.random() < 0.2
        typed = email.upper() if self.dice.random() < 0.1 else email
        pending = told["settings"]["approval_type"] == 1
        one = {
            "id": f"r{self._number():04d}",
            "email": typed,
            "first_name": f"{email.strip()[:3].title()}{self.names[email]}",
            "last_name": "Example",
            "status": "denied" if self.dice.random() < 0.05 else "pending" if pending else "approved",
            "create_time": z(at),
        }
        if told["settings"]["registration_type"] == 2:
            ahead = [date for date in self.webinars[number]["dates"] if date["start"] > at]
            if not ahead:
                return
            one["occurrences"] = [{"occurrence_id": self.dice.choice(ahead)["occurrence"]}]
        self.registrants[number, one["id"]] = {"who": email, "status": one["status"], "at": at}
        self._say(at, "register", webinar=number, registrant=one)

    def _someone(self, at: datetime, *states: str) -> tuple[int, str] | None:
        found = [
            key
            for key, one in self.registrants.items()
            if one["status"] in states
            and one["at"] < at
            and not self.webinars[key[0]]["deleted"]
            and (not self.pace or not self._soon(key[0], at))
        ]
        key = self.dice.choice(found) if found else None
        return key if key and self._rests(("at", key[0], self.registrants[key]["who"]), at) else None

    def _soon(self, number: int, at: datetime) -> bool:
        """Whether a date of it is about to end, or has just ended."""
        ends = [date["start"] + timedelta(minutes=date["minutes"]) for date in self.webinars[number]["dates"]]
        return any(abs(end - at) < 2 * self.pace for end in ends)

    def _vanish(self, at: datetime) -> None:
        if key := self._someone(at, "approved", "pending"):
            self.registrants[key]["status"] = "gone"
            self._say(at, "vanish", webinar=key[0], registrant=key[1])

    def _deny(self, at: datetime) -> None:
        if key := self._someone(at, "approved", "pending"):
            self.registrants[key]["status"] = "denied"
            self._say(at, "status", webinar=key[0], registrant=key[1], status="denied")

    def _approve(self, at: datetime) -> None:
        if key := self._someone(at, "pending", "denied"):
            self.registrants[key]["status"] = "approved"
            self._say(at, "status", webinar=key[0], registrant=key[1], status="approved")

    def _reschedule(self, at: datetime) -> None:
        number = self._open(at, registers=False)
        margin = timedelta(hours=1) + 2 * self.pace
        if number is None or not self._rests(("webinar", number), at):
            return
        ahead = [date for date in self.webinars[number]["dates"] if date["start"] > at + margin and "ran" not in date]
        if not ahead:
            return
        date = self.dice.choice(ahead)
        moved = at + max(timedelta(hours=self.dice.uniform(1.5, 30)), margin)
        others = [other["start"] for other in self.webinars[number]["dates"] if other is not date]
        moved = moved.replace(minute=self.dice.choice((0, 15, 30)), second=0, microsecond=0) + timedelta(hours=1)
        if any(abs(other - moved) < timedelta(hours=5) for other in others):
            return
        date["start"] = moved
        self._say(at, "reschedule", webinar=number, occurrence=date["occurrence"], start=z(date["start"]))

    def _cancel_date(self, at: datetime) -> None:
        number = self._open(at, registers=False)
        if number is None or not self._rests(("webinar", number), at):
            return
        ahead = [
            date
            for date in self.webinars[number]["dates"]
            if date["occurrence"] and date["start"] > at + timedelta(hours=1) + 2 * self.pace
        ]
        if ahead:
            date = self.dice.choice(ahead)
            self.webinars[number]["dates"].remove(date)
            self._say(at, "cancel_date", webinar=number, occurrence=date["occurrence"])

    def _delete_webinar(self, at: datetime) -> None:
        old = [
            number
            for number, told in self.webinars.items()
            if told["at"] < at - timedelta(hours=13) - self.pace and not told["deleted"]
        ]
        if old and self._rests(("webinar", number := self.dice.choice(old)), at) and not self._soon(number, at):
            self.webinars[number]["deleted"] = True
            dates = self.webinars[number]["dates"]
            self.webinars[number]["dates"] = [date for date in dates if date["start"] < at]
            self._say(at, "delete_webinar", webinar=number)

    def _panelist(self, at: datetime) -> None:
        number = self._open(at, registers=False)
        if number is not None and self._rests(("stage", number), at) and not (self.pace and self._soon(number, at)):
            email = self.dice.choice(self.people[:22])
            one = {"id": f"s{self._number()}", "name": email[:3], "email": email.upper()}
            self.webinars[number]["stage"].append(email)
            self._say(at, "panelist", webinar=number, panelist=one)

    def _sessions(self, hour: datetime) -> None:
        for told in list(self.webinars.values()):
            for date in told["dates"]:
                if hour <= date["start"] < hour + timedelta(hours=1) and "ran" not in date:
                    date["ran"] = True
                    if self.dice.random() < 0.85:
                        number = date["webinar"]
                        self._run(
                            date,
                            lambda run, number=number, start=date["start"]: self._say(
                                start, "session", webinar=number, run=run
                            ),
                        )

    def _run(self, date: Record, tell: Any) -> None:
        """Let a date happen: a rehearsal, a restart, and corrections afterwards, now and then."""
        dice, told = self.dice, self.webinars[date["webinar"]]
        date["ran"] = True
        begun = date["start"] + timedelta(seconds=dice.randint(-200, 500))
        ended = begun + timedelta(minutes=date["minutes"], seconds=dice.randint(-700, 500))
        spans = [(begun, ended, False)]
        if dice.random() < 0.25:
            middle = begun + (ended - begun) * 0.4
            spans = [(begun, middle, False), (middle + timedelta(minutes=dice.randint(2, 9)), ended, False)]
        if dice.random() < 0.25:
            spans.insert(0, (date["start"] - timedelta(minutes=38), date["start"] - timedelta(minutes=13), True))
        crowd = self._crowd(date, told)
        for begin, end, is_practice in spans:
            begin, end = begin.replace(microsecond=0), end.replace(microsecond=0)
            run = {
                "uuid": f"{dice.choice(('', '/', 'x//'))}u{self._number()}==",
                "start_time": z(begin),
                "end_time": z(end),
                "practice_session": is_practice,
                "occurrence_id": date["occurrence"] or None,
                "participants": [
                    self._row(one, begin, end)
                    for one in crowd
                    for _ in range(dice.choice((1, 1, 1, 2, 3)))
                    if dice.random() < (0.3 if is_practice else 0.8)
                ],
            }
            tell(run)
            if dice.random() < 0.4 and run["participants"] and begin > self.start:
                row = dice.choice(run["participants"])
                after = end + timedelta(minutes=dice.randint(35, 500))
                self._correct(after, date["webinar"], run, row, begin, end)

    def _correct(self, at: datetime, number: int, run: Record, row: Record, begin: datetime, end: datetime) -> None:
        what = self.dice.choice(("leave", "leave", "add", "drop"))
        if what == "drop" and self.pace:
            what = "leave"
        joined = datetime.fromisoformat(row["join_time"])
        old = datetime.fromisoformat(row["leave_time"]) if row.get("leave_time") else end
        left = max(joined + timedelta(minutes=3), min(end, joined + (end - begin) * self.dice.random()))
        if abs(left - old) < timedelta(minutes=2):
            left = old + timedelta(minutes=4)
        new = row | {"leave_time": z(left), "duration": int((left - joined).total_seconds())}
        if what == "add":
            new = new | {"user_id": f"u{self._number()}", "user_email": self.dice.choice(self.people[:22])}
            new.pop("registrant_id", None)
        self._say(at, "correct", webinar=number, uuid=run["uuid"], old=row["user_id"], what=what, row=new)

    def _crowd(self, date: Record, told: Record) -> list[Record]:
        """Who comes: registrants in several disguises, guests, the host, panelists, somebody in the waiting room."""
        dice, number = self.dice, date["webinar"]
        crowd: list[Record] = []
        for (which, name), one in self.registrants.items():
            if which != number or one["at"] > date["start"] or dice.random() < 0.3:
                continue
            address = dice.choice((one["who"], one["who"].upper(), "", "private@c.example"))
            told_id = name if not address or "private" in address or dice.random() < 0.5 else ""
            crowd.append({"user_email": address, "registrant_id": told_id})
        crowd += [{"user_email": dice.choice(self.people)} for _ in range(dice.randint(0, 3))]
        crowd += [{"user_email": ""} for _ in range(dice.randint(0, 2))]
        host = HOSTS[told["host"]]
        crowd.append(dice.choice(({"user_email": host}, {"user_email": "", "id": f"host{told['host']}"})))
        crowd += [{"user_email": email} for email in told["stage"]]
        crowd.append({"user_email": dice.choice(self.people), "status": "in_waiting_room"})
        return crowd

    def _row(self, one: Record, begin: datetime, end: datetime) -> Record:
        length = (end - begin).total_seconds()
        joined = begin + timedelta(seconds=round(length * self.dice.uniform(-0.1, 0.95)))
        left = joined + timedelta(
            seconds=round(length * self.dice.choice((0, 0.1, 0.3, 0.6, 1.2)) * self.dice.random())
        )
        row = {
            "id": "",
            "user_id": f"u{self._number()}",
            "name": (one["user_email"] or "Guest")[:5],
            "join_time": z(joined),
            "status": "in_meeting",
            **one,
        }
        if self.dice.random() < 0.93:
            row |= {"leave_time": z(left), "duration": int((left - joined).total_seconds())}
        return row

    # ---- HubSpot

    def _event(self, when: datetime) -> Record:
        dice, kind = self.dice, self.dice.choice(("OPEN", "OPEN", "CLICK", "SENT", "DELIVERED"))
        email = dice.choice(self.people[:22])
        told = email_event(kind, email, dice.randint(1, 6), z(when), id=f"e{self._number()}")
        told["created"] += dice.randint(0, 999)
        told["filteredEvent"] = dice.random() < 0.2
        return told

    def _mail(self, at: datetime) -> None:
        late = self.dice.choice((0, 0, 0, 5, 15, 200, 900))
        event = self._event(at - timedelta(minutes=late))
        self._say(at, "mail", event=event, is_late=late > 20)

    def _submit(self, at: datetime) -> None:
        values = [{"name": "email", "value": self.dice.choice(self.people[:22]), "objectTypeId": "0-1"}]
        told = {"conversionId": f"c{self._number()}", "submittedAt": int(at.timestamp() * 1000), "values": values}
        self._say(at, "submit", form=self.dice.choice(("f1", "f2")), submission=told)

    def _create(self, at: datetime) -> None:
        email = self.dice.choice([*self.people[:22], "new1@a.example", "new2@a.example"])
        busy = [key for key, one in self.registrants.items() if one["who"] == email and one["at"] > at - 2 * self.pace]
        if (self.pace and busy) or email in self.contacts or not self._rests(("contact", email), at):
            return
        if self.pace:
            self.touched["person", email] = at
        self.contacts[email] = at
        self._say(at, "create", email=email)

    def _contact(self, at: datetime, *, binned: bool = False) -> str | None:
        """The address of somebody who is a contact by now: of old, or since they registered long enough ago."""
        old = at - max(self.pace, timedelta(hours=3))
        found = {email for email, since in self.contacts.items() if since < old}
        found |= {one["who"] for one in self.registrants.values() if one["at"] < old and "@" in one["who"]}
        chosen = sorted(self.binned if binned else found - self.binned)
        email = self.dice.choice(chosen) if chosen else None
        return email if email and self._rests(("contact", email), at) else None

    def _rename(self, at: datetime) -> None:
        if email := self._contact(at):
            self._say(at, "rename", email=email, firstname=f"Re{self._number()}")

    def _readdress(self, at: datetime) -> None:
        """Change of the primary address; the old one is kept as a secondary one, or not."""
        if email := self._contact(at):
            new = self.dice.choice((f"moved{self._number()}@b.example", self.dice.choice(self.people[:22])))
            if self.pace and not new.startswith("moved"):
                return
            self._say(at, "readdress", email=email, new=new, is_kept=self.dice.random() < 0.5)

    def _second(self, at: datetime) -> None:
        if email := self._contact(at):
            other = f"second{self._number()}@b.example" if self.pace else self.dice.choice(self.people[:22])
            self._say(at, "second", email=email, other=other)

    def _bin(self, at: datetime) -> None:
        if email := self._contact(at):
            self.binned.add(email)
            self._say(at, "bin", email=email)

    def _restore(self, at: datetime) -> None:
        if email := self._contact(at, binned=True):
            self.binned.discard(email)
            self._say(at, "restore", email=email, is_touched=self.dice.random() < 0.5)

    def _merge(self, at: datetime) -> None:
        email, other = self._contact(at), self._contact(at)
        if email and other and email != other:
            self._say(at, "merge", email=email, other=other)

    def _forget(self, at: datetime) -> None:
        if email := self._contact(at):
            self._say(at, "forget", email=email)

    def _crm_user(self, at: datetime) -> None:
        email = self.dice.choice(self.people[:22])
        kind = self.dice.choice(("user", "user", "user_gone", "owner", "owner_gone", "queue"))
        if self._rests(("crm user", email), at):
            self._say(at, "crm_user", email=email, who=kind)

    # ---- settings

    def _settings(self, at: datetime) -> None:
        if not self._rests("settings", at):
            return
        dice, settings = self.dice, dict(self.settings)
        what = dice.choice(
            ("contacts", "contacts", "hosts", "switch", "switch", "new", "user", "stage", "second", "all")
        )
        if what == "contacts":
            settings["contacts"] = dice.choice(([], ["ACME.example"], ["*.acme.example", "p03@a.example"]))
        elif what == "hosts":
            settings["host_domains"] = dice.choice(([], ["out.example"]))
        elif what == "switch" and self.webinars:
            number = dice.choice(sorted(self.webinars))
            settings["webinars"] = {**settings.get("webinars", {}), number: dice.random() < 0.5}
        elif what in ("new", "user"):
            if what == "new":
                settings["new_webinars"] = not settings.get("new_webinars", True)
            else:
                settings["users"] = {HOSTS[0]: dice.random() < 0.5}
            self.new_since = at
        elif what == "stage":
            settings["count_panelists"] = not settings.get("count_panelists", False)
        elif what == "second":
            settings["attribute"] = not settings.get("attribute", False)
        elif what == "all":
            settings["sync"] = not settings.get("sync", True)
        self.settings = settings
        self._say(at, "settings", settings=settings)
