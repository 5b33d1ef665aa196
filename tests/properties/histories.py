"""Random histories of a company, as the log would hold them, and a log that keeps them in plain files.

Everything that a model reads comes up: people under several addresses, merged, deleted and returning contacts, calls
and notes with them, moved and cancelled dates, practice sessions, panelists who join, corrected reports, emails
forwarded, repeated and told late, events of the future, settings that change. A few people and webinars, so that
everything meets everything.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.events import EVENT_SCHEMA

START = datetime(2026, 1, 30, tzinfo=UTC)
DAYS = 45
"""Length of the busy part of a history; a few events are a year older, so that both windows move on over something."""
Row = dict[str, Any]


class PlainLog:
    """What `build` asks of a log, over one Parquet file a commit."""

    def __init__(self, home: Path, commits: dict[str, list[str]] | None = None) -> None:
        self.home = home
        self.commits = commits if commits is not None else {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else is here."""
        yield

    def version(self, source: str, stream: str) -> int:
        """Return the number of the last commit."""
        return len(self.commits.get(f"{source}/{stream}", [])) - 1

    def files(self, source: str, stream: str) -> list[str]:
        """Return the file of every commit."""
        return list(self.commits.get(f"{source}/{stream}", []))

    def files_since(self, source: str, stream: str, version: int) -> list[str]:
        """Return the files of later commits."""
        return self.files(source, stream)[version + 1 :]

    def append(self, stream: str, rows: list[Row]) -> None:
        """Add a commit."""
        files = self.commits.setdefault(stream, [])
        folder = self.home / "log" / stream
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{len(files)}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=EVENT_SCHEMA), path)
        files.append(str(path))


