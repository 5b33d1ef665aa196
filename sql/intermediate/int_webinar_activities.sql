-- Which registrations and attendances are activities of contacts?
-- grain: one row per registration, and per attended occurrence, of webinars in scope
-- units: happened_at is UTC; contact_id is null for somebody who is no contact yet
-- rule:  HS-01, integration_event; HZ-02, HZ-04 to HZ-06 and HZ-10 as for all that is published of webinars
-- incremental: webinar_id, person_key
with

registrations as (

    select
        int_registrations.webinar_id,
        int_registrations.person_key,
        int_people.contact_id,
        'integration_event:registered:' || int_registrations.webinar_id || ':' || int_registrations.person_key
            as activity_id,
        cast(int_registrations.webinar_id as varchar) as source_id,
        int_registrations.registered_at as happened_at,
        int_webinars.topic as subject,
        'Registered for the webinar' as body
    from int_registrations
    inner join int_people using (person_key)
    inner join int_webinars using (webinar_id)
    where int_webinars.out_of_scope_reason is null

),

attendances as (

    select
        int_attendances.webinar_id,
        int_attendances.person_key,
        int_people.contact_id,
        'integration_event:attended:' || int_occurrences.external_event_id || ':' || int_attendances.person_key
            as activity_id,
        int_occurrences.external_event_id as source_id,
        int_attendances.joined_at as happened_at,
        int_occurrences.topic as subject,
        'Attended the webinar' || chr(10)
        || 'Joined: ' || strftime(timezone('UTC', int_attendances.joined_at), '%Y-%m-%d %H:%M UTC') || chr(10)
        || 'Left: ' || strftime(timezone('UTC', int_attendances.left_at), '%Y-%m-%d %H:%M UTC') || chr(10)
        || 'Attended: ' || int_attendances.attended_us // 60000000 || ' of '
        || int_attendances.actual_us // 60000000 || ' min' as body
    from int_attendances
    inner join int_people using (person_key)
    inner join int_occurrences using (webinar_id, occurrence_id)
    where int_occurrences.out_of_scope_reason is null

),

everything as (

    select * from registrations
    union all
    select * from attendances

)

select
    *,
    cast('0x' || left(md5(activity_id), 15) as bigint) as activity_key
from everything
