"""HZ-20 to HZ-28: attendance, averages, counts, windows, marketing events, timeline."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from pipelines.events import utc
from tests.company import Company
from tests.stories import Acts, Stories
from tests.worlds import NOW, contact, email_event, form, joined, later, registrant, series, session, webinar, world

Make = Callable[..., Company]
ONE = 84759841045
ADA, BOB = "ada@x.example", "bob@x.example"
WINDOWS = ("webinars_attended_30d", "emails_opened_30d", "emails_opened_1y", "forms_submitted_1y")


def settled(one: Company) -> None:
    """Nothing is left to write."""
    plan, _ = one.workspace.plan()
    assert plan.total == 0, plan.counts()


computed = Stories(lambda company: company(world()), end=settled)


def three(domain: str) -> tuple[str, str, str]:
    """Return the addresses of Ada, Bob and Cy at a domain."""
    return f"ada@{domain}", f"bob@{domain}", f"cy@{domain}"


def held(one: Company, email: str) -> dict[str, Any]:
    """Return what the CRM holds of a contact that must be there."""
    found = one.contact(email)
    assert found is not None
    return found


def attendance(one: Company, *numbers: int) -> dict[str, tuple[int, str]]:
    """Return address to (whole seconds, percentage) of everybody who attended these webinars."""
    rows = one.rows(
        "select people.email, marts.attended_seconds, cast(marts.attendance_pct as varchar) "
        "from contact_webinars as marts inner join int_people as people using (subject_key) "
        f"where state = 'attended' and webinar_id in ({', '.join(map(str, numbers))})"
    )
    return {email: (seconds, share) for email, seconds, share in rows}


def of(number: int, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A webinar with one session from 10:00 to 11:00, and everybody registered."""
    people = sorted({row["user_email"] for row in rows if row["user_email"]})
    return webinar(
        number,
        registrants=[registrant(email) for email in people],
        instances=[session(f"u{number}==", "10:00", "11:00", rows)],
        **more,
    )


def wanted(one: Company, as_of: str, *names: str) -> tuple[str, ...]:
    """Return some counts that the one contact should have in the CRM as of a moment."""
    one.workspace.build(utc(as_of))
    (row,) = one.rows(f"select {', '.join(f'turnout_{name}' for name in names)} from sync_hubspot_contacts")
    return row


@pytest.mark.rule("HZ-20")
@computed
def test_attendance_is_the_union_of_all_connections_clipped_to_the_session(one: Company) -> Acts:
    ada, bob, cy = three("union.example")
    one.add(
        of(
            1001,
            joined(ada, "09:50", "10:10"),  # early: counts from 10:00
            joined(ada, "10:05", "10:20"),  # a second device
            joined(ada, "10:05", "10:20"),  # told twice
            joined(ada, "10:40", "11:30"),  # stays on: counts to 11:00
            joined(bob, "10:00", None),  # never left: to the end
            joined(cy, "10:00:00", "10:00:01"),
        )
    )
    yield
    assert attendance(one, 1001) == {ada: (2400, "66.67"), bob: (3600, "100.00"), cy: (1, "0.03")}


@pytest.mark.rule("HZ-20")
@computed
def test_what_does_not_overlap_the_session_is_no_attendance(one: Company) -> Acts:
    ada, bob, cy = three("apart.example")
    one.add(of(1002, joined(ada, "09:00", "10:00"), joined(bob, "11:00", "11:10"), joined(cy, "10:30", "10:30")))
    yield
    assert attendance(one, 1002) == {}
    assert one.states("1002") == {ada: "NO_SHOW", bob: "NO_SHOW", cy: "NO_SHOW"}
    found = held(one, ada)
    assert (found["turnout_webinars_attended"], found.get("turnout_avg_attendance_pct")) == ("0", None)


