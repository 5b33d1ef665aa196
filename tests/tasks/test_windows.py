"""HS-03 to HS-05 at their exact edges, and the day of a Task in the org's time zone.

HubSpot tells histories and the times of calls and emails as text, which can hold microseconds; forms and events of
marketing emails, and what is dated by its creation, in milliseconds; Zoom in seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.company import Company
from tests.tasks.oracle import held
from tests.tasks.worlds import engagement, iso, ms, stamp, to_ms, us
from tests.worlds import NOW, contact, later, registrant, webinar, world, z

Make = Callable[..., Company]
Record = dict[str, Any]
STEPS = (-1, 0, 1)
LONG_AGO = "2020-01-01T00:00:00.000Z"
EDGES = {  # sync time: 30 days and one calendar year before it
    "2024-02-29T00:00:00.000Z": ("2024-01-30T00:00:00.000Z", "2023-02-28T00:00:00.000Z"),
    "2024-02-29T23:59:59.999Z": ("2024-01-30T23:59:59.999Z", "2023-02-28T23:59:59.999Z"),
    "2024-03-01T00:00:00.000Z": ("2024-01-31T00:00:00.000Z", "2023-03-01T00:00:00.000Z"),
    "2025-02-28T12:00:00.001Z": ("2025-01-29T12:00:00.001Z", "2024-02-28T12:00:00.001Z"),
    "2024-12-31T23:59:59.999Z": ("2024-12-01T23:59:59.999Z", "2023-12-31T23:59:59.999Z"),
    "2025-03-30T01:30:00.000Z": ("2025-02-28T01:30:00.000Z", "2024-03-30T01:30:00.000Z"),
    "2025-11-02T09:30:00.000Z": ("2025-10-03T09:30:00.000Z", "2024-11-02T09:30:00.000Z"),
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def record(number: int, address: str, created: str = LONG_AGO) -> Record:
    return {"Id": f"003{number}", "LastName": "L", "Email": address, "CreatedDate": stamp(at(created))}


def org(*contacts: Record, zone: str = "UTC") -> list[Record]:
    return [{"time_zone": zone, "Contact": list(contacts)}]


def around(edge: datetime, step: timedelta) -> list[datetime]:
    return [edge + by * step for by in STEPS]


def told(one: Company) -> Counter[tuple[str, datetime]]:
    """The Tasks that are there: their type, and their instant as the product's tables have it."""
    rows = one.rows(
        "select int_activities.activity_type, occurred_at from int_activities"
        " join int_activity_people using (activity_key) join verdicts on object_key = task_key"
        " where destination = 'salesforce' and verdict in ('published', 'unchanged')"
    )
    assert len(rows) == held(one.sandbox.world()).total()
    return Counter((row[0], row[1].astimezone(UTC)) for row in rows)


class Pile:
    """Activities of one contact, and which of them become Tasks."""

    def __init__(self, number: int) -> None:
        self.name, self.address, self.count = str(number), f"p{number}@x.example", 0
        self.work: dict[str, list[Record]] = {kind: [] for kind in ("calls", "emails", "meetings", "notes", "tasks")}
        self.mail: list[Record] = []
        self.sent_in: list[Record] = []
        self.history: dict[str, list[Record]] = {}
        self.inside: Counter[tuple[str, datetime]] = Counter()

    def _next(self) -> str:
        self.count += 1
        return f"{self.name}{self.count:03d}"

    def _note(self, type_: str, moments: list[datetime]) -> None:
        self.inside.update((type_, moment) for moment in moments[1:])  # all but the one before the edge

    def sales(self, edge: datetime) -> None:
        """All types whose window opens at the sync time."""
        fine, coarse = around(edge, us), around(edge, ms)
        for kind, type_ in (("calls", "call_made"), ("emails", "sales_email_sent")):
            self.work[kind] += [engagement(self._next(), at(NOW) - ms, [self.name], moment) for moment in fine]
            self._note(type_, fine)
        for kind, type_ in (("meetings", "meeting_scheduled"), ("notes", "note_created"), ("tasks", "task_created")):
            self.work[kind] += [engagement(self._next(), moment, [self.name], edge + 9 * ms) for moment in coarse]
            self._note(type_, coarse)
        for name, type_ in (
            ("hs_sales_email_last_opened", "sales_email_opened"),
            ("hs_sales_email_last_clicked", "sales_email_clicked"),
            ("hs_document_last_revisited", "sales_content_viewed"),
        ):
            self.history[name] = [{"value": iso(moment), "timestamp": iso(moment + ms)} for moment in fine]
            self._note(type_, fine)

    def marketing(self, edge: datetime) -> None:
        """The three events of marketing emails."""
        for kind, type_ in (
            ("SENT", "marketing_email_sent"),
            ("OPEN", "marketing_email_opened"),
            ("CLICK", "marketing_email_clicked"),
        ):
            for moment in around(edge, ms):
                event = {"id": self._next(), "type": kind, "recipient": self.address, "emailCampaignId": 1}
                self.mail.append({**event, "created": to_ms(moment)})
            self._note(type_, around(edge, ms))

    def forms(self, edge: datetime) -> None:
        """Form submissions."""
        values = [{"name": "email", "value": self.address, "objectTypeId": "0-1"}]
        for moment in around(edge, ms):
            self.sent_in.append({"conversionId": self._next(), "submittedAt": to_ms(moment), "values": values})
        self._note("form_submission", around(edge, ms))


