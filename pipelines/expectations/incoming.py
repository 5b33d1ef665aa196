"""What is expected of what came in: the staging tables, and when each source was last read."""

from __future__ import annotations

from pipelines.expectations import FEW, READINGS, Expectation, Suite
from pipelines.expectations.kinds import complete, known, once, ordered, past, staying, steady

SEEN = "kind = 'seen'"
STALE_HOURS = 48
EMAIL_EVENTS = (
    *("SENT", "DELIVERED", "OPEN", "CLICK", "BOUNCE", "DROPPED", "DEFERRED", "PROCESSED", "STATUSCHANGE"),
    *("SPAMREPORT", "UNBOUNCE", "FORWARD", "PRINT", "SUPPRESSED"),
)
OUT_OF_SESSION = f"""
    select out_count || ' of ' || all_count || ' connections lie more than an hour outside their session' as what
    from (
        select
            count(*) as all_count,
            count(*) filter (
                where connections.joined_at < sessions.start_at - interval 1 hour
                or connections.joined_at > sessions.end_at + interval 1 hour
            ) as out_count
        from {{batch}} as connections
        inner join (
            select session_key, min(start_at) as start_at, max(end_at) as end_at
            from stg_zoom__instances where kind = 'seen' group by session_key
        ) as sessions on connections.session_key = sessions.session_key
    )
    where out_count > greatest({FEW}, all_count // 10)
"""
REPORT_LOST = f"""
    select lost_count || ' of ' || told_count || ' rows of participant reports are not in the table' as what
    from (
        select
            sum(greatest(reports.told - coalesce(kept.row_count, 0), 0)) as lost_count,
            sum(reports.told) as told_count
        from (
            select session_key, arg_max(report_row_count, (read_at, observed_at)) as told
            from stg_zoom__report_reads group by session_key
        ) as reports
        left join (
            select session_key, count(distinct connection_key) as row_count from {{batch}} group by session_key
        ) as kept on reports.session_key = kept.session_key
    )
    where lost_count > greatest({FEW}, told_count // 20)
"""
REGISTRANT_LOST = f"""
    select lost_count || ' of ' || all_count || ' registrants belong to a webinar that was never read' as what
    from (
        select count(*) as all_count, count(*) filter (where webinars.webinar_id is null) as lost_count
        from {{batch}} as registrants
        left join (
            select webinar_id from stg_zoom__webinars union select webinar_id from stg_zoom__instances
        ) as webinars
            on registrants.webinar_id = webinars.webinar_id
    )
    where lost_count > greatest({FEW}, all_count // 10)
"""


def freshness(source: str, about: str) -> Suite:
    """Expect a source to have been read when the others were; by the vendors' clocks, never by the machine's."""
    sql = f"""
        select source || ' was last read ' || behind_hours || ' hours before the latest reading' as what
        from {{batch}} where behind_hours > {STALE_HOURS}
    """
    claim = f"{source} was last read at most {STALE_HOURS} hours before the latest reading of any vendor."
    expected = Expectation(f"expect_{source}_to_be_fresh", claim, "none", ("behind_hours",), sql=sql)
    return Suite(f"readings_of_{source}", "came in", READINGS, (expected,), f"source = '{source}'", about=about)


def salesforce_people(noun: str) -> Suite:
    """Expect the same of Contacts and Leads."""
    return Suite(
        f"stg_salesforce__{noun}",
        "came in",
        f"stg_salesforce__{noun}",
        (
            once(f"salesforce_{noun}"),
            staying(f"salesforce_{noun}", "record_id"),
            Expectation(
                f"expect_whole_ids_of_salesforce_{noun}",
                f"An id has 18 characters (up to {FEW} may not).",
                "true",
                ("record_id",),
                sql="length(record_id) = 18",
                few=FEW,
                is_blocking=True,
            ),
        ),
    )


def of_marketo(noun: str, key: str, *more: Expectation, empty: tuple[str, ...]) -> tuple[Suite, Suite]:
    """Expect of each thing of Marketo's that it stands once and does not vanish with others, and more of each."""
    table = f"stg_marketo__{noun}"
    return (
        Suite(table, "came in", table, (once(f"marketo_{noun}"), *more), SEEN, empty=empty),
        Suite(f"{table}_of_all_time", "came in", table, (staying(f"marketo_{noun}", key),)),
    )


def engagements(noun: str, *more: Expectation) -> Suite:
    """Expect the same of every kind of engagement, and more of some."""
    table = f"stg_hubspot__{noun}"
    return Suite(table, "came in", table, (once(f"hubspot_{noun}"), *more), SEEN)


