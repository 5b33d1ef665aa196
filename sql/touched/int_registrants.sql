-- Which registrations may look different now: new events, and those whose time has come
-- grain: one row per key of int_registrants, at least of those whose rows differ
-- narrowed: stg_zoom__registrants by webinar_id and registrant_key
select
    webinar_id,
    registrant_key
from stg_zoom__registrants__changed
where webinar_id is not null
union
select
    webinar_id,
    registrant_key
from stg_zoom__registrants
where webinar_id is not null and occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select
    webinar_id,
    registrant_key
from stg_zoom__registrants
where
    webinar_id is not null
    and registered_at >= getvariable('as_of_before')
    and registered_at < getvariable('as_of')