class Teller:
    """Tells one random history: events with what the vendors would say, in no order."""

    def __init__(self, dice: random.Random, company: int) -> None:
        self.dice, self.company = dice, company
        self.events: list[tuple[str, Row]] = []
        self.people = [f"p{n}.{company}@{dice.choice(['x.example', 'y.example', 'eu.y.example'])}" for n in range(6)]
        self.contacts = [company * 1000 + n for n in range(1, 6)]
        self.webinars = [company * 100 + n for n in range(1, 4)]
        self.sessions = {f"s{company}.{webinar}.{n}==": webinar for webinar in self.webinars[:2] for n in range(2)}
        self.emails = {
            f"e{company}.{n}": self.moment() if n % 2 else datetime(1970, 1, 1, tzinfo=UTC) for n in range(8)
        }
        self.touches = [(START + timedelta(days=n)).isoformat() for n in range(2)]

    def moment(self, far: float = 0.1) -> datetime:
        """Return some moment, on a round second now and then so that events meet."""
        dice = self.dice
        days = dice.uniform(-380, -330) if dice.random() < far else dice.uniform(0, DAYS)
        seconds = round(days * 86_400)
        if dice.random() < 0.4:
            seconds -= seconds % 3600
        return START + timedelta(seconds=seconds)

    def tell(self, stream: str, key: str, payload: Any, at: datetime | None = None, scope: str = "") -> None:
        """Add an event: now and then the key is gone instead, or said twice at the same moment."""
        kind = "absent" if self.dice.random() < 0.08 and payload is not None else "seen"
        told = dict(payload or {}) | {"nonce": len(self.events), "company": self.company}
        text = orjson.dumps(told).decode()
        row = {
            "event_id": md5(f"{stream}|{key}|{text}".encode()).digest(),
            "account": "one",
            "scope": scope,
            "key": key,
            "kind": kind,
            "occurred_at": at or self.moment(),
            "observed_at": START,
            "batch": "made",
            "digest": b"",
            "payload": text if kind == "seen" else None,
        }
        self.events.append((stream, row))

    def address(self) -> str:
        """Return somebody's address, as untidy as people write it."""
        dice = self.dice
        who = dice.choice(self.people)
        return dice.choice([who, who, who, who.upper(), f" {who}", "", "no address"])

    def history(self, events: int) -> list[tuple[str, Row]]:
        """Return a history of about so many events."""
        tellers = [
            self.contact, self.contact, self.email, self.email, self.email, self.form, self.webinar, self.instance,
            self.registrant, self.registrant, self.registrant, *[self.participant] * 6,
            self.panelist, self.chosen, self.user, self.recording, self.host, self.outcome, self.report,
            self.engagement, self.engagement, self.engagement, self.form_name, self.again,
            self.transcript, self.meeting, *[self.guest] * 3,
        ]  # fmt: skip
        for webinar in self.webinars:
            self.webinar(webinar)
        for uuid in self.sessions:
            self.instance(uuid)
        while len(self.events) < events:
            self.dice.choice(tellers)()
        return self.events

    def contact(self) -> None:
        dice = self.dice
        contact = dice.choice(self.contacts)
        others = [str(other) for other in self.contacts if other != contact]
        properties = {
            "email": self.address(),
            "hs_additional_emails": dice.choice(["", "", self.address(), ";".join([self.address(), self.address()])]),
            "firstname": dice.choice(["Ada", ""]),
            "lastname": "L",
            "hs_merged_object_ids": dice.choice(["", "", "", "", dice.choice(others), ";".join(others[:2])]),
            "turnout_webinars_attended": dice.choice(["1", "2"]),
        }
        history = {}
        if dice.random() < 0.5:
            names = ["hs_sales_email_last_opened", "hs_sales_email_last_clicked", "hs_document_last_revisited"]
            touches = [{"value": dice.choice([*self.touches, self.moment().isoformat(), ""])} for _ in range(2)]
            history = {dice.choice(names): touches}
        self.tell(
            "hubspot/contacts",
            str(contact),
            {
                "createdAt": self.moment().isoformat(),
                "archived": dice.random() < 0.1,
                "properties": properties,
                "propertiesWithHistory": history,
            },
        )

    def email(self) -> None:
        dice = self.dice
        mail = dice.choice(list(self.emails))
        sent = {"id": mail, "created": round(self.emails[mail].timestamp() * 1000)}
        kind = dice.choice(["SENT", "OPEN", "OPEN", "CLICK", "DELIVERED"])
        at = self.moment()
        key = f"{mail}|{sent['created']}" if kind == "SENT" else f"{mail}.{len(self.events)}|{at.timestamp()}"
        body = {
            "type": kind,
            "recipient": self.address(),
            "emailCampaignId": dice.randint(1, 3),
            "filteredEvent": dice.random() < 0.1,
        }
        if kind != "SENT" and dice.random() < 0.7:
            body["sentBy"] = sent
        if kind == "SENT" and dice.random() < 0.7:
            body["subject"] = dice.choice(["News", "Offer"])
        self.tell("hubspot/email_events", key, body, at)
        stream, row = self.events[-1]
        row["kind"], row["payload"] = "seen", row["payload"] or orjson.dumps(body).decode()

    def form(self) -> None:
        values = [{"name": "Email", "value": self.address()}]
        self.tell("hubspot/form_submissions", f"f{self.company}.{len(self.events)}", {"values": values}, scope="form")

    def form_name(self) -> None:
        self.tell("hubspot/forms", "form", {"name": self.dice.choice(["Trial", "Demo", ""])})

    def again(self) -> None:
        """Say an email event or a form's submission once more, with something else in it."""
        told = [one for one in self.events if one[0] in ("hubspot/email_events", "hubspot/form_submissions")]
        said = [one for one in told if one[1]["payload"]]
        if said:
            stream, row = self.dice.choice(said)
            body = orjson.loads(row["payload"]) | {"recipient": self.address()}
            self.tell(stream, row["key"], body, row["occurred_at"], row["scope"])
            self.events[-1][1]["kind"], self.events[-1][1]["payload"] = "seen", orjson.dumps(body).decode()

    def engagement(self) -> None:
        dice = self.dice
        kind = dice.choice(["calls", "emails", "meetings", "notes", "tasks"])
        known = [str(contact) for contact in self.contacts] + ["9"]
        self.tell(
            f"hubspot/{kind}",
            f"{self.company}{dice.randint(0, 3)}",
            {
                "createdAt": self.moment().isoformat(),
                "archived": dice.random() < 0.1,
                "properties": {
                    "hs_timestamp": dice.choice([self.moment().isoformat(), "1769900000000", "soon", None]),
                    "hs_email_direction": dice.choice(["EMAIL", "EMAIL", "INCOMING_EMAIL"]),
                    "hs_email_status": dice.choice(["SENT", "SENT", "BOUNCED"]),
                    "hs_note_body": dice.choice(["<p>Hello &amp; good day</p>", "", None]),
                    "turnout_id": dice.choice([None, "t1"]),
                },
                "associations": {"contacts": dice.sample(known, dice.randint(0, 3)), "deals": ["7"]},
            },
        )

    def webinar(self, webinar: int | None = None) -> None:
        dice = self.dice
        webinar = webinar or dice.choice(self.webinars)
        dates = []
        if webinar % 2:
            dates = [
                {
                    "occurrence_id": f"{webinar}0{n}",
                    "start_time": (START + timedelta(days=dice.choice([3, 9, 20, 40]), hours=n)).isoformat(),
                    "duration": 60,
                    "status": dice.choice(["available", "available", "deleted"]),
                }
                for n in range(dice.randint(1, 3))
            ]
        self.tell(
            "zoom/webinars",
            str(webinar),
            {
                "topic": dice.choice(["One", "Two"]),
                "type": 9 if dates else 5,
                "host_id": f"h{webinar % 3}",
                "host_email": dice.choice(["", self.people[0], "host@example.org"]),
                "start_time": (START + timedelta(days=dice.choice([3, 9, 20]))).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "duration": 60,
                "created_at": self.moment().isoformat(),
                "join_url": f"https://zoom.example/{webinar}/{dice.randint(1, 2)}",
                "settings": {"approval_type": 0, "registration_type": dice.choice([1, 1, 2])},
                "occurrences": dates,
            },
            dice.choice([START - timedelta(days=400), None]),
        )

    def instance(self, uuid: str | None = None) -> None:
        dice = self.dice
        uuid = uuid or dice.choice(list(self.sessions))
        start = START + timedelta(days=dice.choice([3, 9, 20, -360]), minutes=dice.choice([-30, 0, 5]))
        self.tell(
            dice.choice(["zoom/instances", "zoom/instances", "zoom/session_reports"]),
            uuid,
            {
                "topic": "Ran",
                "host_email": "host@example.org",
                "start_time": start.isoformat(),
                "end_time": (start + timedelta(minutes=dice.choice([0, 25, 60]))).isoformat(),
                "origin": dice.choice(["", "", "", "report"]),
            },
            start + timedelta(hours=dice.choice([1, 30])),
            str(self.sessions[uuid]),
        )

    def registrant(self) -> None:
        dice = self.dice
        webinar, who = dice.choice(self.webinars), dice.randint(0, 5)
        self.tell(
            "zoom/registrants",
            f"{webinar}|r{self.company}.{who}",
            {
                "email": dice.choice([self.people[who], self.people[who], self.address()]),
                "first_name": "Ada",
                "last_name": "L",
                "status": dice.choice(["approved", "approved", "pending", "denied", "cancelled"]),
                "create_time": self.moment(0.3).isoformat(),
            },
            scope=str(webinar),
        )

    def participant(self) -> None:
        dice = self.dice
        uuid = dice.choice(list(self.sessions))
        joined = START + timedelta(days=dice.choice([3, 9, 20, -360]), minutes=dice.choice([-5, 0, 10, 20]))
        self.tell(
            "zoom/participants",
            f"{uuid}|{dice.randint(0, 3)}",
            {
                "id": dice.choice(["", "", "h1"]),
                "name": dice.choice(["Ada L", ""]),
                "user_email": self.address(),
                "join_time": joined.isoformat(),
                "leave_time": dice.choice([(joined + timedelta(minutes=dice.choice([0, 7, 30]))).isoformat(), None]),
                "registrant_id": dice.choice(["", f"r{self.company}.{dice.randint(0, 5)}"]),
                "status": dice.choice(["in_meeting"] * 5 + ["in_waiting_room"]),
                "role": dice.choice(["", "", "", "panelist"]),
            },
            scope=uuid,
        )

    def panelist(self) -> None:
        webinar, who = self.dice.choice(self.webinars), self.dice.choice(self.people)
        self.tell("zoom/panelists", f"{webinar}|{who}", {"email": who}, scope=str(webinar))

    def chosen(self) -> None:
        webinar = self.dice.choice(self.webinars)
        date, who = f"{webinar}0{self.dice.randint(0, 2)}", f"r{self.company}.{self.dice.randint(0, 5)}"
        self.tell("zoom/registrations_by_occurrence", f"{webinar}|{date}|{who}", {}, scope=f"{webinar}|{date}")

    def user(self) -> None:
        stream = self.dice.choice(["users", "owners"])
        body = {"email": self.address(), "type": "PERSON", "archived": self.dice.random() < 0.3}
        self.tell(f"hubspot/{stream}", f"u{self.company}.{self.dice.randint(0, 1)}", body)

    def recording(self) -> None:
        dice, uuid = self.dice, self.dice.choice(list(self.sessions))
        kinds = dice.choice([[], ["MP4"], ["MP4", "TRANSCRIPT"]])
        files = [{"file_type": kind, "status": dice.choice(["completed", "completed", "processing"])} for kind in kinds]
        body: Row = {"share_url": "https://zoom.example/rec", "recording_files": files}
        if dice.random() < 0.2:
            body["deleted_time"] = "2026-11-20T12:00:00Z"
        self.tell("zoom/recordings", uuid, body)

    def transcript(self) -> None:
        uuid, name = self.dice.choice(list(self.sessions)), self.dice.choice(["one", "two"])
        text = f"WEBVTT\n\n00:01.000 --> 00:02.000\n{name} said <b>so</b>"
        begun = self.moment().isoformat()
        self.tell("zoom/transcripts", f"{uuid}|{name}", {"start": begun, "text": text}, scope=uuid)

    def meeting(self) -> None:
        dice = self.dice
        start = self.moment()
        body = {
            "topic": dice.choice(["Review", "Standup"]),
            "host_email": dice.choice(["host@example.org", self.people[0]]),
            "start_time": start.isoformat(),
            "end_time": (start + timedelta(hours=dice.choice([0, 1, 24]))).isoformat(),
            "create_time": self.moment().isoformat(),
            "feature_used": {"recording_to_cloud": dice.random() < 0.5},
        }
        number = dice.randint(0, 2)
        self.tell("zoom/meetings", f"m{self.company}.{number}==", body, at=start, scope=f"{self.company}77{number}")

    def guest(self) -> None:
        dice, uuid, start = self.dice, f"m{self.company}.{self.dice.randint(0, 2)}==", self.moment()
        left = None if dice.random() < 0.2 else (start + timedelta(minutes=dice.randint(-5, 90))).isoformat()
        status = dice.choice(["in_meeting", "in_meeting", "in_waiting_room"])
        body = {"name": "G", "user_email": self.address(), "join_time": start.isoformat(), "status": status}
        key = f"{uuid}|{dice.randint(0, 3)}"
        self.tell("zoom/meeting_participants", key, body | {"leave_time": left}, at=start, scope=uuid)

    def host(self) -> None:
        name = self.dice.choice(["Grace", "Hopper"])
        email = self.dice.choice(["host@example.org", self.people[1]])
        self.tell("zoom/users", f"h{self.dice.randint(0, 2)}", {"email": email, "first_name": name, "last_name": "H"})

    def outcome(self) -> None:
        dice = self.dice
        kind = dice.choice(["contact", "contact", "attendance"])
        key = str(dice.choice(self.contacts))
        fields: Row = {"turnout_webinars_attended": dice.choice(["1", "2", None])}
        if kind == "attendance":
            webinar = dice.choice(self.webinars)
            key = f"{webinar}{dice.choice(['', f'-{webinar}00'])}|{key}|{dice.choice(['register', 'cancel'])}"
            fields = {"interactionDateTime": str(int(self.moment().timestamp() * 1000))}
        self.tell(
            "turnout/outcomes",
            f"o{self.company}.{len(self.events)}",
            {
                "destination": "hubspot",
                "object": kind,
                "operation": dice.choice(["create", "update"]),
                "key": key,
                "planned_key": key,
                "vendor_id": key.split("|")[0] if kind == "contact" else None,
                "email": dice.choice(self.people),
                "status": dice.choice(["published", "published", "rejected"]),
                "fields": fields,
            },
        )
        self.events[-1][1]["kind"] = "seen"

    def report(self) -> None:
        dice, uuid = self.dice, self.dice.choice(list(self.sessions))
        refused = dice.choice([None, None, "too old", "not found"])
        body = {"is_settled": dice.random() < 0.6, "rows": dice.choice([0, 3]), "refused": refused}
        self.tell("zoom/report_reads", uuid, body)


