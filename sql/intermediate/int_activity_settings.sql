-- Which activities go to Salesforce, and as what?
-- grain: one row per activity type, by the settings in force at as_of; the first ever known where as_of is before them
-- units: since_at and salesforce_since_at are UTC, null without a cut-off; task_type is '' for a Task without a type
-- rule:  EV-13, HS-01, HS-06, HS-08
with

ordered as (

    select
        *,
        row_number() over (
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_turnout__settings

),

types as (

    select unnest([
        'form_submission',
        'marketing_email_sent',
        'marketing_email_opened',
        'marketing_email_clicked',
        'sales_email_sent',
        'sales_email_opened',
        'sales_email_clicked',
        'meeting_scheduled',
        'call_made',
        'note_created',
        'sales_content_viewed',
        'task_created',
        'integration_event'
    ]) as activity_type

),

in_force as (

    select
        types.activity_type,
        coalesce(
            cast(ordered.activities ->> ('$.' || types.activity_type || '.sync') as boolean), true
        ) as is_synced,
        coalesce(ordered.activities ->> ('$.' || types.activity_type || '.task_type'), '') as task_type,
        ordered.activities_since_at as since_at,
        ordered.salesforce_since_at,
        ordered.is_bot_included,
        ordered.portal_time_zone
    from ordered
    cross join types
    where ordered.nearness = 1

)

select * from in_force
