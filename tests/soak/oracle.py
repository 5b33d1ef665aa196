"""What the CRM should hold: the rules read a second time, in plain and slow Python, from the world alone.

`look` is shown the world right before each run, as it stands; what came and went between two looks is not known, as it
cannot be known to anybody who reads hour by hour. `expect` says what the CRM should hold after the run, `settle` takes
note of what it then holds. Nothing of the product is imported here.

What the vendors tell late is `blurred` for a day: an email event of hours ago, a contact that came back from the
recycle bin untouched or was erased without a trace. Nothing is expected of these people until then.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

Record = dict[str, Any]
VALID = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]*\.[^@\s\x00-\x1f\x7f]*")
ZERO = timedelta(0)
BLURRED = timedelta(hours=26)
COUNTS = (
    "webinars_registered",
    "webinars_attended",
    "occurrences_attended",
    "webinars_attended_30d",
    "webinars_attended_1y",
    "emails_opened_30d",
    "emails_opened_1y",
    "emails_clicked_30d",
    "emails_clicked_1y",
    "forms_submitted_30d",
    "forms_submitted_1y",
)


def norm(address: Any) -> str:
    return str(address or "").strip(" \t\n\r\xa0").lower()


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def excluded(address: str, entries: Iterable[str]) -> bool:
    """HZ-04: an address, a domain, or `*.domain` for its subdomains."""
    domain = address.rpartition("@")[2]
    for entry in map(norm, entries):
        if "@" in entry:
            hit = address == entry
        elif entry.startswith("*."):
            hit = domain.endswith(entry[1:])
        else:
            hit = domain == entry
        if hit:
            return True
    return False


def union(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """How long the spans are together, what overlaps counted once."""
    total, reached = ZERO, None
    for start, end in sorted(spans):
        begin = start if reached is None else max(start, reached)
        total += max(end - begin, ZERO)
        reached = end if reached is None else max(reached, end)
    return total


@dataclass
class Registrant:
    """One registration, as far as it was seen."""

    email: str
    first_name: str
    created: datetime
    status: str
    has_stood: bool = False
    left: datetime | None = None
    occurrences: set[str] = field(default_factory=set)


@dataclass
class Webinar:
    """A webinar, as last seen."""

    told: Record
    gone_at: datetime | None = None
    dates: dict[str, Record] = field(default_factory=dict)
    panel: set[str] = field(default_factory=set)


@dataclass
class Part:
    """A person's part in one date of a webinar."""

    state: str
    first: datetime | None = None
    joined: datetime | None = None
    share: Fraction | None = None


@dataclass
class Sum:
    """What a person's webinars add up to."""

    registered: dict[int, tuple[datetime, datetime, str]] = field(default_factory=dict)
    attended: list[tuple[int, datetime, Fraction]] = field(default_factory=list)


