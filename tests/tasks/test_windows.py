"""HS-03 to HS-05 at their exact edges, and the day of a Task in the org's time zone.

HubSpot tells histories and the times of calls and emails as text, which can hold microseconds; forms and events of
marketing emails, and what is dated by its creation, in milliseconds; Zoom in seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.company import Company
from tests.stories import Acts, Stories
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


def told(one: Company, *contacts: int) -> Counter[tuple[str, datetime]]:
    """The Tasks of contacts that are there: their type, and their instant as the product's tables have it."""
    rows = one.rows(
        "select contact_id, int_activities.activity_type, int_activities.occurred_at from int_activities"
        " join int_activity_people using (activity_key) join verdicts on object_key = task_key"
        " where destination = 'salesforce' and verdict in ('published', 'unchanged')"
    )
    assert len(rows) == held(one.sandbox.world()).total()
    return Counter((kind, moment.astimezone(UTC)) for number, kind, moment in rows if number in contacts)


def reasons(one: Company, *contacts: int) -> Counter[str]:
    """Why activities of contacts are no Tasks."""
    rows = one.rows(
        "select contact_id, verdicts.reason from int_activity_people join verdicts on object_key = task_key"
        " where destination = 'salesforce' and verdicts.reason <> ''"
    )
    return Counter(reason for number, reason in rows if number in contacts)


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


def piles(first: int, syncs: Collection[str]) -> list[Pile]:
    """One contact for each sync time, numbered from `first` on, with activities around the edges of their windows."""
    made = [Pile(number) for number, _ in enumerate(syncs, first)]
    for pile, sync in zip(made, syncs, strict=True):
        month, year = EDGES[sync]
        pile.sales(at(sync))
        pile.marketing(at(month))
        pile.forms(at(year))
    return made


WHOLE = [sync for sync in EDGES if sync.endswith(".000Z")]
"""Salesforce tells whole seconds."""
LATER_IN_HUBSPOT, LATER_IN_SALESFORCE = piles(1, EDGES), piles(11, WHOLE)
OF_WEBINARS, OF_CALLS = 31, 32
SYNC = at("2026-11-01T09:00:00.000Z")


def calls(number: int, *moments: datetime) -> list[Record]:
    return [
        engagement(f"9{number}{place:03d}", at(NOW) - ms, [str(number)], moment) for place, moment in enumerate(moments)
    ]


def windows(company: Make) -> Company:
    """Return a company of contacts who did something around the edges of their windows, one or more each."""
    both = [*LATER_IN_HUBSPOT, *LATER_IN_SALESFORCE]
    ours = [*EDGES, *[LONG_AGO] * len(WHOLE)]
    theirs = [*[LONG_AGO] * len(EDGES), *WHOLE]
    contacts = [
        contact(int(pile.name), pile.address, createdAt=since, propertiesWithHistory=pile.history)
        for pile, since in zip(both, ours, strict=True)
    ]
    contacts.append(contact(OF_WEBINARS, "p31@x.example", createdAt=iso(SYNC)))
    contacts.append(contact(OF_CALLS, "p32@x.example"))
    work: dict[str, Any] = {kind: [one for pile in both for one in pile.work[kind]] for kind in both[0].work}
    work["calls"] += calls(OF_CALLS, *around(at(NOW), us), at(NOW) + timedelta(hours=2))
    webinars = [
        webinar(70 + by, registrants=[registrant("p31@x.example", create_time=z(SYNC + timedelta(seconds=by)))])
        for by in STEPS
    ]
    made = world(
        *webinars,
        contacts=contacts,
        **work,
        email_events=[one for pile in both for one in pile.mail],
        forms=[{"id": "f1", "submissions": [one for pile in both for one in pile.sent_in]}],
    )
    known = [record(int(pile.name), pile.address, since) for pile, since in zip(both, theirs, strict=True)]
    others = [record(OF_WEBINARS, "p31@x.example"), record(OF_CALLS, "p32@x.example")]
    return company(made | {"salesforce": org(*known, *others)})


at_edges = Stories(windows)


