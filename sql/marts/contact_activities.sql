-- What did each contact do, or what was done with them?
-- grain: one row per contact_id and activity; one for all sendings, openings and clicks of one email of a kind
-- units: occurred_at is the first time, last_at the last, UTC; times is how often; subject is the newest one
-- rule:  HS-06, HS-07; what a machine opened is left out unless the settings count it, and what was deleted
-- incremental: contact_id
with

theirs as (

    select
        unnest(activities.contact_ids) as contact_id,
        activities.activity_id,
        activities.activity_type,
        activities.occurred_at,
        activities.subject,
        activities.email_campaign_id,
        coalesce('email:' || activities.email_campaign_id, activities.activity_id) as together
    from int_activities as activities
    inner join int_activity_settings as settings
        on activities.activity_type = settings.activity_type
    where
        not activities.is_deleted
        and activities.occurred_at <= getvariable('as_of')
        and (not activities.is_bot or settings.is_bot_included)

),

gathered as (

    select
        contact_id,
        activity_type,
        min(activity_id) as activity_id,
        min(occurred_at) as occurred_at,
        max(occurred_at) as last_at,
        count(*) as times,
        arg_max(subject, (occurred_at, activity_id)) as subject,
        min(email_campaign_id) as email_campaign_id
    from theirs
    group by contact_id, activity_type, together

)

select * from gathered