class Oracle:
    """Remembers what was seen, and what the CRM should hold."""

    def __init__(self) -> None:
        self.at = datetime.min.replace(tzinfo=UTC)
        self.settings: Record = {}
        self.settings_seen: list[tuple[datetime, Record]] = []
        self.webinars: dict[int, Webinar] = {}
        self.registrants: dict[tuple[int, str], Registrant] = {}
        self.sessions: dict[int, list[Record]] = {}
        self.portal: Record = {}
        self.erased: dict[str, str] = {}
        self.known: dict[str, Record] = {}
        self.blurred: dict[str, datetime] = {}
        self.written: set[str] = set()
        self.events: dict[str, Record] = {}
        self.parts: dict[tuple[str, str], str] = {}
        self.tainted: set[tuple[str, str]] = set()
        self.vague: set[tuple[str, str]] = set()

    # ---- seeing

    def blur(self, *addresses: str, at: datetime) -> None:
        """Expect nothing of these people for a day."""
        for address in addresses:
            self.blurred[norm(address)] = at + BLURRED

    def look(self, world: Record, settings: Record) -> None:
        """See the world as it stands right before a run."""
        self.at = at = when(world["now"])
        if not self.settings_seen or self.settings != settings:
            self.settings_seen.append((at, settings))
        self.settings = settings
        self._look_at_zoom(world["zoom"][0], at)
        self.portal = world["hubspot"][0]
        self._look_at_contacts(self.portal["contacts"])

    def _look_at_zoom(self, account: Record, at: datetime) -> None:
        self.sessions = {}
        for told in account["webinars"]:
            number = told["id"]
            ended = [run for run in told["instances"] if when(run["end_time"]) <= at]
            known = self.webinars.get(number)
            if told.get("deleted"):
                if known is not None and known.gone_at is None:
                    known.gone_at = at
            else:
                known = self.webinars.setdefault(number, Webinar(told))
                known.told = told
                for date in told.get("occurrences", ()):
                    known.dates[date["occurrence_id"]] = date
                known.panel = {norm(one["email"]) for one in told["panelists"]}
                if told["settings"]["approval_type"] != 2:
                    self._look_at_registrants(told, at)
            if known is not None and ended:
                self.sessions[number] = ended

    def _look_at_registrants(self, told: Record, at: datetime) -> None:
        listed = {one["id"]: one for one in told["registrants"] if when(one["create_time"]) < at}
        for name, one in listed.items():
            key, status = (told["id"], name), one["status"]
            known = self.registrants.get(key)
            if known is None:
                created = when(one["create_time"])
                known = Registrant(norm(one["email"]), one["first_name"], created, status)
                known.left = created if status == "denied" else None
                self.registrants[key] = known
            elif status != known.status:
                known.left = at if status == "denied" else None
                known.status = status
            known.has_stood |= status != "denied"
            chosen = {choice["occurrence_id"] for choice in one.get("occurrences", ())}
            open_dates = {d["occurrence_id"] for d in told.get("occurrences", ()) if d["status"] != "deleted"}
            known.occurrences |= (chosen if "occurrences" in one else open_dates) & open_dates
        for (number, name), known in self.registrants.items():
            if number == told["id"] and name not in listed and known.status != "gone":
                known.status, known.left = "gone", at

    def _look_at_contacts(self, contacts: list[Record]) -> None:
        now = {one["id"]: one for one in contacts}
        merged = {old for one in contacts for old in (one["properties"].get("hs_merged_object_ids") or "").split(";")}
        for name, one in self.known.items():
            if name not in now and name not in merged:
                self.erased[name] = norm(one["properties"].get("email"))
        for one in contacts:
            for old in (one["properties"].get("hs_merged_object_ids") or "").split(";"):
                if old in self.known:
                    self._merged(old, one["id"])
        self.known = now

    def _merged(self, old: str, new: str) -> None:
        """What was told of the one that is gone is told of the one that remains, by HubSpot itself."""
        for (event, contact), state in list(self.parts.items()):
            if contact == old:
                self.tainted.add((event, new))
                self.parts.setdefault((event, new), state)

    # ---- webinars

    def out_of_scope(self, webinar: Webinar) -> bool:
        """HZ-02, HZ-04, HZ-09."""
        told, settings = webinar.told, self.settings
        if not settings.get("sync", True):
            return True
        is_on = settings.get("webinars", {}).get(told["id"])
        if is_on is None:
            created = when(told["created_at"])
            seen = [one for at, one in self.settings_seen if at <= created]
            then = seen[-1] if seen else {}
            users = {norm(name): value for name, value in then.get("users", {}).items()}
            is_on = users.get(norm(told["host_email"]), then.get("new_webinars", True)) if seen else True
        if not is_on or told.get("zoom_events"):
            return True
        return excluded(norm(told["host_email"]), settings.get("host_domains", ()))

    def dates_of(self, webinar: Webinar) -> dict[str, Record]:
        """Occurrence id to start, end, and whether it was cancelled; "" for the one date of a single webinar."""
        told, found = webinar.told, {}
        for name, date in (webinar.dates or {"": told}).items():
            start = when(date["start_time"])
            is_cancelled = date.get("status") == "deleted" or (webinar.gone_at is not None and start > webinar.gone_at)
            end = start + timedelta(minutes=date["duration"])
            found[name] = {"start": start, "end": end, "is_cancelled": is_cancelled}
        return found

    def happened(self, webinar: Webinar) -> dict[str, Record]:
        """Each date with its sessions, actual times, and what became of it (HZ-20, HZ-24)."""
        dates = self.dates_of(webinar)
        for date in dates.values():
            date["runs"] = []
        for run in self.sessions.get(webinar.told["id"], ()):
            start, end = when(run["start_time"]), when(run["end_time"])
            name = min(dates, key=lambda one: (abs(start - dates[one]["start"]), dates[one]["start"], one))
            if end > dates[name]["start"] and end > start:
                dates[name]["runs"].append((start, end, run))
        for date in dates.values():
            runs = date["runs"]
            date["actual"] = union((start, end) for start, end, _ in runs)
            if runs:
                date["began"], date["ended"] = min(run[0] for run in runs), max(run[1] for run in runs)
            date["status"] = (
                "ended"
                if runs
                else "cancelled"
                if date["is_cancelled"]
                else "never_started"
                if date["end"] < self.at
                else "scheduled"
            )
        return dates

    def attendance(self, webinar: Webinar, date: Record) -> dict[str, Part]:
        """HZ-20: who was there, from when, and for which share of it."""
        spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        host = norm(webinar.told["host_email"])
        off_stage = self.settings.get("count_panelists", False)
        for start, end, run in date["runs"]:
            is_early = self.at < end + timedelta(minutes=30)
            for row in run["participants"]:
                own = norm(row["user_email"])
                registrant = self.registrants.get((webinar.told["id"], row.get("registrant_id") or ""))
                identity = registrant.email if registrant else own
                if row["status"] == "in_waiting_room" or row["id"] == webinar.told["host_id"]:
                    continue
                if host in (own, identity) or (not off_stage and webinar.panel & {own, identity}):
                    continue
                if not identity or self.reason(identity):
                    continue
                joined = max(when(row["join_time"]), start)
                left = when(row["leave_time"]) if row.get("leave_time") and not is_early else end
                if min(left, end) > joined:
                    spans[self.person(identity)].append((joined, min(left, end)))
        return {
            person: Part("attended", None, min(some)[0], Fraction(union(some) // us, date["actual"] // us))
            for person, some in spans.items()
        }

    # ---- people

    def owner(self, address: str) -> Record | None:
        """The live contact that has this address; a primary one goes before."""
        return self.owners.get(address)

    def reason(self, address: str) -> str:
        """Why what this address does in Zoom is not synced (HZ-04 to HZ-07, HZ-10)."""
        if not VALID.fullmatch(address):
            return "email_invalid"
        if address in self.crm_users:
            return "email_of_crm_user"
        if excluded(address, self.settings.get("contacts", ())):
            return "email_excluded"
        owner = self.owner(address)
        if owner is not None:
            is_primary = norm(owner["properties"].get("email")) == address
            return "" if is_primary or self.settings.get("attribute") else "email_secondary"
        return "contact_deleted" if address in self.deleted else ""

    def person(self, address: str) -> str:
        """The address under which somebody is counted."""
        owner = self.owner(address)
        return (norm(owner["properties"].get("email")) or address) if owner else address

    def _people(self) -> None:
        contacts, portal = self.portal["contacts"], self.portal
        self.live = {one["id"]: one for one in contacts if not one["archived"]}
        self.owners: dict[str, Record] = {}
        for one in sorted(self.live.values(), key=lambda one: int(one["id"])):
            for address in (one["properties"].get("hs_additional_emails") or "").split(";"):
                if address.strip():
                    self.owners.setdefault(norm(address), one)
        for one in sorted(self.live.values(), key=lambda one: -int(one["id"])):
            self.owners[norm(one["properties"].get("email"))] = one
        self.owners.pop("", None)
        self.deleted = {norm(one["properties"].get("email")) for one in contacts if one["archived"]}
        self.deleted |= set(self.erased.values())
        self.crm_users = {norm(one["email"]) for one in portal["users"]}
        self.crm_users |= {
            norm(one["email"]) for one in portal["owners"] if one["type"] == "PERSON" and not one["archived"]
        }

    # ---- what should be

    def expect(self) -> Record:
        """Say what the CRM should hold after a run that reads the world as it was seen last.

        Returns:
            `contacts`: id to properties (None: as they were); `new`: address to what a new contact says;
            `events`: external id to what the marketing event says; `states`: (event, id or address) to state.
        """
        self._people()
        sums: dict[str, Sum] = defaultdict(Sum)
        events: dict[str, Record] = {}
        parts: dict[tuple[str, str], Part] = {}
        self.topics = {}
        for number, webinar in self.webinars.items():
            is_out = self.out_of_scope(webinar)
            self.topics[number] = webinar.told["topic"]
            registered = self._registrations(number)
            if not is_out:
                for person, one in registered.items():
                    sums[person].registered[number] = (one["first"], one["last"], one["first_name"])
            for name, date in self.happened(webinar).items():
                if is_out:
                    continue
                event = f"{number}-{name}" if name else str(number)
                events[event] = self._event(webinar, date)
                for person, part in self._parts(webinar, name, date, registered).items():
                    parts[event, person] = part
                    if part.state == "attended":
                        assert part.joined is not None
                        assert part.share is not None
                        sums[person].attended.append((number, part.joined, part.share))
        contacts = {name: self._contact(one, sums) for name, one in self.live.items()}
        new = {
            person: self._newcomer(person, one)
            for person, one in sums.items()
            if self.owner(person) is None and (one.registered or one.attended)
        }
        self._note_events(events)
        return {"contacts": contacts, "new": new, "events": self.events, "states": self._states(parts)}

    def _registrations(self, number: int) -> dict[str, Record]:
        """HZ-22: person to first and last registration, and since when none stands."""
        found: dict[str, list[Registrant]] = defaultdict(list)
        for (which, _), one in self.registrants.items():
            if which == number and one.has_stood and not self.reason(one.email):
                found[self.person(one.email)].append(one)
        told: dict[str, Record] = {}
        for person, some in found.items():
            latest = max(some, key=lambda one: one.created)
            stands = any(one.status in ("approved", "pending") for one in some)
            told[person] = {
                "first": min(one.created for one in some),
                "last": latest.created,
                "first_name": latest.first_name,
                "left": None if stands else max(one.left for one in some if one.left is not None),
            }
        return told

    def _parts(self, webinar: Webinar, name: str, date: Record, registered: dict[str, Record]) -> dict[str, Part]:
        """HZ-24: each person's state in one date."""
        parts = self.attendance(webinar, date) if date["status"] == "ended" else {}
        chosen = {
            self.person(one.email)
            for (number, _), one in self.registrants.items()
            if number == webinar.told["id"] and name in one.occurrences and one.has_stood and not self.reason(one.email)
        }
        by_date = name and webinar.told["settings"].get("registration_type", 1) != 1
        for person, one in registered.items():
            over = date["ended"] if date["status"] == "ended" else date["end"]
            if (by_date and person not in chosen) or (
                date["status"] in ("ended", "never_started") and one["first"] >= over
            ):
                continue
            if person in parts:
                parts[person].first = one["first"]
            elif one["left"] and (not name or date["status"] != "ended" or one["left"] < date["ended"]):
                parts[person] = Part("cancelled", one["first"])
            else:
                parts[person] = Part("no_show" if date["status"] == "ended" else "registered", one["first"])
        return parts

    def _event(self, webinar: Webinar, date: Record) -> Record:
        return {
            "eventName": webinar.told["topic"],
            "startDateTime": date.get("began", date["start"]),
            "endDateTime": date.get("ended", date["end"]),
            "eventUrl": webinar.told["join_url"],
            "eventCancelled": date["status"] == "cancelled",
            "eventCompleted": date["status"] == "ended",
        }

    def _note_events(self, events: dict[str, Record]) -> None:
        """An event that goes out of scope stays as it was told; one that was over stays so."""
        for name, event in events.items():
            if self.events.get(name, {}).get("eventCompleted"):
                event = {**event, "eventCompleted": True}
            self.events[name] = event

    def _contact(self, contact: Record, sums: dict[str, Sum]) -> Record | None:
        """HZ-21 to HZ-23, HZ-27: what a contact's own properties should say; None: they are left as they are."""
        held = contact["properties"]
        primary = norm(held.get("email"))
        if excluded(primary, self.settings.get("contacts", ())):
            return None
        others = [norm(one) for one in (held.get("hs_additional_emails") or "").split(";") if one.strip()]
        mine = {one for one in (primary, *others) if one and self.owner(one) is contact}
        crm = self._crm_counts(mine)
        one = sums.get(primary, Sum()) if primary else Sum()
        had = contact["id"] in self.written or any(name.startswith("turnout_") and held[name] for name in held)
        if not (had or crm["moments"] or one.registered or one.attended):
            return None
        return self._worded(one, crm)

    def _worded(self, one: Sum, crm: Record) -> Record:
        midnight = self.at.replace(hour=0, minute=0, second=0, microsecond=0)
        month, year = midnight - timedelta(days=30), year_before(midnight)
        shares = [share for _, _, share in one.attended]
        last = max(((last, number) for number, (_, last, _) in one.registered.items()), default=None)
        moments = [*crm["moments"], *(joined for _, joined, _ in one.attended), *([last[0]] if last else [])]
        counts = {
            "webinars_registered": len(one.registered),
            "webinars_attended": len({number for number, _, _ in one.attended}),
            "occurrences_attended": len(one.attended),
            "webinars_attended_30d": len({number for number, joined, _ in one.attended if joined >= month}),
            "webinars_attended_1y": len({number for number, joined, _ in one.attended if joined >= year}),
        }
        for kind in ("emails_opened", "emails_clicked", "forms_submitted"):
            for span, since in (("30d", month), ("1y", year)):
                counts[f"{kind}_{span}"] = len({name for name, moment in crm[kind] if moment >= since})
        mean = sum(shares, Fraction(0)) / len(shares) * 100 if shares else None
        told: Record = {f"turnout_{name}": Fraction(value) for name, value in counts.items()}
        told["turnout_avg_attendance_pct"] = None if mean is None else Fraction((mean * 200 + 1) // 2, 100)
        told["turnout_last_registration_url"] = self.webinars[last[1]].told["join_url"] if last else None
        told["turnout_last_registration_at"] = last[0] if last else None
        told["turnout_last_activity_at"] = max(moments, default=None)
        told["turnout_last_registered_webinar_url"] = None
        return told

    def _crm_counts(self, mine: set[str]) -> Record:
        """Emails and forms under any of somebody's addresses, bots left out."""
        found: Record = {"emails_opened": set(), "emails_clicked": set(), "forms_submitted": set(), "moments": []}
        for event in self.portal["email_events"]:
            moment = from_ms(event["created"])
            kind = {"OPEN": "emails_opened", "CLICK": "emails_clicked"}.get(event["type"])
            if kind and norm(event["recipient"]) in mine and not event["filteredEvent"] and moment < self.at:
                found[kind].add((event["emailCampaignId"], moment))
                found["moments"].append(moment)
        for form in self.portal["forms"]:
            for sent in form["submissions"]:
                address = next((norm(one["value"]) for one in sent["values"] if one["name"] == "email"), "")
                moment = from_ms(sent["submittedAt"])
                if address in mine and moment < self.at:
                    found["forms_submitted"].add((sent["conversionId"], moment))
                    found["moments"].append(moment)
        return found

    def _newcomer(self, person: str, one: Sum) -> Record:
        """HZ-11: what a contact says that the pipeline makes."""
        moments = [(first, number) for number, (first, _, _) in one.registered.items()]
        first = min(moments, default=None)
        came = min(((joined, number) for number, joined, _ in one.attended), default=None)
        number = came[1] if came and (first is None or came[0] < first[0]) else (first or (None, 0))[1]
        latest = max(((last, number, name) for number, (_, last, name) in one.registered.items()), default=None)
        return {
            **self._worded(one, self._crm_counts({person})),
            "turnout_source": f"Zoom: {self.topics[number]}",
            **({"firstname": latest[2]} if latest else {}),
        }

    def _states(self, parts: dict[tuple[str, str], Part]) -> dict[tuple[str, str], str]:
        """What HubSpot should answer: what it was told once stays where nothing more may be told of somebody."""
        told: dict[tuple[str, str], str] = {key: state for key, state in self.parts.items() if key[1] in self.live}
        for (event, person), part in parts.items():
            owner = self.owner(person)
            name = owner["id"] if owner else person
            if owner and excluded(norm(owner["properties"].get("email")), self.settings.get("contacts", ())):
                continue
            if self.parts.get((event, name)) == "attended" and part.state != "attended":
                self.tainted.add((event, name))  # HubSpot takes no attendance back
            told[event, name] = part.state
            (self.vague.add if self.blurred.get(person, self.at) > self.at else self.vague.discard)((event, name))
        self.parts |= {key: state for key, state in told.items() if key[1] in self.live}
        self.fresh_parts = {key: state for key, state in told.items() if key[1] not in self.live}
        return {key: self._shown(key[0], state) for key, state in told.items()}

    def _shown(self, event: str, state: str) -> str:
        if state in ("registered", "no_show"):
            return "NO_SHOW" if self.events.get(event, {}).get("eventCompleted") else "REGISTERED"
        return state.upper()

    def settle(self, expected: Record, created: dict[str, str]) -> None:
        """Take note of the ids that new contacts got."""
        self.written |= {name for name, told in expected["contacts"].items() if told is not None}
        self.written |= set(created.values())
        self.known |= {name: {"id": name, "properties": {"email": address}} for address, name in created.items()}
        for (event, person), state in self.fresh_parts.items():
            if person in created:
                self.parts[event, created[person]] = state


us = timedelta(microseconds=1)


def from_ms(milliseconds: int) -> datetime:
    return when("1970-01-01T00:00:00+00:00") + timedelta(milliseconds=milliseconds)


def year_before(day: datetime) -> datetime:
    """One calendar year before; 29 February goes back to the 28th."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