def opens_to_the_microsecond(one: Company, piles: list[Pile]) -> None:
    """See that all is a Task but what was before a window."""
    inside: Counter[tuple[str, datetime]] = sum((pile.inside for pile in piles), Counter())
    contacts = [int(pile.name) for pile in piles]
    assert told(one, *contacts) == inside
    assert inside.total() == len(piles) * 12 * 2
    assert reasons(one, *contacts) == {"outside_window": len(piles) * 12}


@pytest.mark.rule("HS-03", "HS-04", "HS-05")
@at_edges
def test_each_window_opens_to_the_microsecond_where_hubspot_is_the_later_one(one: Company) -> Acts:
    yield
    opens_to_the_microsecond(one, LATER_IN_HUBSPOT)


@pytest.mark.rule("HS-03", "HS-04", "HS-05")
@at_edges
def test_each_window_opens_to_the_microsecond_where_salesforce_is_the_later_one(one: Company) -> Acts:
    yield
    opens_to_the_microsecond(one, LATER_IN_SALESFORCE)


@pytest.mark.rule("HS-03")
@at_edges
def test_webinars_count_from_the_second_of_the_sync_time(one: Company) -> Acts:
    yield
    expected = {("integration_event", SYNC + timedelta(seconds=by)): 1 for by in (0, 1)}
    assert told(one, OF_WEBINARS) == expected


@pytest.mark.rule("HS-01", "HS-02")
@at_edges
def test_what_has_its_time_after_the_last_reading_waits_for_it(one: Company) -> Acts:
    yield
    assert told(one, OF_CALLS) == {("call_made", at(NOW) - us): 1}
    assert reasons(one, OF_CALLS) == {"after_as_of": 3}
    one.sandbox.set_clock(later(NOW, hours=1))
    yield
    assert told(one, OF_CALLS) == {("call_made", moment): 1 for moment in around(at(NOW), us)}
    one.sandbox.set_clock(later(NOW, hours=3))
    yield
    assert told(one, OF_CALLS).total() == 4
    assert reasons(one, OF_CALLS) == {}


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


SINCE = at("2025-06-01T00:00:00Z")
OF_CUT_OFF = 9


def zoned(company: Make) -> Company:
    """Return a company of one contact for each zone, and one more."""
    numbers = [*range(1, len(DAYS) + 1), OF_CUT_OFF]
    made = world(contacts=[contact(number, f"p{number}@x.example", createdAt=LONG_AGO) for number in numbers])
    made["salesforce"] = org(*[record(number, f"p{number}@x.example") for number in numbers])
    return company(made, f"[activities]\nsince = {z(SINCE)}")


def go_on(one: Company) -> None:
    """Do a run; there is no cut-off after it."""
    one.run()
    one.set("")


in_zones = Stories(zoned, run=go_on)


@pytest.mark.rule("HS-02")
@in_zones
def test_the_cut_off_is_exact_and_includes_its_instant(one: Company) -> Acts:
    one.change(lambda told: told["hubspot"][0]["calls"].extend(calls(OF_CUT_OFF, *around(SINCE, us))))
    yield
    assert told(one, OF_CUT_OFF) == {("call_made", SINCE): 1, ("call_made", SINCE + us): 1}


@pytest.mark.rule("HS-01")
@in_zones
def test_a_task_has_its_day_in_the_orgs_time_zone(one: Company) -> Acts:
    for number, (zone, days) in enumerate(DAYS.items(), 1):
        now = later(NOW, hours=number)

        def move(told: Record, number: int = number, zone: str = zone, now: str = now) -> None:
            told["salesforce"][0]["time_zone"] = zone
            made = calls(number, *map(at, DAYS[zone]))
            told["hubspot"][0]["calls"] += [call | {"updatedAt": now} for call in made]

        one.change(move, now)
        yield
        known = {row["Email"]: row["Id"] for row in one.sandbox.world()["salesforce"][0]["Contact"]}
        mine = [task for task in held(one.sandbox.world()) if task.who == known[f"p{number}@x.example"]]
        expected = {(at(moment).replace(microsecond=0), date.fromisoformat(day)) for moment, day in days.items()}
        assert {(task.second, task.day) for task in mine} == expected
