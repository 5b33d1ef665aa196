-- Which registrations and connections are told to nobody, and why?
-- grain: one row per object_key: external event id and address, or connection where there is no address
-- rule:  HZ-04 to HZ-10, HZ-20, HZ-22
-- destination: hubspot
-- object: attendance
-- apart: webinar_id, whose
-- incremental: webinar_id, whose
with

registrations as (

    select
        int_occurrences.external_event_id || '|' || int_registrants.email || '|register' as object_key,
        int_registrants.webinar_id,
        int_registrants.email as whose,
        min(coalesce(
            int_occurrences.out_of_scope_reason,
            int_addresses.zoom_reason,
            'denied'
        )) as reason
    from int_registrants
    inner join int_addresses using (email_key)
    inner join int_occurrences using (webinar_id)
    where
        int_addresses.zoom_reason is not null
        or (
            not int_registrants.has_stood
            and (int_registrants.webinar_id, int_addresses.person_key) not in (
                select (webinar_id, person_key) from int_registrations
            )
        )
    group by int_occurrences.external_event_id, int_registrants.webinar_id, int_registrants.email

),

connections as (

    select
        int_occurrences.external_event_id
        || '|'
        || coalesce(int_connections.email, 'connection ' || cast(int_connections.connection_key as varchar))
        || '|attend' as object_key,
        int_connections.webinar_id,
        coalesce(int_connections.email, 'connection ' || cast(int_connections.connection_key as varchar)) as whose,
        min(coalesce(int_occurrences.out_of_scope_reason, int_connections.reason)) as reason
    from int_connections
    inner join int_occurrences using (webinar_id, occurrence_id)
    where
        int_connections.reason is not null
        and (
            int_connections.person_key is null
            or (int_connections.webinar_id, int_connections.occurrence_id, int_connections.person_key) not in (
                select (webinar_id, occurrence_id, person_key) from int_attendances
            )
        )
    group by
        int_occurrences.external_event_id,
        int_connections.webinar_id,
        coalesce(int_connections.email, 'connection ' || cast(int_connections.connection_key as varchar))

),

turned_away as (

    select * from registrations
    union all by name
    select * from connections

)

select
    object_key,
    cast(null as varchar) as vendor_id,
    webinar_id,
    whose,
    reason
from turned_away
