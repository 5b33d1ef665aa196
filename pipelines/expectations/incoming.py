"""What is expected of what came in: the staging tables, and when each source was last read."""

from __future__ import annotations

from pipelines.expectations import FEW, READINGS, Expectation, Suite

SEEN = "kind = 'seen'"
STALE_HOURS = 48
WEEKLY = 20
"""A stream that had so many events in each of four weeks is expected to have some in the fifth."""
EMAIL_EVENTS = (
    *("SENT", "DELIVERED", "OPEN", "CLICK", "BOUNCE", "DROPPED", "DEFERRED", "PROCESSED", "STATUSCHANGE"),
    *("SPAMREPORT", "UNBOUNCE", "FORWARD", "PRINT", "SUPPRESSED"),
)


def complete(noun: str, column: str, words: str, share: int = 10, *, blocking: bool = True) -> Expectation:
    """Expect a column that is needed to make anything of a row; a few rows without it are set aside."""
    return Expectation(
        f"expect_{noun}_to_have_{column}",
        f"{words} (up to {share} % of them may lack it, or {FEW}).",
        "complete",
        (column,),
        share=share,
        few=FEW,
        is_blocking=blocking,
    )


def once(noun: str, *columns: str, words: str = "") -> Expectation:
    """Expect that no event stands twice."""
    told = words or f"No event of {noun.replace('_', ' ')} stands twice in the table."
    return Expectation(f"expect_{noun}_once", told, "unique", columns or ("event_id",), is_blocking=True)


def known(noun: str, column: str, words: str, *values: str) -> Expectation:
    """Expect words that we know the meaning of; a new one is named, and holds nothing up."""
    return Expectation(f"expect_known_{column}_of_{noun}", words, "known", (column,), values=values)


def past(noun: str, column: str) -> Expectation:
    """Expect nothing from the future: the sign of a time zone read wrong."""
    return Expectation(
        f"expect_{noun}_not_in_the_future",
        f"{column} is not later than the vendors' clocks at the last reading (up to 5 % may be, or {FEW}).",
        "true",
        (column,),
        sql=f"{column} <= {{read_at}} + interval 1 hour",
        share=5,
        few=FEW,
        is_blocking=True,
    )


def steady(noun: str, column: str) -> Expectation:
    """Expect events this week where each of the four weeks before had some."""
    sql = f"""
        select 'none in the last 7 days; at least ' || least_count || ' in each of the 4 weeks before' as what
        from (
            select
                count(*) filter (where weeks = 0) as last_count,
                least(
                    count(*) filter (where weeks = 1), count(*) filter (where weeks = 2),
                    count(*) filter (where weeks = 3), count(*) filter (where weeks = 4)
                ) as least_count
            from (
                select cast(floor((epoch({{read_at}}) - epoch({column})) / 604800) as bigint) as weeks
                from {{batch}} where {column} > {{read_at}} - interval 35 day and {column} <= {{read_at}}
            )
        )
        where last_count = 0 and least_count >= {WEEKLY}
    """
    claim = f"The last 7 days are not empty where each of the 4 weeks before had {WEEKLY} or more."
    return Expectation(f"expect_{noun}_as_usual", claim, "none", (column,), sql=sql)


def staying(noun: str, key: str) -> Expectation:
    """Expect that a list does not lose a large part of its records within a day: an empty answer looks like that."""
    sql = f"""
        select gone_count || ' of ' || all_count || ' are gone within a day' as what
        from (
            select
                count(*) as all_count,
                count(*) filter (where is_gone and last_at > {{read_at}} - interval 1 day) as gone_count
            from (
                select
                    arg_max(kind, (occurred_at, observed_at, event_id)) = 'absent' as is_gone,
                    max(occurred_at) as last_at
                from {{batch}} group by {key}
            )
        )
        where gone_count > greatest({FEW}, all_count * 3 // 10)
    """
    claim = f"Not more than 30 % of the {noun.replace('_', ' ')} are gone within a day (or {FEW})."
    return Expectation(f"expect_{noun}_not_to_vanish", claim, "none", (key,), sql=sql, is_blocking=True)


def ordered(noun: str, first: str, second: str) -> Expectation:
    """Expect an end after its beginning."""
    return Expectation(
        f"expect_{noun}_to_end_after_they_begin",
        f"{second} is not before {first} (up to 5 % may be, or {FEW}).",
        "true",
        (first, second),
        sql=f"{second} >= {first}",
        share=5,
        few=FEW,
        is_blocking=True,
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


def engagements(noun: str, *more: Expectation) -> Suite:
    """Expect the same of every kind of engagement, and more of some."""
    table = f"stg_hubspot__{noun}"
    return Suite(table, "came in", table, (once(f"hubspot_{noun}"), *more), SEEN)


SUITES = (
    freshness("zoom", "stg_zoom__webinars"),
    freshness("hubspot", "stg_hubspot__contacts"),
    freshness("salesforce", "stg_salesforce__contacts"),
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
)
