-- Whose registrations may differ now: of registrants, or of addresses that changed
-- grain: one row per key of int_registrations, at least of those whose rows differ
-- narrowed: int_addresses by person_key; int_registrants by email_key of int_addresses with webinar_id
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

registrants as (

    select
        webinar_id,
        email_key
    from int_registrants__changed
    union
    select
        webinar_id,
        email_key
    from int_registrants
    where email_key in (select email_key from moved_addresses)

)

select distinct
    registrants.webinar_id,
    addresses.person_key
from registrants
inner join addresses using (email_key)