SUITES = (
    freshness("zoom", "stg_zoom__webinars"),
    freshness("hubspot", "stg_hubspot__contacts"),
    freshness("salesforce", "stg_salesforce__contacts"),
    freshness("marketo", "stg_marketo__programs"),
    Suite(
        "stg_zoom__registrants",
        "came in",
        "stg_zoom__registrants",
        (
            once("registrants"),
            complete("registrants", "email", "A registrant has an address"),
            complete("registrants", "webinar_id", "A registration names its webinar"),
            known(
                "registrants", "status", "A status that has a meaning.", "approved", "pending", "denied", "cancelled"
            ),
            past("registrations", "registered_at"),
            steady("registrations", "registered_at"),
            Expectation(
                "expect_the_webinar_of_registrants",
                f"The webinar of a registration was read (up to 10 % may be unknown, or {FEW}).",
                "none",
                ("webinar_id",),
                sql=REGISTRANT_LOST,
                is_blocking=True,
            ),
        ),
        SEEN,
        reads=("stg_zoom__webinars", "stg_zoom__instances"),
        empty=("email", "status"),
    ),
    Suite(
        "stg_zoom__registrants_of_all_time",
        "came in",
        "stg_zoom__registrants",
        (staying("registrants", "registrant_key"),),
    ),
    Suite(
        "stg_zoom__participants",
        "came in",
        "stg_zoom__participants",
        (
            once("participants"),
            complete("participants", "joined_at", "A connection has a time at which it began"),
            complete("participants", "left_at", "A connection has a time at which it ended", 50),
            ordered("connections", "joined_at", "left_at"),
            past("connections", "joined_at"),
            Expectation(
                "expect_connections_within_their_session",
                f"Connections lie within their session, give or take an hour (up to 10 % may not, or {FEW}): a time "
                "zone read wrong moves them all.",
                "none",
                ("joined_at",),
                sql=OUT_OF_SESSION,
                is_blocking=True,
            ),
            Expectation(
                "expect_as_many_connections_as_zoom_reports",
                f"Every row that Zoom's reports had is in the table (up to 5 % may lack, or {FEW}).",
                "none",
                ("connection_key",),
                sql=REPORT_LOST,
                is_blocking=True,
            ),
        ),
        SEEN,
        reads=("stg_zoom__instances", "stg_zoom__report_reads"),
    ),
    Suite(
        "stg_zoom__webinars",
        "came in",
        "stg_zoom__webinars",
        (
            once("webinars"),
            complete("webinars", "webinar_id", "A webinar has an id"),
            complete("webinars", "topic", "A webinar has a title", 50, blocking=False),
            known("webinars", "webinar_type", "5, 6 or 9, the types that Zoom documents.", "5", "6", "9"),
            Expectation(
                "expect_webinars_of_a_day_at_most",
                f"A webinar is planned for 0 to 1440 minutes (up to {FEW} are not).",
                "within",
                ("duration_minutes",),
                low=0,
                high=1440,
                few=FEW,
                is_blocking=True,
            ),
        ),
        SEEN,
        empty=("topic",),
    ),
    Suite("stg_zoom__webinars_of_all_time", "came in", "stg_zoom__webinars", (staying("webinars", "webinar_id"),)),
    Suite(
        "stg_zoom__instances",
        "came in",
        "stg_zoom__instances",
        (
            once("sessions"),
            complete("sessions", "start_at", "A session has a time at which it began"),
            ordered("sessions", "start_at", "end_at"),
        ),
        SEEN,
    ),
    Suite(
        "stg_zoom__users",
        "came in",
        "stg_zoom__users",
        (
            complete("users", "email", "A user has an address"),
            known("users", "status", "A status that has a meaning.", "active", "inactive", "pending"),
        ),
        SEEN,
        empty=("email", "status"),
    ),
    Suite(
        "stg_hubspot__contacts",
        "came in",
        "stg_hubspot__contacts",
        (
            once("contacts"),
            complete("contacts", "contact_id", "A contact has an id that is a number"),
            complete("contacts", "created_at", "A contact has a time at which it was created", 50),
            complete("contacts", "email", "A contact has an address", 90, blocking=False),
        ),
        SEEN,
        empty=("email",),
    ),
    Suite(
        "stg_hubspot__contacts_of_all_time", "came in", "stg_hubspot__contacts", (staying("contacts", "contact_id"),)
    ),
    Suite(
        "stg_hubspot__email_events",
        "came in",
        "stg_hubspot__email_events",
        (
            once("email_events"),
            complete("email_events", "email", "An email event has a recipient"),
            known("email_events", "event_type", "A type that HubSpot documents.", *EMAIL_EVENTS),
            past("email_events", "happened_at"),
            steady("email_events", "happened_at"),
        ),
        empty=("email", "event_type"),
    ),
    Suite(
        "stg_hubspot__form_submissions",
        "came in",
        "stg_hubspot__form_submissions",
        (
            once("form_submissions"),
            complete("form_submissions", "email", "Who sends in a form leaves an address", 50, blocking=False),
            past("form_submissions", "submitted_at"),
            steady("form_submissions", "submitted_at"),
        ),
        empty=("email",),
    ),
    engagements(
        "calls", known("calls", "direction", "Inbound or outbound, where it is told.", "", "INBOUND", "OUTBOUND")
    ),
    engagements(
        "emails",
        known(
            "emails",
            "direction",
            "A direction that HubSpot documents.",
            *("", "EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL", "DRAFT_EMAIL"),
        ),
    ),
    engagements(
        "meetings",
        known(
            "meetings",
            "outcome",
            "An outcome that every portal has.",
            *("", "SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "NO SHOW", "CANCELED"),
        ),
    ),
    engagements("notes"),
    engagements(
        "tasks",
        known(
            "tasks",
            "status",
            "A status that HubSpot documents.",
            *("", "NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"),
        ),
    ),
    salesforce_people("contacts"),
    salesforce_people("leads"),
    *of_marketo(
        "programs",
        "program_id",
        complete("marketo_programs", "program_id", "A program has an id that is a number"),
        complete("marketo_programs", "channel", "A program has a channel"),
        empty=("channel",),
    ),
    *of_marketo(
        "members",
        "program_id, lead_id",
        complete("marketo_members", "lead_id", "A membership names its lead"),
        complete("marketo_members", "status", "A member has a status in the program"),
        past("marketo_members", "member_since_at"),
        empty=("status",),
    ),
    *of_marketo(
        "leads",
        "lead_id",
        complete("marketo_leads", "lead_id", "A lead has an id that is a number"),
        complete("marketo_leads", "email", "A lead has an address", 90, blocking=False),
        empty=("email",),
    ),
)
