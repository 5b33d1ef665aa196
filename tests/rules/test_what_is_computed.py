"""HZ-20 to HZ-28: attendance, averages, counts, windows, marketing events, timeline."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.company import Company
from tests.worlds import NOW, contact, email_event, form, joined, later, registrant, series, session, webinar, world

Make = Callable[..., Company]
ONE = 84759841045
ADA, BOB, CY = "ada@x.example", "bob@x.example", "cy@x.example"
WINDOWS = ("webinars_attended_30d", "emails_opened_30d", "emails_opened_1y", "forms_submitted_1y")


def attendance(one: Company) -> dict[str, tuple[int, str]]:
    """Return address to (whole seconds, percentage) of everybody who attended anything."""
    rows = one.rows(
        "select people.email, marts.attended_seconds, cast(marts.attendance_pct as varchar) "
        "from contact_webinars as marts inner join int_people as people using (subject_key) where state = 'attended'"
    )
    return {email: (seconds, share) for email, seconds, share in rows}


def of(*rows: dict[str, Any], end: str = "11:00", **more: Any) -> dict[str, Any]:
    """A world of one webinar with one session from 10:00, and everybody registered."""
    people = sorted({row["user_email"] for row in rows if row["user_email"]})
    return world(
        webinar(
            ONE,
            registrants=[registrant(email) for email in people],
            instances=[session("u1==", "10:00", end, rows)],
            **more,
        )
    )


@pytest.mark.rule("HZ-20")
def test_attendance_is_the_union_of_all_connections_clipped_to_the_session(company: Make) -> None:
    one = company(
        of(
            joined(ADA, "09:50", "10:10"),  # early: counts from 10:00
            joined(ADA, "10:05", "10:20"),  # a second device
            joined(ADA, "10:05", "10:20"),  # told twice
            joined(ADA, "10:40", "11:30"),  # stays on: counts to 11:00
            joined(BOB, "10:00", None),  # never left: to the end
            joined(CY, "10:00:00", "10:00:01"),
        )
    )
    one.run()
    assert attendance(one) == {ADA: (2400, "66.67"), BOB: (3600, "100.00"), CY: (1, "0.03")}


@pytest.mark.rule("HZ-20")
def test_what_does_not_overlap_the_session_is_no_attendance(company: Make) -> None:
    one = company(of(joined(ADA, "09:00", "10:00"), joined(BOB, "11:00", "11:10"), joined(CY, "10:30", "10:30")))
    one.run()
    assert attendance(one) == {}
    assert one.states(str(ONE)) == {ADA: "NO_SHOW", BOB: "NO_SHOW", CY: "NO_SHOW"}
    found = one.contact(ADA)
    assert found is not None
    assert (found["turnout_webinars_attended"], found.get("turnout_avg_attendance_pct")) == ("0", None)


@pytest.mark.rule("HZ-20")
def test_host_panelists_and_the_waiting_room_do_not_attend(company: Make) -> None:
    told = of(
        joined("hana@host.example", "10:00", "11:00"),
        joined("pia@x.example", "10:00", "11:00"),
        joined("other@x.example", "10:00", "11:00", id="host1"),
        joined(BOB, "10:00", "10:10", status="in_waiting_room"),
        joined(ADA, "10:00", "10:15"),
        panelists=[{"id": "p1", "email": "Pia@X.example", "name": "Pia"}],
    )
    one = company(told)
    one.run()
    assert attendance(one) == {ADA: (900, "25.00")}
    states = one.states(str(ONE))
    assert (states["pia@x.example"], states[BOB]) == ("NO_SHOW", "NO_SHOW")


@pytest.mark.rule("HZ-20")
def test_panelists_can_be_counted_and_the_host_cannot(company: Make) -> None:
    told = of(
        joined("hana@host.example", "10:00", "11:00"),
        joined("pia@x.example", "10:00", "10:30"),
        panelists=[{"id": "p1", "email": "pia@x.example", "name": "Pia"}],
    )
    one = company(told, "[attendance]\ncount_panelists = true")
    one.run()
    assert attendance(one) == {"pia@x.example": (1800, "50.00")}


@pytest.mark.rule("HZ-20")
def test_a_restarted_occurrence_is_one_and_the_time_between_is_not_part_of_it(company: Make) -> None:
    first = session("u1==", "10:00", "10:20", [joined(ADA, "10:00", None), joined(BOB, "10:00", "10:30")])
    second = session("u2==", "10:30", "11:10", [joined(ADA, "10:30", "10:40")])
    one = company(world(webinar(ONE, registrants=[registrant(ADA), registrant(BOB)], instances=[first, second])))
    one.run()
    assert attendance(one) == {ADA: (1800, "50.00"), BOB: (1200, "33.33")}
    assert one.rows("select status, actual_seconds from webinars") == [("ended", 3600)]
    found = one.contact(ADA)
    assert found is not None
    assert (found["turnout_webinars_attended"], found["turnout_occurrences_attended"]) == ("1", "1")


@pytest.mark.rule("HZ-20")
def test_a_practice_session_before_the_start_is_no_part_of_it(company: Make) -> None:
    practice = session("u0==", "09:30", "09:50", [joined(ADA, "09:30", "09:50")], practice_session=True)
    real = session("u1==", "10:00", "11:00", [joined(ADA, "10:00", "10:30")])
    one = company(world(webinar(ONE, registrants=[registrant(ADA)], instances=[practice, real])))
    one.run()
    assert attendance(one) == {ADA: (1800, "50.00")}


@pytest.mark.rule("HZ-20")
def test_a_session_that_still_runs_has_no_attendance_yet(company: Make) -> None:
    running = session("u1==", "11:30", None, [joined(ADA, "11:30", None, day="2026-11-20")], day="2026-11-20")
    told = world(webinar(ONE, start="11:30", day="2026-11-20", registrants=[registrant(ADA)], instances=[running]))
    one = company(told)
    one.run()
    assert one.states(str(ONE)) == {ADA: "REGISTERED"}

    def end(told: dict[str, Any]) -> None:
        instance = told["zoom"][0]["webinars"][0]["instances"][0]
        instance["end_time"] = "2026-11-20T12:30:00Z"
        instance["participants"][0] |= {"leave_time": "2026-11-20T12:00:00Z", "duration": 1800}

    one.change(end, later(NOW, hours=1))
    one.run()
    assert one.states(str(ONE)) == {ADA: "ATTENDED"}
    assert attendance(one) == {ADA: (1800, "50.00")}


@pytest.mark.rule("HZ-20")
@pytest.mark.parametrize("end", ["10:00", None])
def test_an_occurrence_that_never_really_ran_has_no_attendance_and_no_no_show(company: Make, end: str | None) -> None:
    instances = [session("u1==", "10:00", end, [joined(ADA, "10:00", "10:00")])] if end else []
    one = company(world(webinar(ONE, registrants=[registrant(ADA)], instances=instances)))
    one.run()
    assert attendance(one) == {}
    assert one.states(str(ONE)) == {ADA: "REGISTERED"}
    assert one.rows("select status from webinars") == [("never_started",)]


@pytest.mark.rule("HZ-21")
def test_the_average_is_the_mean_over_attended_occurrences_rounded_half_up_once(company: Make) -> None:
    # 1/3 and 2/3 + 1/10000 make 50.005 %: half up is 50.01; rounded parts would make 50.00
    told = world(
        webinar(
            1111,
            minutes=30,
            registrants=[registrant(ADA)],
            instances=[session("a==", "10:00", "10:30", [joined(ADA, "10:00", "10:10")])],
        ),
        webinar(
            2222,
            start="06:00",
            minutes=500,
            registrants=[registrant(ADA)],
            instances=[session("b==", "06:00", "14:20", [joined(ADA, "06:00", "11:33:23")])],
        ),
        webinar(
            3333,
            day="2026-11-11",
            registrants=[registrant(ADA)],
            instances=[session("c==", "10:00", "11:00", [], day="2026-11-11")],
        ),
    )
    exact = (Fraction(600, 1800) + Fraction(20003, 30000)) / 2 * 100
    assert exact == Fraction(50005, 1000)
    one = company(told)
    one.run()
    found = one.contact(ADA)
    assert found is not None
    assert found["turnout_avg_attendance_pct"] == "50.01"


@pytest.mark.rule("HZ-22")
def test_a_series_counts_once_and_its_occurrences_each(company: Make) -> None:
    told = world(
        series(
            5555,
            ["2026-11-03", "2026-11-10", "2026-11-17"],
            registrants=[
                registrant(ADA, create_time="2026-10-20T00:00:00Z"),
                registrant(BOB, create_time="2026-11-05T00:00:00Z"),
            ],
            instances=[
                session("s1==", "10:00", "11:00", [joined(ADA, "10:00", "11:00", day="2026-11-03")], day="2026-11-03"),
                session("s2==", "10:05", "11:00", [joined(ADA, "10:05", "10:32:30")]),
            ],
        )
    )
    one = company(told)
    one.run()
    found = one.contact(ADA)
    assert found is not None
    counts = [found[f"turnout_{name}"] for name in ("webinars_registered", "webinars_attended", "occurrences_attended")]
    assert counts == ["1", "1", "2"]
    assert found["turnout_avg_attendance_pct"] == "75.00"
    third, second, first = ("5555-1794909600000", "5555-1794304800000", "5555-1793700000000")
    assert one.states(first) == {ADA: "ATTENDED"}, "who registered after it had ended is no no-show of it"
    assert one.states(second) == {ADA: "ATTENDED", BOB: "NO_SHOW"}
    assert one.states(third) == {ADA: "REGISTERED", BOB: "REGISTERED"}, "it never started"


@pytest.mark.rule("HZ-22", "HZ-24")
def test_a_cancellation_still_counts_as_registered_and_a_denial_from_the_start_does_not(company: Make) -> None:
    told = world(
        webinar(
            ONE,
            day="2026-11-30",
            registrants=[
                registrant(ADA),
                registrant(BOB, status="pending"),
                registrant(CY),
                registrant("di@x.example", status="denied"),
            ],
        )
    )
    one = company(told)
    one.run()
    assert one.states(str(ONE)) == {ADA: "REGISTERED", BOB: "REGISTERED", CY: "REGISTERED"}
    assert one.contact("di@x.example") is None

    def cancel(told: dict[str, Any]) -> None:
        people = told["zoom"][0]["webinars"][0]["registrants"]
        people[:] = [person for person in people if person["email"] != ADA]  # by the attendee's own link
        next(person for person in people if person["email"] == CY)["status"] = "denied"  # by the host

    one.change(cancel, later(NOW, hours=1))
    one.run()
    assert one.states(str(ONE)) == {ADA: "CANCELLED", BOB: "REGISTERED", CY: "CANCELLED"}
    for email in (ADA, BOB, CY):
        found = one.contact(email)
        assert found is not None
        assert found["turnout_webinars_registered"] == "1"
    assert one.rows("select state from int_registrants order by email") == [
        ("cancelled_by_self",),
        ("pending",),
        ("cancelled_by_host",),
        ("denied",),
    ]


@pytest.mark.rule("HZ-23")
def test_the_last_registration_is_the_latest_one_and_the_higher_webinar_id_where_two_are_at_once(company: Make) -> None:
    told = world(
        webinar(1111, registrants=[registrant(ADA, create_time="2026-11-02T00:00:00Z")]),
        webinar(
            3333,
            registrants=[registrant(ADA, create_time="2026-11-03T00:00:00Z", join_url="https://zoom.example/w/secret")],
        ),
        webinar(222, registrants=[registrant(ADA, create_time="2026-11-03T00:00:00Z")]),
        webinar(4444, registrants=[registrant(ADA, create_time="2026-11-04T00:00:00Z", status="denied")]),
    )
    one = company(told)
    one.run()
    found = one.contact(ADA)
    assert found is not None
    assert found["turnout_last_registration_url"] == "https://zoom.example/j/3333"
    assert found["turnout_last_registration_at"] == "2026-11-03T00:00:00.000Z"
    assert not found.get("turnout_last_registered_webinar_url"), "only the CRM's own registrations fill it"


@pytest.mark.rule("HZ-24")
def test_a_marketing_event_carries_what_really_happened(company: Make) -> None:
    told = world(
        webinar(
            ONE,
            registrants=[registrant(ADA)],
            instances=[
                session("u1==", "10:03", "10:58", [joined(ADA, "10:10", "10:30"), joined(ADA, "10:40", "10:50")])
            ],
        ),
        series(5555, ["2026-12-01", "2026-12-08"], registrants=[registrant(BOB)]),
    )
    told["zoom"][0]["webinars"][1]["occurrences"][1]["status"] = "deleted"
    one = company(told)
    one.run()
    event = one.event(str(ONE))
    assert event is not None
    assert (event["startDateTime"], event["endDateTime"]) == ("2026-11-10T10:03:00.000Z", "2026-11-10T10:58:00.000Z")
    assert (event["eventOrganizer"], event["eventUrl"]) == ("Hana Host", f"https://zoom.example/j/{ONE}")
    assert event["eventCompleted"] is True
    world_event = next(
        e for e in one.sandbox.world()["hubspot"][0]["marketing_events"] if e["externalEventId"] == str(ONE)
    )
    person = world_event["participants"][0]
    assert (person["joinedAt"], person["leftAt"]) == ("2026-11-10T10:10:00.000Z", "2026-11-10T10:50:00.000Z")
    cancelled = one.event("5555-1796724000000")
    assert cancelled is not None
    assert cancelled["eventCancelled"] is True
    kept = one.event("5555-1796119200000")
    assert kept is not None
    assert (kept["eventCancelled"], kept["eventCompleted"]) == (False, False)


@pytest.mark.rule("HZ-25")
def test_the_timeline_has_one_entry_per_registration_and_occurrence_however_often_it_runs(company: Make) -> None:
    one = company(of(joined(ADA, "10:00", "10:10"), joined(ADA, "10:20", "10:30")))
    for _ in range(3):
        one.run()
    rows = one.rows(
        "select entry_type, happened_at, left_at, attended_seconds from contact_timeline order by happened_at"
    )
    assert [(kind, str(when)[:16], seconds) for kind, when, _, seconds in rows] == [
        ("webinar_registered", "2026-11-01 09:00", None),
        ("webinar_attended", "2026-11-10 10:00", 1200),
    ]
    events = one.sandbox.world()["hubspot"][0]["marketing_events"]
    assert [len(person["interactions"]) for event in events for person in event["participants"]] == [2]


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
    for as_of, attended_30d, opened_30d, opened_1y, forms_1y in (
        ("2026-11-20T00:00:00Z", "1", "1", "2", "1"),  # what came in that day has not happened yet
        ("2026-11-20T12:00:00Z", "1", "2", "3", "1"),
        ("2026-11-21T00:00:00Z", "1", "2", "4", "0"),  # the day moves on: email 1 left the 30 days, email 3 happened
        ("2028-02-29T00:00:00Z", "0", "0", "0", "0"),
    ):
        one.run(as_of)
        found = one.contact(ADA)
        assert found is not None
        assert {name: found[f"turnout_{name}"] for name in WINDOWS} == dict(
            zip(WINDOWS, (attended_30d, opened_30d, opened_1y, forms_1y), strict=True)
        ), as_of


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
    one.run()
    found = one.contact(ADA)
    assert found is not None
    assert (found["turnout_emails_clicked_1y"], found["turnout_emails_clicked_30d"]) == ("1", "0")


@pytest.mark.rule("HZ-27")
def test_last_activity_is_the_latest_thing_a_person_did_and_bots_do_nothing(company: Make) -> None:
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
    one = company(
        world(
            contacts=[contact(1, ADA, propertiesWithHistory=histories), contact(2, BOB), contact(3, CY)],
            email_events=[
                email_event("OPEN", ADA, 1, "2026-11-19T00:00:00+00:00", filteredEvent=True),
                email_event("SENT", BOB, 1, "2026-11-19T00:00:00+00:00"),
                email_event("OPEN", CY, 1, "2024-12-24T00:00:00+00:00"),
            ],
        )
    )
    one.run()
    ada, bob, cy = (one.contact(email) for email in (ADA, BOB, CY))
    assert ada is not None
    assert bob is not None
    assert cy is not None
    assert ada["turnout_last_activity_at"] == "2026-11-06T10:00:00.000Z"
    assert not bob.get("turnout_last_activity_at"), "to be sent an email is no activity"
    assert not bob.get("turnout_webinars_registered"), "a contact without activity gets nothing written"
    assert (cy["turnout_emails_opened_1y"], cy["turnout_webinars_registered"]) == ("0", "0"), (
        "any activity: every count"
    )


@pytest.mark.rule("HS-07")
def test_the_open_of_a_forwarded_email_counts_for_whom_it_was_sent_to(company: Make) -> None:
    sent = email_event("SENT", ADA, 1, "2026-11-01T00:00:00+00:00", id="sent-1")
    opened = email_event(
        "OPEN", BOB, 1, "2026-11-02T00:00:00+00:00", sentBy={"id": "sent-1", "created": sent["created"]}
    )
    one = company(world(contacts=[contact(1, ADA), contact(2, BOB)], email_events=[sent, opened]))
    one.run()
    ada, bob = one.contact(ADA), one.contact(BOB)
    assert ada is not None
    assert bob is not None
    assert ada["turnout_emails_opened_30d"] == "1"
    assert not bob.get("turnout_emails_opened_30d")


@pytest.mark.rule("HZ-06")
def test_emails_and_forms_under_any_address_count_and_so_do_those_of_a_merged_contact(company: Make) -> None:
    keeper = contact(
        3, ADA, properties={"hs_additional_emails": "old@x.example;older@x.example", "hs_merged_object_ids": "1;2"}
    )
    one = company(
        world(
            contacts=[keeper],
            email_events=[
                email_event("OPEN", "OLD@x.example", 1, "2026-11-01T00:00:00+00:00"),
                email_event("OPEN", ADA, 1, "2026-11-02T00:00:00+00:00"),
            ],
            forms=[form("f1", [("older@x.example", "2026-11-01T00:00:00+00:00")])],
        )
    )
    one.run()
    found = one.contact(ADA)
    assert found is not None
    assert (found["turnout_emails_opened_30d"], found["turnout_forms_submitted_30d"]) == ("1", "1")


@pytest.mark.rule("HZ-28", "EV-02")
def test_the_same_facts_give_the_same_tables_whatever_their_order_and_batches(company: Make, tmp_path: Path) -> None:
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
    whole = company(world(*webinars, contacts=[contact(1, people[0])]))
    whole.run()
    # the same, shuffled, and in three steps of which each tells some things again
    parts = [
        {**told, "registrants": list(told["registrants"]), "instances": [dict(told["instances"][0])]}
        for told in webinars
    ]
    for told in parts:
        dice.shuffle(told["registrants"])
        dice.shuffle(told["instances"][0]["participants"])
    pieces = company(world(parts[2], contacts=[contact(1, people[0])]))
    pieces.run()
    for some in ([parts[2], parts[0]], [parts[1], parts[0], parts[2]]):
        pieces.change(lambda told, some=some: told["zoom"][0].update(webinars=some))  # type: ignore[misc]
        pieces.run()
    for table in ("contact_webinars", "contact_metrics", "webinars", "contact_timeline"):
        key = "select * exclude (subject_key, contact_id) from" if table.startswith("contact") else "from"
        assert sorted(map(repr, whole.rows(f"{key} {table}"))) == sorted(map(repr, pieces.rows(f"{key} {table}"))), (
            table
        )


@pytest.mark.rule("HZ-11", "HZ-27", "EV-06")
def test_what_a_new_contact_did_before_it_was_one_counts_from_the_first_day(company: Make) -> None:
    one = company(
        world(
            webinar(ONE, registrants=[registrant(ADA)]),
            email_events=[email_event("OPEN", ADA, 1, "2026-11-01T00:00:00+00:00")],
            forms=[form("f1", [(ADA, "2026-11-19T00:00:00+00:00"), (BOB, "2026-11-01T00:00:00+00:00")])],
        )
    )
    one.run()
    found = one.contact(ADA)
    assert found is not None
    assert (found["turnout_emails_opened_30d"], found["turnout_forms_submitted_1y"]) == ("1", "1")
    assert found["turnout_last_activity_at"] == "2026-11-19T00:00:00.000Z"
    assert one.emails() == {ADA}, "a form alone makes nobody a contact"
    plan, _ = one.workspace.plan()
    assert plan.total == 0