def settings(dice: random.Random, at: datetime, number: int) -> Row:
    """Return an event of settings that say something else than those before."""
    people = ["p0.1@x.example", "p1.1@y.example"]
    told = {
        "sync": {
            "webinars": dice.random() < 0.9,
            "new_webinars": dice.random() < 0.8,
            "recordings": dice.choice(["none", "all"]),
            "users": [],
            "by_webinar": [{"webinar_id": 101, "is_on": dice.random() < 0.5}],
        },
        "meetings": {
            "sync": dice.random() < 0.8,
            "new_meetings": dice.random() < 0.8,
            "cloud_recorded_only": dice.random() < 0.2,
            "users": [{"email": "host@example.org", "is_on": dice.random() < 0.5}],
            "single": [{"meeting_id": 1770, "is_on": dice.random() < 0.5}],
        },
        "exclusions": {
            "host_domains": [],
            "recording_domains": [],
            "contacts": dice.choice([[], ["*.y.example"], people]),
        },
        "attendance": {"count_panelists": dice.random() < 0.3},
        "identity": {"secondary_emails": dice.choice(["ignore", "attribute"])},
        "activities": dice.choice(
            [
                {},
                {"bots": "include", "call_made": {"sync": False, "task_type": "Call"}},
                {
                    "since": "2026-02-10T00:00:00Z",
                    "time_zone": "Pacific/Kiritimati",
                    "note_created": {"task_type": "x"},
                },
            ]
        ),
        "salesforce": dice.choice([{}, {}, {"activities_since": "2026-02-20T00:00:00Z"}]),
        "number": number,
    }
    text = orjson.dumps(told).decode()
    return {
        "event_id": md5(text.encode()).digest(),
        "account": "turnout",
        "scope": "",
        "key": "settings",
        "kind": "seen",
        "occurred_at": at,
        "observed_at": at,
        "batch": "made",
        "digest": b"",
        "payload": text,
    }
