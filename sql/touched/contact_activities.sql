-- Whose activities may look different now: new ones, those whose time has come, and all where machines count otherwise
-- grain: one row per key of contact_activities, at least of those whose rows differ
select unnest(contact_ids) as contact_id from int_activities__changed
union
select unnest(contact_ids) as contact_id from int_activities
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select unnest(activities.contact_ids) as contact_id
from int_activities as activities
inner join int_activity_settings__changed as settings
    on activities.activity_type = settings.activity_type
union
select contact_id from int_meeting_attendances__changed
