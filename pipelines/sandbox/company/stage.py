"""The webinars: what was planned, who signed up, what ran, who was in the room.

Among some fifty series are those that trip people up: recurring ones of each registration type, one without fixed time,
cancelled, deleted, never started, restarted, rehearsed, Zoom Events, without registration, with manual approval, with a
required question, of a host who left, with UUIDs that begin with `/` or contain `//`, and those of years ago.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pipelines.sandbox.clock import iso, parse, to_ms
from pipelines.sandbox.company.audience import Room, seat, sign_ups
from pipelines.sandbox.company.people import Cast, Person
from pipelines.sandbox.world.filling import mark, session_uuid

Record = dict[str, Any]
TOPICS = (
    "Forecasting that Holds|Attribution without Tears|A Tour of the New Dashboards|Pricing in Uncertain "
    "Times|From Leads to Accounts|Privacy by Design|Customer Stories: Fjord Energy|Event Data in "
    "Practice|Migrating in a Weekend|Clean Rooms Explained|The State of Email|Segments that Sell|Live Q&A with "
    "Support|Open Data in Retail|Measuring What Matters"
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Europe/Warsaw")
HOURS = (8, 10, 13, 15, 17)


class Stage:
    """Draws webinars one after the other."""

    def __init__(self, dice: random.Random, cast: Cast, now: datetime) -> None:
        self.dice, self.cast, self.now = dice, cast, now
        self.made = 0
        self.room = Room(dice, cast, now)
        self.topics = TOPICS.split("|")

    def plan(self, start: datetime, **given: Any) -> Record:
        """A webinar without registrants and sessions."""
        self.made += 1
        host = self.cast.staff[(0, 1, 6)[self.made % 3]]
        number = 84_000_000_000 + 7_919_113 * self.made
        item: Record = {
            "uuid": session_uuid("plan", number),
            "id": number,
            "host_id": mark("staff", host.email),
            "host_email": host.email,
            "topic": f"{self.topics[self.made % len(self.topics)]} #{self.made}",
            "type": 5,
            "start_time": iso(start),
            "duration": self.dice.choice((30, 45, 60, 60, 90)),
            "timezone": self.dice.choice(ZONES),
            "agenda": "What we learnt, what changed, and your questions.",
            "created_at": iso(min(start - timedelta(days=self.dice.randint(18, 40)), self.now - timedelta(hours=3))),
            "join_url": f"https://zoom.example/j/{number}",
            "settings": {
                "approval_type": 0,
                "registration_type": 1,
                "registrants_restrict_number": 0,
                "close_registration": True,
                "email_in_attendee_report": True,
                "allow_multiple_devices": True,
            },
            "registrants": [],
            "panelists": self._panelists(),
            "questions": {
                "questions": [
                    {"field_name": "last_name", "required": False},
                    {"field_name": "org", "required": False},
                    {"field_name": "job_title", "required": False},
                ],
                "custom_questions": [],
            },
            "zoom_events": False,
            "instances": [],
        }
        for name, value in given.items():
            item[name] = {**item["settings"], **value} if name == "settings" else value
        return item

    def _panelists(self) -> list[Record]:
        count = self.dice.randint(0, 3)
        guests = [*self.dice.sample(self.cast.contacts, min(count, len(self.cast.contacts))), self.cast.staff[3]]
        return [{"id": mark("panelist", p.email), "name": p.name, "email": p.email} for p in guests]

    def fill(self, item: Record, *, pull: float = 1.0, ends: datetime | None = None) -> Record:
        """Let people register."""
        item["registrants"] = sign_ups(self.dice, self.cast, item, self.now, pull=pull, ends=ends)
        return item

    def run(self, item: Record, start: datetime, **given: Any) -> Record:
        """Let a session happen: actual times, and the rows of those who were there."""
        minutes = int(item["duration"])
        begun = start + timedelta(seconds=self.dice.randint(-120, 300))
        ended = begun + timedelta(minutes=minutes) + timedelta(seconds=self.dice.randint(-240, 420))
        session: Record = {
            "uuid": session_uuid("run", item["id"], len(item["instances"])),
            "start_time": iso(begun),
            "end_time": iso(ended),
            "practice_session": False,
            "recordings": None,
            **given,
        }
        session["participants"] = self.room.rows(item, session)
        item["instances"].append(session)
        return session

    def record(self, item: Record, session: Record) -> None:
        """A cloud recording with its transcript."""
        files = [("MP4", "shared_screen_with_speaker_view"), ("M4A", "audio_only"), ("TRANSCRIPT", "audio_transcript")]
        session["recordings"] = {
            "share_url": f"https://zoom.example/rec/share/{mark('share', session['uuid'])}",
            "recording_files": [
                {
                    "id": mark("file", session["uuid"], kind),
                    "meeting_id": session["uuid"],
                    "recording_start": session["start_time"],
                    "recording_end": session["end_time"],
                    "file_type": kind,
                    "file_extension": "VTT" if kind == "TRANSCRIPT" else kind,
                    "file_size": self.dice.randint(2_000, 90_000_000),
                    "play_url": f"https://zoom.example/rec/play/{mark('play', session['uuid'], kind)}",
                    "recording_type": purpose,
                    "status": "completed",
                }
                for kind, purpose in files
            ],
        }

    def past(self, days: float) -> datetime:
        """A working hour so many days ago."""
        return self._working(self.now - timedelta(days=days))

    def ahead(self, days: float) -> datetime:
        return self._working(self.now + timedelta(days=days))

    def _working(self, day: datetime) -> datetime:
        day -= timedelta(days=max(day.weekday() - 4, 0))
        return day.replace(hour=self.dice.choice(HOURS), minute=0, second=0, microsecond=0)


def account_of(dice: random.Random, cast: Cast, now: datetime) -> Record:
    """The Zoom account with everything in it."""
    stage = Stage(dice, cast, now)
    webinars = [*_singles(stage), *_series(stage), *_oddities(stage), *_upcoming(stage)]
    return {
        "account_id": "kestrel-account",
        "client_id": "kestrel-client",
        "client_secret": "kestrel-client-secret",
        "webhook_secret": "kestrel-webhook-secret",
        "brand": "Kestrel Signal",
        "users": [_user(person, at) for at, person in enumerate(cast.staff)],
        "webinars": webinars,
        "meetings": _meetings(stage),
    }


def _user(person: Person, at: int) -> Record:
    """Staff: licensed hosts, one without the webinar plan, one who left."""
    return {
        "id": mark("staff", person.email),
        "first_name": person.first,
        "last_name": person.last,
        "email": person.email,
        "type": 1 if at == 4 else 2,
        "pmi": 3_000_000_000 + at,
        "timezone": "Europe/Berlin",
        "verified": 1,
        "dept": ("Marketing", "Product", "Sales")[at % 3],
        "created_at": iso(person.joined),
        "status": "inactive" if at == 2 else "active",
        "role_id": "0" if at == 0 else "2",
    }


def _singles(stage: Stage) -> Iterator[Record]:
    """Three years of single webinars, the newer the denser."""
    for at in range(30):
        days = 2 + (at / 30) ** 1.7 * 1040
        item = stage.fill(stage.plan(stage.past(days)))
        session = stage.run(item, stage_start(item))
        if at % 3 == 0:
            stage.record(item, session)
        yield item


def stage_start(item: Record) -> datetime:
    return parse(item["start_time"])


def _series(stage: Stage) -> Iterator[Record]:
    """Recurring webinars of each registration type; dates past, ahead, one struck off."""
    for at, (count, every, first, kind) in enumerate(
        ((4, 7, 26, 1), (8, 30, 210, 2), (6, 14, 60, 3), (3, 1, 400, 1), (5, 28, 900, 1), (7, 7, 40, 2))
    ):
        begin = stage.past(first)
        item = stage.plan(begin, type=9, settings={"registration_type": kind})
        dates = [begin + timedelta(days=every * step) for step in range(count)]
        item["occurrences"] = [
            {
                "occurrence_id": str(to_ms(date)),
                "start_time": iso(date),
                "duration": item["duration"],
                "status": "deleted" if at == 2 and step == 1 else "available",
            }
            for step, date in enumerate(dates)
        ]
        del item["start_time"]
        item["created_at"] = iso(begin - timedelta(days=20))
        stage.fill(item, pull=0.9, ends=min(dates[-1], stage.now))
        for occurrence, date in zip(item["occurrences"], dates, strict=True):
            if date + timedelta(hours=2) < stage.now and occurrence["status"] == "available":
                stage.run(item, date, occurrence_id=occurrence["occurrence_id"])
        yield item
    item = stage.plan(stage.past(75), type=6, topic="Open Office Hours")
    del item["start_time"]
    stage.fill(item, pull=0.5, ends=stage.now)
    for days in (75, 54, 33, 12):
        stage.run(item, stage.past(days))
    yield item


def _oddities(stage: Stage) -> Iterator[Record]:
    """One of each kind that trips people up."""
    for days in (95, 20):  # cancelled before they were held
        item = stage.fill(stage.plan(stage.past(days), topic=f"Cancelled #{days}"), pull=0.6)
        yield {**item, "deleted": True}
    item = stage.fill(stage.plan(stage.past(44), topic="Summit Keynote", zoom_events=True))
    stage.run(item, stage_start(item))
    yield item
    item = stage.plan(stage.past(58), topic="Walk-in Demo", settings={"approval_type": 2})
    del item["questions"]
    stage.run(item, stage_start(item))
    yield item
    item = stage.fill(stage.plan(stage.past(120), topic="Withdrawn Afterwards"))
    stage.run(item, stage_start(item))
    yield {**item, "deleted": True}
    yield stage.fill(stage.plan(stage.past(15), topic="The One that Never Started"), pull=0.7)
    yield _restarted(stage)
    item = stage.fill(stage.plan(stage.past(36), topic="Rehearsed"))
    start = stage_start(item)
    rehearsal = {"start_time": iso(start - timedelta(minutes=50)), "end_time": iso(start - timedelta(minutes=20))}
    stage.run(item, start, practice_session=True, **rehearsal)
    stage.run(item, start)
    yield item
    for uuid, days in (("/Kx2bQmZ1Tn+eXv0fWlP9w==", 50), ("a1B2c3//D4e5F6g7H8i9J0==", 66)):
        item = stage.fill(stage.plan(stage.past(days)))
        stage.run(item, stage_start(item), uuid=uuid)
        yield item
    item = stage.plan(stage.past(150), topic="By Somebody who Left")
    host = stage.cast.staff[2]
    item = stage.fill({**item, "host_id": mark("staff", host.email), "host_email": host.email})
    stage.run(item, stage_start(item))
    yield item


def _restarted(stage: Stage) -> Record:
    """The host fell out and began again: two sessions of one date."""
    item = stage.fill(stage.plan(stage.past(28), topic="Interrupted"))
    start = stage_start(item)
    middle = start + timedelta(minutes=item["duration"] * 0.4)
    stage.run(item, start, start_time=iso(start), end_time=iso(middle))
    later = middle + timedelta(minutes=6)
    end = start + timedelta(minutes=item["duration"] + 5)
    stage.run(item, later, start_time=iso(later), end_time=iso(end))
    return item


def _upcoming(stage: Stage) -> Iterator[Record]:
    """What lies ahead: plain, with manual approval, with a required question, nearly full, weeks away."""
    yield stage.fill(stage.plan(stage.ahead(4)), pull=0.5)
    yield stage.fill(stage.plan(stage.ahead(9), topic="By Approval", settings={"approval_type": 1}), pull=0.4)
    questions = {
        "questions": [{"field_name": "org", "required": True}],
        "custom_questions": [
            {
                "title": "Which plan are you on?",
                "type": "single_dropdown",
                "required": True,
                "answers": ["Free", "Team"],
            }
        ],
    }
    yield stage.plan(stage.ahead(12), topic="With a Question", questions=questions)
    item = stage.fill(stage.plan(stage.ahead(18), topic="Nearly Full"), pull=0.3)
    item["settings"]["registrants_restrict_number"] = len(item["registrants"]) + 1
    yield item
    yield stage.plan(stage.ahead(45))


def _meetings(stage: Stage) -> list[Record]:
    """A few meetings with customers, one too small for its report."""
    made = []
    for at, days in enumerate((8, 21, 70)):
        start = stage.past(days)
        host = stage.cast.staff[at % 2]
        item: Record = {
            "id": 86_000_000_000 + 1_234_567 * at,
            "topic": f"Quarterly Review {at + 1}",
            "type": 2,
            "host_id": mark("staff", host.email),
            "host_email": host.email,
            "start_time": iso(start),
            "duration": 30,
            "timezone": "UTC",
            "created_at": iso(start - timedelta(days=10)),
            "instances": [],
        }
        guests = [] if at == 2 else stage.dice.sample(stage.cast.contacts, min(5, len(stage.cast.contacts)))
        rows = [seat(stage.dice, person, start, 30) for person in (host, *guests)]
        session = {"uuid": session_uuid("meeting", at), "start_time": iso(start), "participants": rows}
        item["instances"].append({**session, "end_time": iso(start + timedelta(minutes=31))})
        made.append(item)
    return made
