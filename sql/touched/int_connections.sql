-- Which connections may count otherwise now: new ones, and those whose session, registrant, address or role changed
-- grain: one row per key of int_connections, at least of those whose rows differ
-- narrowed: stg_zoom__participants by connection_key; int_registrants by registrant_key of stg_zoom__participants
select connection_key from stg_zoom__participants__changed
union
select connection_key from stg_zoom__participants
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select connection_key from stg_zoom__participants
where session_key in (select session_key from int_sessions__changed)
union
select connection_key from stg_zoom__participants
where registrant_key in (select registrant_key from int_registrants__changed)
union
select connection_key from int_connections__before
where identity_key in (select email_key from int_addresses__changed)
union
select connection_key from int_connections__before
where
    webinar_id in (
        select webinar_id from int_panelists__changed
        union
        select webinar_id from int_webinars__changed
    )
