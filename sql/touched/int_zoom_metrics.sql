-- Whose sums may differ now: by what they did, by a webinar that came into scope, or as a window moved on
-- grain: one row per key of int_zoom_metrics, at least of those whose rows differ
-- narrowed: int_people by subject_key; int_attendances by person_key of int_people; int_registrations by person_key
--   of int_people
with

people as (

    select
        person_key,
        subject_key
    from int_people
    union all
    select
        person_key,
        subject_key
    from int_people__changed

),

persons as (

    select person_key from int_registrations__changed
    union
    select person_key from int_attendances__changed
    union
    select person_key from int_registrations
    where webinar_id in (select webinar_id from int_webinars__changed)
    union
    select person_key from int_attendances
    where webinar_id in (select webinar_id from int_webinars__changed)
    union
    select person_key from int_attendances
    where
        joined_at >= date_trunc('day', getvariable('as_of_before')) - interval 30 day
        and joined_at < date_trunc('day', getvariable('as_of')) - interval 30 day
    union
    select person_key from int_attendances
    where
        joined_at >= date_trunc('day', getvariable('as_of_before')) - interval 1 year
        and joined_at < date_trunc('day', getvariable('as_of')) - interval 1 year

)

select subject_key from int_people__changed
union
select people.subject_key
from people
inner join persons using (person_key)
