-- Whose registrations and attendances may look different now
-- grain: one row per key of int_webinar_activities, at least of those whose rows differ
-- narrowed: int_registrations by webinar_id and person_key; int_attendances by webinar_id and person_key; int_people
--   by person_key
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
where person_key in (select person_key from int_people__changed)
union
select
    webinar_id,
    person_key
from int_registrations
where webinar_id in (select webinar_id from int_webinars__changed)
union
select
    webinar_id,
    person_key
from int_attendances
where person_key in (select person_key from int_people__changed)
union
select
    webinar_id,
    person_key
from int_attendances
where webinar_id in (select webinar_id from int_occurrences__changed)
