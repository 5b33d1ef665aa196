-- No two addresses share a key: a collision of the 60-bit hash would mix two people up.
-- grain: one row per email_key that stands for several addresses
with

met as (

    select
        email,
        email_key
    from stg_zoom__registrants
    union
    select
        email,
        email_key
    from stg_zoom__participants
    union
    select
        email,
        email_key
    from stg_hubspot__contacts
    union
    select
        email,
        email_key
    from stg_hubspot__email_events
    union
    select
        email,
        email_key
    from stg_hubspot__form_submissions

),

collisions as (

    select
        email_key,
        count(*) as address_count
    from met
    where email_key is not null
    group by email_key
    having count(*) > 1

)

select * from collisions
