-- Under which addresses does whose activity in the CRM stand?
-- grain: one row per email_key of a contact, or of somebody met in Zoom who will become one
-- rule:  HZ-06
-- incremental: email_key
with

whose as (

    select
        email_key,
        contact_id as subject_key
    from int_contact_addresses
    union all by name
    select
        int_people.person_key as email_key,
        int_people.subject_key
    from int_people
    inner join int_zoom_metrics using (subject_key)
    where int_people.contact_id is null

)

select * from whose
