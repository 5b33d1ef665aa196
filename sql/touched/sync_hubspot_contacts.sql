-- Of whom may something else be to tell now
-- grain: one row per key of sync_hubspot_contacts, at least of those whose rows differ
-- narrowed: int_contacts by cast(contact_id as varchar) = object_key; int_addresses by email = object_key;
--   int_people by email = object_key; int_zoom_metrics by subject_key of int_people; contact_metrics by subject_key
--   = contact_id of int_contacts; contact_metrics by subject_key of int_people; int_published by object_key
with

contacts as (

    select contact_id from int_contacts__changed
    union
    select subject_key as contact_id from contact_metrics__changed
    where subject_key > 0
    union
    select contact_id from int_contacts
    where email_key in (select email_key from int_excluded_addresses__changed)
    union
    select contact_id from int_crm_registrations__changed
    where contact_id is not null

),

subjects as (

    select subject_key from int_zoom_metrics__changed
    union
    select subject_key from contact_metrics__changed
    union
    select subject_key from int_zoom_metrics
    where first_webinar_id in (select webinar_id from int_webinars__changed)

),

newcomers as (

    select email
    from int_people
    where contact_id is null and subject_key in (select subject_key from subjects)
    union
    select email from int_people__changed

)

select cast(contact_id as varchar) as object_key from contacts
union
select email as object_key from newcomers
where email is not null
union
select email as object_key from int_addresses__changed
union
select object_key from int_published__changed
where destination = 'hubspot' and object = 'contact'
