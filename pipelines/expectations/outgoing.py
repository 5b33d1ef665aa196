"""What is expected of what was computed (the marts, the verdicts) and of what is about to go out (the plan)."""

from __future__ import annotations

from pipelines.expectations import PLAN, Expectation, Suite
from pipelines.settings import ACTIVITY_TYPES

HORIZON = "interval 1 day"


def bounded(noun: str, column: str, high: int | None = None) -> Expectation:
    """Expect a number within its bounds, always."""
    bounds = f"0 to {high}" if high is not None else "0 or more"
    return Expectation(
        f"expect_{column}_of_{noun}_in_range",
        f"{column} is {bounds}.",
        "within",
        (column,),
        low=0,
        high=high,
        is_blocking=True,
    )


def named(noun: str, *columns: str) -> Expectation:
    """Expect that the grain holds."""
    return Expectation(
        f"expect_{noun}_once", f"{' and '.join(columns)} name one row.", "unique", columns, is_blocking=True
    )


def known(noun: str, column: str, *values: str) -> Expectation:
    """Expect words of our own making and no other."""
    return Expectation(
        f"expect_known_{column}_of_{noun}",
        f"{column} is one of {', '.join(values)}.",
        "known",
        (column,),
        values=values,
        is_blocking=True,
    )


def not_after(noun: str, column: str) -> Expectation:
    """Expect nothing from after the moment that the tables describe."""
    return Expectation(
        f"expect_{column}_of_{noun}_by_as_of",
        f"{column} is not later than the moment that the table describes.",
        "true",
        (column,),
        sql=f"{column} <= {{as_of}}",
        is_blocking=True,
    )


def number(field: str) -> str:
    """Return what a plan would write into a field, as a number."""
    return f"try_cast(changes ->> '$.\"{field}\"[1]' as decimal(18, 2))"


def text(field: str) -> str:
    """Return what a plan would write into a field."""
    return f"(changes ->> '$.\"{field}\"[1]')"


def of_row(name: str, claim: str, sql: str, *columns: str) -> Expectation:
    """Expect something of every row of a plan."""
    return Expectation(name, claim, "true", columns, sql=sql, is_blocking=True)


COUNTS = (
    *("webinars_registered", "webinars_attended", "occurrences_attended", "emails_opened_1y", "emails_clicked_1y"),
    "forms_submitted_1y",
)
CREATED_WITH = ("email", "firstname", "lastname", "turnout_source")


def plan_of(destination: str, *more: Expectation) -> Suite:
    """Expect the same of what goes to any destination, and more of some."""
    return Suite(
        f"plan_{destination}",
        "goes out",
        PLAN,
        (
            Expectation(
                f"expect_a_key_of_{destination}_records",
                "Each record has the key by which it is known.",
                "complete",
                ("object_key",),
                is_blocking=True,
            ),
            Expectation(
                f"expect_{destination}_records_once",
                "A record is written once.",
                "unique",
                ("object", "object_key"),
                is_blocking=True,
            ),
            Expectation(
                f"expect_known_operations_at_{destination}",
                "A record is created, updated or deleted.",
                "known",
                ("operation",),
                values=("create", "update", "delete"),
                is_blocking=True,
            ),
            *more,
        ),
        f"destination = '{destination}'",
        about=f"published_{destination}",
        destination=destination,
        empty=("object_key",),
    )


def accounted(destination: str) -> Expectation:
    """Expect that what could have been published and what became of it are the same records: in = out + reasons."""
    sql = f"""
        select
            coalesce(wanted.object, told.object) || ': ' || coalesce(wanted.record_count, 0) || ' candidates, '
            || coalesce(told.record_count, 0) || ' verdicts' as what
        from (
            select object, count(distinct object_key) as record_count from candidates
            where destination = '{destination}' group by object
        ) as wanted
        full join (
            select object, count(*) as record_count from {{batch}} where object <> 'property' group by object
        ) as told on wanted.object = told.object
        where coalesce(wanted.record_count, 0) <> coalesce(told.record_count, 0)
    """
    claim = "Every candidate has exactly one verdict: what came in is what went out and the reasons."
    return Expectation(f"expect_a_verdict_of_each_{destination}_record", claim, "none", ("object_key",), sql=sql)


MORE_THAN_COUNTED = """
    select 'webinar ' || webinar_id || ': ' || told_count || ' of ' || attended_count || ' attended' as what
    from (
        select webinars.webinar_id, webinars.attended_count, count(*) as told_count
        from {batch} as webinars
        inner join contact_webinars as parts
            on webinars.webinar_id = parts.webinar_id and webinars.occurrence_id = parts.occurrence_id
        where parts.state = 'attended'
        group by webinars.webinar_id, webinars.occurrence_id, webinars.attended_count
    )
    where told_count > attended_count
"""

