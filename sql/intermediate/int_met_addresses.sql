-- Which addresses were ever met in Zoom?
-- grain: one row per email_key of a registrant or of a participant
-- rule:  HZ-10
-- incremental: email_key
with

met as (

    select
        email,
        email_key
    from int_registrants
    where email_key is not null
    union
    select
        email,
        email_key
    from stg_zoom__participants
    where email_key is not null

)

select * from met
