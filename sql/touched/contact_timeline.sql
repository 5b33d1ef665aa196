-- Whose timeline may differ now, and by which webinar
-- grain: one row per key of contact_timeline, at least of those whose rows differ
-- narrowed: int_people by subject_key; int_registrations by person_key of int_people with webinar_id;
--   contact_webinars by subject_key and webinar_id; int_meeting_attendances by contact_id = subject_key and
--   meeting_id = webinar_id
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

registrations as (

    select
        person_key,
        webinar_id
    from int_registrations__changed
    union
    select
        person_key,
        webinar_id
    from int_registrations
    where person_key in (select person_key from int_people__changed)
    union
    select
        person_key,
        webinar_id
    from int_registrations
    where webinar_id in (select webinar_id from int_webinars__changed)

)

select
    subject_key,
    webinar_id
from contact_webinars__changed
union
select
    contact_id as subject_key,
    meeting_id as webinar_id
from int_meeting_attendances__changed
union
select
    people.subject_key,
    registrations.webinar_id
from registrations
inner join people using (person_key)
