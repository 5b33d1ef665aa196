-- Whose part in which webinar may differ now
-- grain: one row per key of contact_webinars, at least of those whose rows differ
-- narrowed: int_people by subject_key; int_participations by person_key of int_people with webinar_id
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

parts as (

    select
        person_key,
        webinar_id
    from int_participations__changed
    union
    select
        person_key,
        webinar_id
    from int_participations
    where person_key in (select person_key from int_people__changed)

)

select
    people.subject_key,
    parts.webinar_id
from parts
inner join people using (person_key)
