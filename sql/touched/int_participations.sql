-- Whose part in which webinar may differ now
-- grain: one row per key of int_participations, at least of those whose rows differ
-- narrowed: int_registrations by webinar_id and person_key; int_attendances by webinar_id and person_key;
--   int_occurrences by webinar_id; int_webinars by webinar_id; int_addresses by person_key; int_registrants by
--   email_key of int_addresses with webinar_id; stg_zoom__registrations_by_occurrence by webinar_id
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

changed_webinars as (

    select webinar_id from int_occurrences__changed
    union
    select webinar_id from int_webinars__changed

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

dated as (

    select
        webinar_id,
        registrant_key
    from stg_zoom__registrations_by_occurrence__changed
    union
    select
        webinar_id,
        registrant_key
    from stg_zoom__registrations_by_occurrence
    where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')

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
    union
    select
        int_registrants.webinar_id,
        int_registrants.email_key
    from int_registrants
    inner join dated using (webinar_id, registrant_key)

)

select
    webinar_id,
    person_key
from int_registrations__changed
union
select
    webinar_id,
    person_key
from int_attendances__changed
union
select
    webinar_id,
    person_key
from int_registrations
where webinar_id in (select webinar_id from changed_webinars)
union
select
    webinar_id,
    person_key
from int_attendances
where webinar_id in (select webinar_id from changed_webinars)
union
select
    webinar_id,
    person_key
from int_participations__before
where webinar_id in (select webinar_id from changed_webinars)
union
select
    registrants.webinar_id,
    addresses.person_key
from registrants
inner join addresses using (email_key)
