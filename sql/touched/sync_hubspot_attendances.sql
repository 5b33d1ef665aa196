-- Whose steps in which webinar may be to tell otherwise now
-- grain: one row per key of sync_hubspot_attendances, at least of those whose rows differ
-- narrowed: int_participations by webinar_id and person_key; int_people by person_key of int_participations;
--   int_contacts by contact_id of int_people
with

people as (

    select
        person_key,
        contact_id
    from int_people
    union all
    select
        person_key,
        contact_id
    from int_people__changed

),

contacts as (

    select contact_id from int_contacts__changed
    union
    select contact_id from int_contacts
    where email_key in (select email_key from int_excluded_addresses__changed)

),

persons as (

    select person_key from int_people__changed
    union
    select person_key from int_people
    where contact_id in (select contact_id from contacts)

),

told as (

    select distinct
        split_part(object_key, '|', 1) as external_event_id,
        try_cast(split_part(object_key, '|', 2) as bigint) as contact_id
    from int_published__changed
    where destination = 'hubspot' and object = 'attendance'

)

select
    webinar_id,
    person_key
from int_participations__changed
union
select
    webinar_id,
    person_key
from int_participations
where person_key in (select person_key from persons)
union
select
    int_participations.webinar_id,
    int_participations.person_key
from told
inner join people using (contact_id)
inner join int_participations using (external_event_id, person_key)