@pytest.mark.rule("HZ-20")
@computed
def test_host_panelists_and_the_waiting_room_do_not_attend(one: Company) -> Acts:
    ada, bob, _ = three("staff.example")
    one.add(
        of(
            1003,
            joined("hana@host.example", "10:00", "11:00"),
            joined("pia@staff.example", "10:00", "11:00"),
            joined("other@staff.example", "10:00", "11:00", id="host1"),
            joined(bob, "10:00", "10:10", status="in_waiting_room"),
            joined(ada, "10:00", "10:15"),
            panelists=[{"id": "p1", "email": "Pia@Staff.example", "name": "Pia"}],
        )
    )
    yield
    assert attendance(one, 1003) == {ada: (900, "25.00")}
    states = one.states("1003")
    assert (states["pia@staff.example"], states[bob]) == ("NO_SHOW", "NO_SHOW")


@pytest.mark.rule("HZ-20")
def test_panelists_can_be_counted_and_the_host_cannot(company: Make) -> None:
    told = of(
        ONE,
        joined("hana@host.example", "10:00", "11:00"),
        joined("pia@x.example", "10:00", "10:30"),
        panelists=[{"id": "p1", "email": "pia@x.example", "name": "Pia"}],
    )
    one = company(world(told), "[attendance]\ncount_panelists = true")
    one.workspace.ingest()
    one.workspace.build()
    assert attendance(one, ONE) == {"pia@x.example": (1800, "50.00")}


@pytest.mark.rule("HZ-20")
@computed
def test_a_restarted_occurrence_is_one_and_the_time_between_is_not_part_of_it(one: Company) -> Acts:
    ada, bob, _ = three("again.example")
    first = session("again1==", "10:00", "10:20", [joined(ada, "10:00", None), joined(bob, "10:00", "10:30")])
    second = session("again2==", "10:30", "11:10", [joined(ada, "10:30", "10:40")])
    one.add(webinar(1004, registrants=[registrant(ada), registrant(bob)], instances=[first, second]))
    yield
    assert attendance(one, 1004) == {ada: (1800, "50.00"), bob: (1200, "33.33")}
    assert one.rows("select status, actual_seconds from webinars where webinar_id = 1004") == [("ended", 3600)]
    found = held(one, ada)
    assert (found["turnout_webinars_attended"], found["turnout_occurrences_attended"]) == ("1", "1")


@pytest.mark.rule("HZ-20")
@computed
def test_a_practice_session_before_the_start_is_no_part_of_it(one: Company) -> Acts:
    ada = "ada@practice.example"
    practice = session("practice==", "09:30", "09:50", [joined(ada, "09:30", "09:50")], practice_session=True)
    real = session("real==", "10:00", "11:00", [joined(ada, "10:00", "10:30")])
    one.add(webinar(1005, registrants=[registrant(ada)], instances=[practice, real]))
    yield
    assert attendance(one, 1005) == {ada: (1800, "50.00")}


@pytest.mark.rule("HZ-20")
@computed
def test_a_session_that_still_runs_has_no_attendance_yet(one: Company) -> Acts:
    ada, day = "ada@running.example", "2026-11-20"
    running = session("running==", "11:30", None, [joined(ada, "11:30", None, day=day)], day=day)
    one.add(webinar(1006, start="11:30", day=day, registrants=[registrant(ada)], instances=[running]))
    yield
    assert one.states("1006") == {ada: "REGISTERED"}

    def end(told: dict[str, Any]) -> None:
        instance = scheduled(told, 1006)["instances"][0]
        instance["end_time"] = "2026-11-20T12:30:00Z"
        instance["participants"][0] |= {"leave_time": "2026-11-20T12:00:00Z", "duration": 1800}

    one.change(end, later(NOW, hours=1))
    yield
    assert one.states("1006") == {ada: "ATTENDED"}
    assert attendance(one, 1006) == {ada: (1800, "50.00")}


