-- What may look different now: new activities, those whose time has come, and all where machines count otherwise
-- grain: one row per key of contact_activities, at least of those whose rows differ
-- narrowed: int_activities by coalesce(mine.email_campaign_id, mine.activity_key) = gathered_key and
--   if(starts_with(mine.activity_type, 'marketing_email'), mine.contact_ids[1], mine.activity_key) =
--   if(starts_with(other.activity_type, 'marketing_email'), other.contact_id, other.gathered_key);
--   int_meeting_attendances by contact_id
with

moved as (

    select
        contact_ids,
        activity_type,
        coalesce(email_campaign_id, activity_key) as gathered_key
    from int_activities__changed
    union
    select
        contact_ids,
        activity_type,
        coalesce(email_campaign_id, activity_key) as gathered_key
    from int_activities
    where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
    union
    select
        activities.contact_ids,
        activities.activity_type,
        coalesce(activities.email_campaign_id, activities.activity_key) as gathered_key
    from int_activities as activities
    inner join int_activity_settings__changed as settings
        on activities.activity_type = settings.activity_type

)

select
    unnest(contact_ids) as contact_id,
    activity_type,
    gathered_key
from moved
union
select
    contact_id,
    'meeting_attended' as activity_type,
    cast('0x' || left(md5('meeting_attended:' || session_uuid), 15) as bigint) as gathered_key
from int_meeting_attendances__changed
