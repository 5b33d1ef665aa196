-- Who registered for which webinar, of those who may be synced?
-- grain: one row per webinar_id and person_key with a registration that stands or once stood
-- units: times are UTC; cancelled_at is null while any registration of the person stands
-- rule:  HZ-22, HZ-23
-- incremental: webinar_id, person_key
with

known as (

    select
        int_registrants.webinar_id,
        int_addresses.person_key,
        int_registrants.registered_at,
        int_registrants.state,
        int_registrants.left_at,
        int_registrants.first_name,
        int_registrants.last_name,
        int_registrants.registrant_key
    from int_registrants
    inner join int_addresses using (email_key)
    where int_registrants.has_stood and int_addresses.zoom_reason is null

),

grouped as (

    select
        webinar_id,
        person_key,
        min(registered_at) as first_registered_at,
        max(registered_at) as registered_at,
        bool_or(state in ('approved', 'pending')) as is_standing,
        max(left_at) as left_at,
        arg_max(first_name, (registered_at, registrant_key)) as first_name,
        arg_max(last_name, (registered_at, registrant_key)) as last_name
    from known
    group by webinar_id, person_key

),

registrations as (

    select
        webinar_id,
        person_key,
        first_registered_at,
        registered_at,
        is_standing,
        case when not is_standing then left_at end as cancelled_at,
        first_name,
        last_name
    from grouped

)

select * from registrations
order by webinar_id
