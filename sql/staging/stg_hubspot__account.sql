-- Which HubSpot portal is it?
-- grain: one row per event of hubspot/account
with

named as (

    select
        event_id,
        account as portal_id,
        occurred_at,
        observed_at,
        payload ->> '$.timeZone' as time_zone
    from raw_hubspot__account
    where kind = 'seen'

)

select * from named
