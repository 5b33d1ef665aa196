-- Which records at the destinations are somebody's, and what are they about?
-- of: records
-- rule:  EV-04
select
    'hubspot' as destination,
    'contact' as object,
    object_key,
    email as about,
    cast(null as timestamptz) as happened_at
from sync_hubspot_contacts
where
    object_key = cast(getvariable('contact_id') as varchar)
    or object_key in (select unnest(getvariable('emails')))
union all
select
    'hubspot' as destination,
    'attendance' as object,
    object_key,
    external_event_id || ' ' || step as about,
    timezone('UTC', make_timestamp(cast("interactionDateTime" as bigint) * 1000)) as happened_at
from sync_hubspot_attendances
where person_key in (select unnest(getvariable('person_keys')))
union all
select
    'hubspot' as destination,
    'attendance' as object,
    object_key,
    object_key as about,
    cast(null as timestamptz) as happened_at
from sync_hubspot_turned_away
where whose in (select unnest(getvariable('emails')))
union all
select
    'salesforce' as destination,
    'task' as object,
    task_key as object_key,
    activity_type as about,
    occurred_at as happened_at
from int_activity_people
where contact_id = getvariable('contact_id')
order by destination, object, happened_at desc, object_key
