-- What are the forms called?
-- grain: one row per event of hubspot/forms
with

named as (

    select
        event_id,
        account,
        key as form_id,
        kind,
        occurred_at,
        observed_at,
        payload ->> '$.name' as form_name
    from raw_hubspot__forms

)

select * from named
