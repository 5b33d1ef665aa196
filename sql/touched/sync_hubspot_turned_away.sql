-- Of which registrations and connections may the reason differ now
-- grain: one row per key of sync_hubspot_turned_away, at least of those whose rows differ
-- narrowed: int_registrants by webinar_id and email = whose; int_connections by webinar_id and coalesce(email,
--   'connection ' || cast(connection_key as varchar)) = whose; int_occurrences by webinar_id; int_addresses by
--   email_key of int_registrants; int_registrations by webinar_id; int_attendances by webinar_id
with

moved_addresses as (

    (
        select
            email_key,
            person_key,
            zoom_reason
        from int_addresses__came
        except
        select
            email_key,
            person_key,
            zoom_reason
        from int_addresses__gone
    )
    union
    (
        select
            email_key,
            person_key,
            zoom_reason
        from int_addresses__gone
        except
        select
            email_key,
            person_key,
            zoom_reason
        from int_addresses__came
    )

),

addresses as (

    select
        email_key,
        person_key
    from int_addresses
    union all
    select
        email_key,
        person_key
    from moved_addresses

),

changed_webinars as (

    select webinar_id from int_occurrences__changed

),

reregistered as (

    select
        int_registrations__changed.webinar_id,
        addresses.email_key
    from int_registrations__changed
    inner join addresses using (person_key)

),

registrations as (

    select
        webinar_id,
        email as whose
    from int_registrants__changed
    union
    select
        webinar_id,
        email as whose
    from int_registrants
    where email_key in (select email_key from moved_addresses)
    union
    select
        webinar_id,
        email as whose
    from int_registrants
    where webinar_id in (select webinar_id from changed_webinars)
    union
    select
        int_registrants.webinar_id,
        int_registrants.email as whose
    from int_registrants
    inner join reregistered using (webinar_id, email_key)

),

connections as (

    select
        webinar_id,
        email,
        connection_key
    from int_connections__changed
    union
    select
        webinar_id,
        email,
        connection_key
    from int_connections
    where reason is not null and webinar_id in (select webinar_id from changed_webinars)
    union
    select
        int_connections.webinar_id,
        int_connections.email,
        int_connections.connection_key
    from int_connections
    inner join int_attendances__changed using (webinar_id, occurrence_id, person_key)
    where int_connections.reason is not null

)

select
    webinar_id,
    whose
from registrations
where whose is not null
union
select
    webinar_id,
    coalesce(email, 'connection ' || cast(connection_key as varchar)) as whose
from connections
union
select
    webinar_id,
    whose
from sync_hubspot_turned_away__before
where webinar_id in (select webinar_id from changed_webinars)