SUITES = (
    Suite(
        "contact_metrics",
        "computed",
        "contact_metrics",
        (
            named("contact_metrics", "subject_key"),
            bounded("contact_metrics", "avg_attendance_pct", 100),
            *(bounded("contact_metrics", column) for column in COUNTS),
            not_after("contact_metrics", "last_activity_at"),
        ),
    ),
    Suite(
        "contact_webinars",
        "computed",
        "contact_webinars",
        (
            named("contact_webinars", "subject_key", "webinar_id", "occurrence_id"),
            known("contact_webinars", "state", "registered", "cancelled", "attended", "no_show"),
            bounded("contact_webinars", "attendance_pct", 100),
            bounded("contact_webinars", "attended_seconds"),
        ),
    ),
    Suite(
        "webinars",
        "computed",
        "webinars",
        (
            named("dates", "webinar_id", "occurrence_id"),
            known("webinars", "status", "scheduled", "running", "ended", "cancelled", "never_started"),
            bounded("webinars", "registered_count"),
            bounded("webinars", "attended_count"),
            of_row(
                "expect_counts_of_webinars_to_add_up",
                "Who attended and had registered, did not come or cancelled are no more than registered.",
                "matched_count <= attended_count and matched_count + no_show_count <= registered_count",
                *("matched_count", "attended_count", "no_show_count", "registered_count"),
            ),
            Expectation(
                "expect_no_more_to_have_attended_than_counted",
                "No date has more people who attended among the contacts than were counted of it.",
                "none",
                ("webinar_id", "occurrence_id", "attended_count"),
                sql=MORE_THAN_COUNTED,
                is_blocking=True,
            ),
        ),
        reads=("contact_webinars",),
    ),
    Suite(
        "contact_activities",
        "computed",
        "contact_activities",
        (
            named("contact_activities", "contact_id", "activity_id"),
            known("contact_activities", "activity_type", *ACTIVITY_TYPES),
            not_after("contact_activities", "occurred_at"),
        ),
    ),
    Suite(
        "recordings",
        "computed",
        "recordings",
        (
            Expectation(
                "expect_recordings_to_have_share_url",
                "A recording that is shown has an address to watch it at.",
                "complete",
                ("share_url",),
                is_blocking=True,
            ),
        ),
        empty=("share_url",),
    ),
    plan_of(
        "hubspot",
        of_row(
            "expect_contacts_to_keep_their_own_fields",
            "Of a contact that is there, nothing is written but fields of the group turnout.",
            "object <> 'contact' or operation <> 'update' or "
            "len(list_filter(json_keys(changes), lambda name: not starts_with(name, 'turnout_'))) = 0",
            *("object", "operation", "changes"),
        ),
        of_row(
            "expect_contacts_to_be_created_with_an_address",
            "A contact is created with an address.",
            f"object <> 'contact' or operation <> 'create' or coalesce({text('email')}, '') like '%_@_%'",
            *("object", "operation", "changes"),
        ),
        of_row(
            "expect_average_attendance_as_a_percentage",
            "turnout_avg_attendance_pct is 0 to 100.",
            f"object <> 'contact' or coalesce({text('turnout_avg_attendance_pct')}, '') = '' "
            f"or {number('turnout_avg_attendance_pct')} between 0 and 100",
            *("object", "changes"),
        ),
        of_row(
            "expect_contacts_to_be_told_what_happened",
            "turnout_last_activity_at is not later than the moment that the plan describes.",
            f"object <> 'contact' or try_cast({text('turnout_last_activity_at')} as timestamptz) <= {{as_of}}",
            *("object", "changes"),
        ),
        of_row(
            "expect_records_that_are_updated_to_be_known",
            "A contact that is updated is named by HubSpot's id.",
            "object <> 'contact' or operation = 'create' or vendor_id is not null",
            *("object", "operation", "vendor_id"),
        ),
    ),
    plan_of(
        "salesforce",
        of_row(
            "expect_tasks_to_be_of_somebody",
            "A Task that is created is of a Contact or a Lead.",
            f"object <> 'task' or operation <> 'create' or coalesce({text('WhoId')}, '') <> ''",
            *("object", "operation", "changes"),
        ),
        of_row(
            "expect_tasks_to_be_told_what_happened",
            "Turnout_Occurred_At__c is not later than the moment that the plan describes.",
            f"try_cast({text('Turnout_Occurred_At__c')} as timestamptz) <= {{as_of}}",
            "changes",
        ),
        of_row(
            "expect_tasks_of_a_known_type",
            "Turnout_Activity__c is one of the thirteen types.",
            f"coalesce({text('Turnout_Activity__c')}, '') in ('', {', '.join(repr(name) for name in ACTIVITY_TYPES)})",
            "changes",
        ),
    ),
    plan_of("marketo"),
    plan_of("zoom"),
    *(
        Suite(
            f"verdicts_{destination}",
            "goes out",
            "verdicts",
            (accounted(destination),),
            f"destination = '{destination}'",
            about=f"published_{destination}",
            destination=destination,
            reads=("candidates",),
        )
        for destination in ("hubspot", "salesforce", "marketo", "zoom")
    ),
)
