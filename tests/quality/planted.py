"""Faults as SQL: how each would look in the tables, which checks name it, and what is held back for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.tasks.oracle import eighteen
from tests.worlds import NOW, contact, email_event, form, joined, registrant, session, webinar, world, z

EVERYWHERE = frozenset({"hubspot", "marketo", "salesforce", "zoom"})
HUBSPOT = frozenset({"hubspot"})
MARKETO = frozenset({"marketo", "zoom"})
"""Who is registered in Marketo is registered in Zoom."""
NONE: frozenset[str] = frozenset()
PEOPLE = [f"p{number}@x.example" for number in range(60)]


def company_world() -> dict[str, Any]:
    """Sixty people, in HubSpot and in Salesforce; one webinar that most came to, five weeks of emails, a form."""
    now = datetime.fromisoformat(NOW)
    emails = [
        email_event("SENT", email, 7, z(now - timedelta(days=3 + 7 * week, minutes=at)))
        for week in range(5)
        for at, email in enumerate(PEOPLE[:25])
    ]
    made = "2025-02-01T00:00:00.000+0000"
    people = [
        {"Id": eighteen(f"0030000000{at:05d}"), "LastName": "P", "Email": email, "CreatedDate": made}
        for at, email in enumerate(PEOPLE)
    ]
    told = world(
        webinar(
            84759841045,
            registrants=[registrant(email) for email in PEOPLE],
            instances=[session("u1==", "10:00", "11:00", [joined(email, "10:05", "10:50") for email in PEOPLE[:50]])],
        ),
        contacts=[contact(500 + at, email) for at, email in enumerate(PEOPLE)],
        email_events=emails,
        email_campaigns=[{"id": 7, "name": "Seven", "subject": "Hello"}],
        forms=[form("f1", [(email, "2026-11-01T10:00:00+00:00") for email in PEOPLE[:5]])],
    )
    told["salesforce"] = [{"time_zone": "UTC", "task_types": ["Call", "Email"], "Contact": people}]
    some = [{"id": 11 + at, "email": email} for at, email in enumerate(PEOPLE[:30])]
    joined_at = "2026-10-01T08:00:00Z"
    told["marketo"] = [
        {
            "munchkin_id": "100-ABC-200",
            "leads": some,
            "channels": [{"name": "Webinar"}],
            "programs": [{"id": 1001, "channel": "Webinar", "createdAt": joined_at}],
            "members": [
                {"programId": 1001, "leadId": lead["id"], "status": "Invited", "membershipDate": joined_at}
                for lead in some
            ],
        }
    ]
    return told


@dataclass(frozen=True)
class Fault:
    """A fault in one table.

    Attributes:
        sql: the rows as the fault leaves them; `{rows}` stands for the sound ones.
        caught: the checks that must fail, all of them and no other. named: words that must be told of it.
    """

    name: str
    table: str
    sql: str
    caught: tuple[str, ...]
    held: frozenset[str]
    named: str = ""


FAULTS = (
    Fault(
        "a field is missing",
        "stg_zoom__registrants",
        "select * replace ('' as email) from {rows}",
        ("expect_registrants_to_have_email",),
        EVERYWHERE,
    ),
    Fault(
        "rows are doubled",
        "stg_zoom__participants",
        "from {rows} union all from {rows}",
        ("expect_participants_once",),
        EVERYWHERE,
    ),
    Fault(
        "times are in the wrong zone",
        "stg_zoom__participants",
        "select * replace (joined_at + interval 5 hour as joined_at, left_at + interval 5 hour as left_at) from {rows}",
        ("expect_connections_within_their_session",),
        EVERYWHERE,
        "50 of 50 connections lie more than an hour outside their session",
    ),
    Fault(
        "times are of the future",
        "stg_zoom__registrants",
        "select * replace (registered_at + interval 30 day as registered_at) from {rows}",
        ("expect_registrations_not_in_the_future",),
        EVERYWHERE,
    ),
    Fault(
        "a list comes back empty",
        "stg_zoom__registrants",
        "from {rows} union all by name select * replace ('absent' as kind, {read_at} as occurred_at, "
        "event_id || '1'::blob as event_id) from {rows}",
        ("expect_registrants_not_to_vanish",),
        EVERYWHERE,
        "60 of 60 are gone within a day",
    ),
    Fault(
        "all contacts are gone",
        "stg_hubspot__contacts",
        "from {rows} union all by name select * replace ('absent' as kind, {read_at} as occurred_at, "
        "event_id || '1'::blob as event_id) from {rows}",
        ("expect_contacts_not_to_vanish",),
        EVERYWHERE,
        "60 of 60 are gone within a day",
    ),
    Fault(
        "a stream runs dry",
        "stg_hubspot__email_events",
        "from {rows} where happened_at < {read_at} - interval 7 day",
        ("expect_email_events_as_usual",),
        NONE,
        "none in the last 7 days; at least 25 in each of the 4 weeks before",
    ),
    Fault(
        "a new value of a vocabulary",
        "stg_zoom__registrants",
        "select * replace (case when email like 'p1%' then 'waitlisted' else status end as status) from {rows}",
        ("expect_known_status_of_registrants",),
        NONE,
        "waitlisted in 11 rows",
    ),
    Fault(
        "a new type of event",
        "stg_hubspot__email_events",
        "select * replace ('SNOOZED' as event_type) from {rows}",
        ("expect_known_event_type_of_email_events",),
        NONE,
        "SNOOZED in 125 rows",
    ),
    Fault(
        "a vocabulary holds what somebody typed",
        "stg_hubspot__email_events",
        "select * replace ('ada@x.example' as event_type) from {rows}",
        ("expect_known_event_type_of_email_events",),
        NONE,
        "what is no word in 125 rows",
    ),
    Fault(
        "a source is stale",
        "readings",
        "select * replace (case when source = 'zoom' then 72 else behind_hours end as behind_hours) from {rows}",
        ("expect_zoom_to_be_fresh",),
        NONE,
        "zoom was last read 72 hours before the latest reading",
    ),
    Fault(
        "members have lost their status",
        "stg_marketo__members",
        "select * replace ('' as status) from {rows}",
        ("expect_marketo_members_to_have_status",),
        MARKETO,
    ),
    Fault(
        "an empty answer of Marketo: all leads are gone",
        "stg_marketo__leads",
        "select * replace ('absent' as kind, {read_at} as occurred_at) from {rows}",
        ("expect_marketo_leads_not_to_vanish",),
        MARKETO,
        "30 of 30 are gone within a day",
    ),
    Fault(
        "ids are no longer numbers",
        "stg_hubspot__contacts",
        "select * replace (cast(null as bigint) as contact_id) from {rows}",
        ("expect_contacts_to_have_contact_id",),
        EVERYWHERE,
    ),
    Fault(
        "an end before its beginning",
        "stg_zoom__participants",
        "select * replace (joined_at - interval 10 minute as left_at) from {rows}",
        ("expect_connections_to_end_after_they_begin",),
        EVERYWHERE,
    ),
    Fault(
        "a unit changed: seconds for minutes",
        "stg_zoom__webinars",
        "select w.* replace (3600 as duration_minutes, event_id || cast(n as varchar)::blob as event_id) "
        "from {rows} as w, range(30) as more(n)",
        ("expect_webinars_of_a_day_at_most",),
        EVERYWHERE,
    ),
    Fault(
        "rows of a report are lost",
        "stg_zoom__participants",
        "from {rows} limit 10",
        ("expect_as_many_connections_as_zoom_reports",),
        EVERYWHERE,
        "40 of 50 rows of participant reports are not in the table",
    ),
    Fault(
        "records refer to what was never read",
        "stg_zoom__registrants",
        "select * replace (1 as webinar_id) from {rows}",
        ("expect_the_webinar_of_registrants",),
        EVERYWHERE,
        "60 of 60 registrants belong to a webinar that was never read",
    ),
    Fault(
        "a percentage above one hundred",
        "contact_metrics",
        "select * replace (cast(140 as decimal(5, 2)) as avg_attendance_pct) from {rows}",
        ("expect_avg_attendance_pct_of_contact_metrics_in_range",),
        HUBSPOT,
    ),
    Fault(
        "a join fans out",
        "contact_metrics",
        "from {rows} union all from {rows}",
        ("expect_contact_metrics_once",),
        HUBSPOT,
    ),
    Fault(
        "a count below zero",
        "contact_metrics",
        "select * replace (cast(-1 as bigint) as emails_opened_1y) from {rows}",
        ("expect_emails_opened_1y_of_contact_metrics_in_range",),
        HUBSPOT,
    ),
    Fault(
        "an activity after the moment of the tables",
        "contact_activities",
        "select * replace ({as_of} + interval 2 day as occurred_at) from {rows}",
        ("expect_occurred_at_of_contact_activities_by_as_of",),
        NONE,
    ),
    Fault(
        "a state that we do not know",
        "contact_webinars",
        "select * replace ('maybe' as state) from {rows}",
        ("expect_known_state_of_contact_webinars",),
        NONE,
        "maybe in 60 rows",
    ),
    Fault(
        "more attended than were counted",
        "webinars",
        "select * replace (0::bigint as attended_count, 0::bigint as matched_count) from {rows}",
        ("expect_no_more_to_have_attended_than_counted",),
        NONE,
        "webinar 84759841045: 50 of 0 attended",
    ),
    Fault(
        "a plan writes over a name",
        "plan",
        """select * replace ('{"firstname": ["Old", "New"]}' as changes) from {rows}
        where object = 'contact' and operation = 'update'""",
        ("expect_contacts_to_keep_their_own_fields",),
        HUBSPOT,
    ),
    Fault(
        "a plan writes a record twice",
        "plan",
        "from {rows} union all from {rows} where destination = 'hubspot'",
        ("expect_hubspot_records_once",),
        HUBSPOT,
    ),
    Fault(
        "a plan tells of the future",
        "plan",
        """select * replace ('{"turnout_last_activity_at": [null, "2027-01-01T00:00:00.000Z"]}' as changes) from {rows}
        where object = 'contact'""",
        ("expect_contacts_to_be_told_what_happened",),
        HUBSPOT,
    ),
    Fault(
        "records without a verdict",
        "verdicts",
        "from {rows} where object <> 'marketing_event'",
        ("expect_a_verdict_of_each_hubspot_record",),
        NONE,
        "marketing_event: 1 candidates, 0 verdicts",
    ),
)
