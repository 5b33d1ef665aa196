-- What is their part in one date of a webinar, and what is it made of?
-- of: attendance
-- rule:  HZ-20, HZ-22, HZ-24; every connection of theirs, with the reason of what does not count
with

parts as (

    select *
    from int_participations
    where
        external_event_id = getvariable('field')
        and person_key in (select unnest(getvariable('person_keys')))

),

mine as (

    select connections.connection_key
    from int_connections as connections
    inner join int_occurrences as dates using (webinar_id, occurrence_id)
    where
        dates.external_event_id = getvariable('field')
        and connections.identity_key in (select unnest(getvariable('email_keys')))

),

told as (

    select
        'zoom/participants' as stream,
        participants.event_id,
        participants.occurred_at
    from mine
    inner join stg_zoom__participants as participants using (connection_key)
    union all
    select
        'zoom/registrants' as stream,
        told.event_id,
        told.occurred_at
    from int_registrants as registered
    inner join stg_zoom__registrants as told using (webinar_id, registrant_key)
    where
        registered.email_key in (select unnest(getvariable('email_keys')))
        and registered.webinar_id in (
            select webinar_id from int_occurrences
            where external_event_id = getvariable('field')
        )
    union all
    select
        'zoom/instances' as stream,
        instances.event_id,
        instances.occurred_at
    from int_occurrences as dates
    inner join int_sessions using (webinar_id, occurrence_id)
    inner join stg_zoom__instances as instances using (session_key)
    where dates.external_event_id = getvariable('field')

),

evidence as (

    select
        list(
            {
                'stream': stream,
                'event_id': event_id,
                'at': occurred_at
            }
            order by stream, occurred_at
        ) as events
    from told

)

select
    coalesce(parts.joined_at, parts.registered_at) as happened_at,
    dates.external_event_id,
    dates.topic,
    dates.status,
    dates.out_of_scope_reason,
    parts.state,
    parts.registered_at,
    parts.cancelled_at,
    parts.joined_at,
    parts.left_at,
    parts.attended_us // 1000000 as attended_seconds,
    dates.actual_us // 1000000 as actual_seconds,
    cast(((parts.attended_ppq + 50000000000) // 100000000000) * 0.01 as decimal(5, 2)) as attendance_pct,
    evidence.events
from int_occurrences as dates
cross join evidence
left join parts
    on dates.external_event_id = parts.external_event_id
where dates.external_event_id = getvariable('field')