def scheduled(told: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a webinar of a world."""
    found: dict[str, Any] = next(item for item in told["zoom"][0]["webinars"] if item["id"] == number)
    return found


@pytest.mark.rule("HZ-20")
@computed
def test_an_occurrence_that_never_really_ran_has_no_attendance_and_no_no_show(one: Company) -> Acts:
    ada = "ada@never.example"
    at_once = session("never==", "10:00", "10:00", [joined(ada, "10:00", "10:00")])
    never = {1007: [at_once], 1008: []}
    one.add(*(webinar(number, registrants=[registrant(ada)], instances=ran) for number, ran in never.items()))
    yield
    assert attendance(one, *never) == {}
    for number in never:
        assert one.states(str(number)) == {ada: "REGISTERED"}
        assert one.rows(f"select status from webinars where webinar_id = {number}") == [("never_started",)]


@pytest.mark.rule("HZ-21")
@computed
def test_the_average_is_the_mean_over_attended_occurrences_rounded_half_up_once(one: Company) -> Acts:
    # 1/3 and 2/3 + 1/10000 make 50.005 %: half up is 50.01; rounded parts would make 50.00
    ada = "ada@mean.example"
    one.add(
        webinar(
            1111,
            minutes=30,
            registrants=[registrant(ada)],
            instances=[session("a==", "10:00", "10:30", [joined(ada, "10:00", "10:10")])],
        ),
        webinar(
            2222,
            start="06:00",
            minutes=500,
            registrants=[registrant(ada)],
            instances=[session("b==", "06:00", "14:20", [joined(ada, "06:00", "11:33:23")])],
        ),
        webinar(
            3333,
            day="2026-11-11",
            registrants=[registrant(ada)],
            instances=[session("c==", "10:00", "11:00", [], day="2026-11-11")],
        ),
    )
    exact = (Fraction(600, 1800) + Fraction(20003, 30000)) / 2 * 100
    assert exact == Fraction(50005, 1000)
    yield
    assert held(one, ada)["turnout_avg_attendance_pct"] == "50.01"


@pytest.mark.rule("HZ-22")
@computed
def test_a_series_counts_once_and_its_occurrences_each(one: Company) -> Acts:
    ada, bob, _ = three("series.example")
    one.add(
        series(
            5555,
            ["2026-11-03", "2026-11-10", "2026-11-17"],
            registrants=[
                registrant(ada, create_time="2026-10-20T00:00:00Z"),
                registrant(bob, create_time="2026-11-05T00:00:00Z"),
            ],
            instances=[
                session("s1==", "10:00", "11:00", [joined(ada, "10:00", "11:00", day="2026-11-03")], day="2026-11-03"),
                session("s2==", "10:05", "11:00", [joined(ada, "10:05", "10:32:30")]),
            ],
        )
    )
    yield
    found = held(one, ada)
    counts = [found[f"turnout_{name}"] for name in ("webinars_registered", "webinars_attended", "occurrences_attended")]
    assert counts == ["1", "1", "2"]
    assert found["turnout_avg_attendance_pct"] == "75.00"
    third, second, first = ("5555-1794909600000", "5555-1794304800000", "5555-1793700000000")
    assert one.states(first) == {ada: "ATTENDED"}, "who registered after it had ended is no no-show of it"
    assert one.states(second) == {ada: "ATTENDED", bob: "NO_SHOW"}
    assert one.states(third) == {ada: "REGISTERED", bob: "REGISTERED"}, "it never started"


@pytest.mark.rule("HZ-22", "HZ-24")
@computed
def test_a_cancellation_still_counts_as_registered_and_a_denial_from_the_start_does_not(one: Company) -> Acts:
    ada, bob, cy = three("cancel.example")
    first = [registrant(ada), registrant(bob, status="pending"), registrant(cy)]
    denied = registrant("di@cancel.example", status="denied")
    one.add(webinar(1009, day="2026-11-30", registrants=[*first, denied]))
    yield
    assert one.states("1009") == {ada: "REGISTERED", bob: "REGISTERED", cy: "REGISTERED"}
    assert one.contact("di@cancel.example") is None

    def cancel(told: dict[str, Any]) -> None:
        people = scheduled(told, 1009)["registrants"]
        people[:] = [person for person in people if person["email"] != ada]  # by the attendee's own link
        next(person for person in people if person["email"] == cy)["status"] = "denied"  # by the host

    one.change(cancel, later(NOW, hours=1))
    yield
    assert one.states("1009") == {ada: "CANCELLED", bob: "REGISTERED", cy: "CANCELLED"}
    for email in (ada, bob, cy):
        assert held(one, email)["turnout_webinars_registered"] == "1"
    assert one.rows("select state from int_registrants where webinar_id = 1009 order by email") == [
        ("cancelled_by_self",),
        ("pending",),
        ("cancelled_by_host",),
        ("denied",),
    ]


@pytest.mark.rule("HZ-23")
@computed
def test_the_last_registration_is_the_latest_one_and_the_higher_webinar_id_where_two_are_at_once(one: Company) -> Acts:
    ada = "ada@last.example"
    third = {"create_time": "2026-11-03T00:00:00Z"}
    one.add(
        webinar(1010, registrants=[registrant(ada, create_time="2026-11-02T00:00:00Z")]),
        webinar(3030, registrants=[registrant(ada, join_url="https://zoom.example/w/secret", **third)]),
        webinar(202, registrants=[registrant(ada, **third)]),
        webinar(4040, registrants=[registrant(ada, create_time="2026-11-04T00:00:00Z", status="denied")]),
    )
    yield
    found = held(one, ada)
    assert found["turnout_last_registration_url"] == "https://zoom.example/j/3030"
    assert found["turnout_last_registration_at"] == "2026-11-03T00:00:00.000Z"
    assert not found.get("turnout_last_registered_webinar_url"), "only the CRM's own registrations fill it"


def participants(one: Company, number: int) -> list[dict[str, Any]]:
    """Return who is in a marketing event, as the CRM keeps it."""
    events = one.sandbox.world()["hubspot"][0]["marketing_events"]
    return [person for event in events if event["externalEventId"] == str(number) for person in event["participants"]]


@pytest.mark.rule("HZ-24")
@computed
def test_a_marketing_event_carries_what_really_happened(one: Company) -> Acts:
    ada, bob, _ = three("event.example")
    rows = [joined(ada, "10:10", "10:30"), joined(ada, "10:40", "10:50")]
    dates = series(6666, ["2026-12-01", "2026-12-08"], registrants=[registrant(bob)])
    dates["occurrences"][1]["status"] = "deleted"
    one.add(webinar(ONE, registrants=[registrant(ada)], instances=[session("event==", "10:03", "10:58", rows)]), dates)
    yield
    event = one.event(str(ONE))
    assert event is not None
    assert (event["startDateTime"], event["endDateTime"]) == ("2026-11-10T10:03:00.000Z", "2026-11-10T10:58:00.000Z")
    assert (event["eventOrganizer"], event["eventUrl"]) == ("Hana Host", f"https://zoom.example/j/{ONE}")
    assert event["eventCompleted"] is True
    person = participants(one, ONE)[0]
    assert (person["joinedAt"], person["leftAt"]) == ("2026-11-10T10:10:00.000Z", "2026-11-10T10:50:00.000Z")
    cancelled = one.event("6666-1796724000000")
    assert cancelled is not None
    assert cancelled["eventCancelled"] is True
    kept = one.event("6666-1796119200000")
    assert kept is not None
    assert (kept["eventCancelled"], kept["eventCompleted"]) == (False, False)


@pytest.mark.rule("HZ-25")
@computed
def test_the_timeline_has_one_entry_per_registration_and_occurrence_however_often_it_runs(one: Company) -> Acts:
    ada = "ada@timeline.example"
    one.add(of(1011, joined(ada, "10:00", "10:10"), joined(ada, "10:20", "10:30")))
    for _ in range(3):
        yield
    rows = one.rows(
        "select entry_type, happened_at, left_at, attended_seconds from contact_timeline "
        "where webinar_id = 1011 order by happened_at"
    )
    assert [(kind, str(when)[:16], seconds) for kind, when, _, seconds in rows] == [
        ("webinar_registered", "2026-11-01 09:00", None),
        ("webinar_attended", "2026-11-10 10:00", 1200),
    ]
    assert [len(person["interactions"]) for person in participants(one, 1011)] == [2]


@pytest.mark.rule("HZ-27")
def test_rolling_windows_begin_at_midnight_and_end_at_as_of(company: Make) -> None:
    told = world(
        webinar(
            ONE,
            day="2026-10-25",
            registrants=[registrant(ADA, create_time="2026-10-01T00:00:00Z")],
            instances=[
                session("u1==", "10:00", "11:00", [joined(ADA, "10:00", "10:30", day="2026-10-25")], day="2026-10-25")
            ],
        ),
        contacts=[contact(1, ADA)],
        email_events=[
            email_event("OPEN", ADA, 1, "2026-10-21T00:00:00+00:00"),  # the first instant of 30 days before 20 November
            email_event("OPEN", ADA, 2, "2026-11-20T11:59:59.999+00:00"),
            email_event("OPEN", ADA, 2, "2026-11-20T11:59:59.998+00:00"),  # the same email again
            email_event("OPEN", ADA, 3, "2026-11-20T12:00:00+00:00"),  # at as_of itself: not yet
            email_event("OPEN", ADA, 4, "2026-11-19T00:00:00+00:00", filteredEvent=True),
            email_event("OPEN", ADA, 5, "2026-10-20T23:59:59.999+00:00"),
            email_event("OPEN", ADA, 6, "2025-11-19T23:59:59.999+00:00"),
        ],
        forms=[form("f1", [(ADA, "2025-11-20T00:00:00+00:00"), (ADA, "2025-11-19T23:59:59.999+00:00")])],
    )
    one = company(told)
    one.workspace.ingest()
    for as_of, *counts in (
        ("2026-11-20T00:00:00Z", "1", "1", "2", "1"),  # what came in that day has not happened yet
        ("2026-11-20T12:00:00Z", "1", "2", "3", "1"),
        ("2026-11-21T00:00:00Z", "1", "2", "4", "0"),  # the day moves on: email 1 left the 30 days, email 3 happened
        ("2028-02-29T00:00:00Z", "0", "0", "0", "0"),
    ):
        assert wanted(one, as_of, *WINDOWS) == tuple(counts), as_of


@pytest.mark.rule("HZ-27")
def test_one_year_before_the_29th_of_february_is_the_28th(company: Make) -> None:
    told = world(
        now="2028-02-29T18:00:00Z",
        contacts=[contact(1, ADA)],
        email_events=[
            email_event("CLICK", ADA, 1, "2027-02-28T00:00:00+00:00"),
            email_event("CLICK", ADA, 2, "2027-02-27T23:59:59.999+00:00"),
        ],
    )
    one = company(told)
    one.workspace.ingest()
    assert wanted(one, told["now"], "emails_clicked_1y", "emails_clicked_30d") == ("1", "0")


@pytest.mark.rule("HZ-27")
@computed
def test_last_activity_is_the_latest_thing_a_person_did_and_bots_do_nothing(one: Company) -> Acts:
    ada, bob, cy = three("activity.example")
    histories = {
        "hs_sales_email_last_opened": [
            {"value": "2026-11-05T10:00:00.000Z", "timestamp": "2026-11-05T10:00:00.000Z", "sourceType": "SALES"}
        ],
        "hs_document_last_revisited": [
            {
                "value": "2026-11-25T10:00:00.000Z",
                "timestamp": "2026-11-25T10:00:00.000Z",
                "sourceType": "PRESENTATIONS",
            },
            {
                "value": "2026-11-06T10:00:00.000Z",
                "timestamp": "2026-11-06T10:00:00.000Z",
                "sourceType": "PRESENTATIONS",
            },
        ],
    }
    one.add(
        contacts=[contact(11, ada, propertiesWithHistory=histories), contact(12, bob), contact(13, cy)],
        email_events=[
            email_event("OPEN", ada, 1, "2026-11-19T00:00:00+00:00", filteredEvent=True),
            email_event("SENT", bob, 1, "2026-11-19T00:00:00+00:00"),
            email_event("OPEN", cy, 1, "2024-12-24T00:00:00+00:00"),
        ],
    )
    yield
    assert held(one, ada)["turnout_last_activity_at"] == "2026-11-06T10:00:00.000Z"
    assert not held(one, bob).get("turnout_last_activity_at"), "to be sent an email is no activity"
    assert not held(one, bob).get("turnout_webinars_registered"), "a contact without activity gets nothing written"
    found = held(one, cy)
    assert (found["turnout_emails_opened_1y"], found["turnout_webinars_registered"]) == ("0", "0"), (
        "any activity: every count"
    )


@pytest.mark.rule("HS-07")
@computed
def test_the_open_of_a_forwarded_email_counts_for_whom_it_was_sent_to(one: Company) -> Acts:
    ada, bob, _ = three("forward.example")
    sent = email_event("SENT", ada, 1, "2026-11-01T00:00:00+00:00", id="sent-1")
    opened = email_event(
        "OPEN", bob, 1, "2026-11-02T00:00:00+00:00", sentBy={"id": "sent-1", "created": sent["created"]}
    )
    one.add(contacts=[contact(14, ada), contact(15, bob)], email_events=[sent, opened])
    yield
    assert held(one, ada)["turnout_emails_opened_30d"] == "1"
    assert not held(one, bob).get("turnout_emails_opened_30d")


@pytest.mark.rule("HZ-06")
@computed
def test_emails_and_forms_under_any_address_count_and_so_do_those_of_a_merged_contact(one: Company) -> Acts:
    ada = "ada@merged.example"
    others = {"hs_additional_emails": "old@merged.example;older@merged.example", "hs_merged_object_ids": "1;2"}
    one.add(
        contacts=[contact(3, ada, properties=others)],
        email_events=[
            email_event("OPEN", "OLD@merged.example", 1, "2026-11-01T00:00:00+00:00"),
            email_event("OPEN", ada, 1, "2026-11-02T00:00:00+00:00"),
        ],
        forms=[form("f1", [("older@merged.example", "2026-11-01T00:00:00+00:00")])],
    )
    yield
    found = held(one, ada)
    assert (found["turnout_emails_opened_30d"], found["turnout_forms_submitted_30d"]) == ("1", "1")


@pytest.mark.rule("HZ-28", "EV-02")
def test_the_same_facts_give_the_same_tables_whatever_their_order_and_batches(company: Make) -> None:
    people = [f"p{number}@x.example" for number in range(12)]
    dice = random.Random(5)

    def rows() -> list[dict[str, Any]]:
        return [
            joined(
                email, f"10:{dice.randrange(0, 30):02d}", f"10:{dice.randrange(30, 60):02d}", user_id=f"{email}{number}"
            )
            for email in people
            for number in range(3)
        ]

    webinars = [
        webinar(
            1000 + number,
            registrants=[registrant(email) for email in people],
            instances=[session(f"{number}==", "10:00", "11:00", rows())],
        )
        for number in range(3)
    ]

    def read(one: Company) -> None:
        one.workspace.ingest()
        one.workspace.build()

    whole = company(world(*webinars, contacts=[contact(1, people[0])]))
    read(whole)
    # the same, shuffled, and in three steps of which each tells some things again
    parts = [
        {**told, "registrants": list(told["registrants"]), "instances": [dict(told["instances"][0])]}
        for told in webinars
    ]
    for told in parts:
        dice.shuffle(told["registrants"])
        dice.shuffle(told["instances"][0]["participants"])
    pieces = company(world(parts[2], contacts=[contact(1, people[0])]))
    read(pieces)
    for some in ([parts[2], parts[0]], [parts[1], parts[0], parts[2]]):
        pieces.change(lambda told, some=some: told["zoom"][0].update(webinars=some))  # type: ignore[misc]
        read(pieces)
    for table in ("contact_webinars", "contact_metrics", "webinars", "contact_timeline"):
        key = "select * exclude (subject_key, contact_id) from" if table.startswith("contact") else "from"
        assert sorted(map(repr, whole.rows(f"{key} {table}"))) == sorted(map(repr, pieces.rows(f"{key} {table}"))), (
            table
        )


@pytest.mark.rule("HZ-11", "HZ-27", "EV-06")
@computed
def test_what_a_new_contact_did_before_it_was_one_counts_from_the_first_day(one: Company) -> Acts:
    ada, bob, _ = three("before.example")
    one.add(
        webinar(1012, registrants=[registrant(ada)]),
        email_events=[email_event("OPEN", ada, 1, "2026-11-01T00:00:00+00:00")],
        forms=[form("f2", [(ada, "2026-11-19T00:00:00+00:00"), (bob, "2026-11-01T00:00:00+00:00")])],
    )
    yield
    found = held(one, ada)
    assert (found["turnout_emails_opened_30d"], found["turnout_forms_submitted_1y"]) == ("1", "1")
    assert found["turnout_last_activity_at"] == "2026-11-19T00:00:00.000Z"
    assert one.contact(bob) is None, "a form alone makes nobody a contact"
