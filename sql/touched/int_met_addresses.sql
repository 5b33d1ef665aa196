-- Which addresses are new in Zoom, or known there no more?
-- grain: one row per key of int_met_addresses, at least of those whose rows differ
-- narrowed: int_registrants by email_key; stg_zoom__participants by email_key
with

came as (

    select email_key from int_registrants__came
    union
    select email_key from stg_zoom__participants__came

)

select email_key from came
where email_key is not null and email_key not in (select email_key from int_met_addresses__before)
union
select email_key from int_registrants__gone
where
    email_key is not null
    and email_key not in (select email_key from int_registrants__came where email_key is not null)
