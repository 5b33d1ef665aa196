-- What did each contact do, or what was done with them?
-- grain: one row per contact_id and activity; one for all sendings, openings and clicks of one email of a kind
-- units: occurred_at is the first time, last_at the last, UTC; times is how often; subject is the newest one;
--        gathered_key is the email's campaign, and for all else the activity's own key
-- rule:  HZ-12, HS-06, HS-07; what a machine opened is left out unless the settings count it, and what was deleted,
--        and the calls and meetings that we made of what is in Zoom
-- incremental: contact_id, activity_type, gathered_key
with

theirs as (

    select
        unnest(activities.contact_ids) as contact_id,
        activities.activity_id,
        activities.activity_type,
        activities.occurred_at,
        activities.subject,
        activities.email_campaign_id,
        coalesce(activities.email_campaign_id, activities.activity_key) as gathered_key
    from int_activities as activities
    inner join int_activity_settings as settings
        on activities.activity_type = settings.activity_type
    where
        not activities.is_deleted
        and coalesce(activities.turnout_id, 'sf:') like 'sf:%'
        and activities.occurred_at <= getvariable('as_of')
        and (not activities.is_bot or settings.is_bot_included)
    union all
    select
        contact_id,
        'meeting_attended:' || session_uuid as activity_id,
        'meeting_attended' as activity_type,
        joined_at as occurred_at,
        topic as subject,
        cast(null as bigint) as email_campaign_id,
        cast('0x' || left(md5('meeting_attended:' || session_uuid), 15) as bigint) as gathered_key
    from int_meeting_attendances
    where out_of_scope_reason is null

),

gathered as (

    select
        contact_id,
        activity_type,
        gathered_key,
        min(activity_id) as activity_id,
        min(occurred_at) as occurred_at,
        max(occurred_at) as last_at,
        count(*) as times,
        arg_max(subject, (occurred_at, activity_id)) as subject,
        min(email_campaign_id) as email_campaign_id
    from theirs
    group by contact_id, activity_type, gathered_key

)

select * from gathered
