-- Whose sums may differ now: by what they did, by a webinar that came into scope, or as a window moved on
-- grain: one row per key of int_zoom_metrics, at least of those whose rows differ
-- narrowed: int_people by subject_key; int_attendances by person_key of int_people; int_registrations by person_key
--   of int_people
with

windows as (

    select
        date_trunc('day', getvariable('as_of_before')) - interval 30 day as since_30d_before,
        date_trunc('day', getvariable('as_of')) - interval 30 day as since_30d,
        date_trunc('day', getvariable('as_of_before')) - interval 1 year as since_1y_before,
        date_trunc('day', getvariable('as_of')) - interval 1 year as since_1y

),

people as (

    select
        person_key,
        subject_key
    from int_people
    union
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
    select int_attendances.person_key
    from int_attendances
    cross join windows
    where
        (
            int_attendances.joined_at >= windows.since_30d_before
            and int_attendances.joined_at < windows.since_30d
        )
        or (
            int_attendances.joined_at >= windows.since_1y_before
            and int_attendances.joined_at < windows.since_1y
        )

)

select subject_key from int_people__changed
union
select people.subject_key
from people
inner join persons using (person_key)
