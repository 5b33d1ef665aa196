-- Which addresses may be new in Zoom, or known there no more
-- grain: one row per key of int_met_addresses, at least of those whose rows differ
-- narrowed: int_registrants by email_key; stg_zoom__participants by email_key
select email_key from int_registrants__changed
where email_key is not null
union
select email_key from stg_zoom__participants__changed
where email_key is not null and email_key not in (select email_key from int_met_addresses__before)