@pytest.mark.rule("HS-03", "HS-04", "HS-05")
@pytest.mark.parametrize("later_one", ["hubspot", "salesforce"])
def test_each_window_opens_to_the_microsecond(company: Make, later_one: str) -> None:
    piles, contacts, records = [], [], []
    for number, (sync, (month, year)) in enumerate(EDGES.items(), 1):
        if later_one == "salesforce" and not sync.endswith(".000Z"):
            continue  # Salesforce tells whole seconds
        pile = Pile(number)
        pile.sales(at(sync))
        pile.marketing(at(month))
        pile.forms(at(year))
        ours, theirs = (sync, LONG_AGO) if later_one == "hubspot" else (LONG_AGO, sync)
        contacts.append(contact(number, pile.address, createdAt=ours, propertiesWithHistory=pile.history))
        records.append(record(number, pile.address, theirs))
        piles.append(pile)
    work: dict[str, Any] = {kind: [one for pile in piles for one in pile.work[kind]] for kind in piles[0].work}
    told_world = world(
        contacts=contacts,
        **work,
        email_events=[one for pile in piles for one in pile.mail],
        forms=[{"id": "f1", "submissions": [one for pile in piles for one in pile.sent_in]}],
    )
    told_world["salesforce"] = org(*records)
    one = company(told_world)
    one.run()
    inside: Counter[tuple[str, datetime]] = sum((pile.inside for pile in piles), Counter())
    assert told(one) == inside
    assert inside.total() == len(piles) * 12 * 2
    assert one.rows(
        "select reason, count(*) from verdicts where destination = 'salesforce' and reason <> '' group by 1"
    ) == [("outside_window", len(piles) * 12)]


@pytest.mark.rule("HS-03")
def test_webinars_count_from_the_second_of_the_sync_time(company: Make) -> None:
    sync = at("2026-11-01T09:00:00.000Z")
    webinars = [
        webinar(70 + by, registrants=[registrant("p1@x.example", create_time=z(sync + timedelta(seconds=by)))])
        for by in STEPS
    ]
    made = world(*webinars, contacts=[contact(1, "p1@x.example", createdAt=iso(sync))])
    one = company(made | {"salesforce": org(record(1, "p1@x.example"))})
    one.run()
    assert told(one) == {("integration_event", sync + timedelta(seconds=by)): 1 for by in (0, 1)}


def calls(*moments: datetime) -> list[Record]:
    return [engagement(f"9{at_:03d}", at(NOW) - ms, ["1"], moment) for at_, moment in enumerate(moments)]


@pytest.mark.rule("HS-01", "HS-02")
def test_what_has_its_time_after_the_last_reading_waits_for_it(company: Make) -> None:
    now = at(NOW)
    made = world(contacts=[contact(1, "p1@x.example")], calls=calls(*around(now, us), now + timedelta(hours=2)))
    one = company(made | {"salesforce": org(record(1, "p1@x.example"))})
    one.run()
    assert told(one) == {("call_made", now - us): 1}
    reasons = "select count(*) from verdicts where destination = 'salesforce' and reason = 'after_as_of'"
    assert one.rows(reasons) == [(3,)]
    one.sandbox.set_clock(later(NOW, hours=1))
    one.run()
    assert told(one) == {("call_made", moment): 1 for moment in around(now, us)}
    one.sandbox.set_clock(later(NOW, hours=3))
    one.run()
    assert told(one).total() == 4
    assert one.rows(reasons) == [(0,)]


@pytest.mark.rule("HS-02")
def test_the_cut_off_is_exact_and_includes_its_instant(company: Make) -> None:
    since = at("2025-06-01T00:00:00Z")
    made = world(contacts=[contact(1, "p1@x.example")], calls=calls(*around(since, us)))
    one = company(made | {"salesforce": org(record(1, "p1@x.example"))}, "[activities]\nsince = 2025-06-01T00:00:00Z")
    one.run()
    assert told(one) == {("call_made", since): 1, ("call_made", since + us): 1}


DAYS = {
    "Pacific/Kiritimati": {
        "2026-11-01T09:59:59.999Z": "2026-11-01",
        "2026-11-01T10:00:00.000Z": "2026-11-02",
        "2025-12-31T10:00:00.000Z": "2026-01-01",
    },
    "America/Los_Angeles": {
        "2025-11-02T06:59:59.999Z": "2025-11-01",
        "2025-11-02T07:00:00.000Z": "2025-11-02",
        "2025-11-03T07:59:59.999Z": "2025-11-02",  # a day of 25 hours
        "2025-11-03T08:00:00.000Z": "2025-11-03",
        "2026-03-08T07:59:59.999999Z": "2026-03-07",
        "2026-03-09T06:59:59.999999Z": "2026-03-08",  # a day of 23 hours
        "2026-03-09T07:00:00.000Z": "2026-03-09",
        "2024-03-01T07:59:59.999Z": "2024-02-29",
    },
    "Europe/Berlin": {
        "2026-03-28T22:59:59.999Z": "2026-03-28",
        "2026-03-28T23:00:00.000Z": "2026-03-29",
        "2026-03-29T22:00:00.000Z": "2026-03-30",
        "2024-02-28T23:00:00.000Z": "2024-02-29",
    },
}


@pytest.mark.rule("HS-01")
@pytest.mark.parametrize("zone", DAYS)
def test_a_task_has_its_day_in_the_orgs_time_zone(company: Make, zone: str) -> None:
    made = world(contacts=[contact(1, "p1@x.example", createdAt=LONG_AGO)], calls=calls(*map(at, DAYS[zone])))
    one = company(made | {"salesforce": org(record(1, "p1@x.example"), zone=zone)})
    one.run()
    found = {(task.second, task.day) for task in held(one.sandbox.world())}
    assert found == {(at(moment).replace(microsecond=0), date.fromisoformat(day)) for moment, day in DAYS[zone].items()}
