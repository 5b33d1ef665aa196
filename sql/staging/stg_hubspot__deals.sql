-- Which record of Salesforce is each deal that activities name?
-- grain: one row per event of hubspot/deals
-- units: deal_id is HubSpot's object id as a number; short_id is the id of an opportunity, 15 characters, ''
--        where there is none
-- rule:  HS-19
with

parsed as (

    select
        event_id,
        account,
        try_cast(key as bigint) as deal_id,
        kind,
        occurred_at,
        observed_at,
        from_json(payload, '{"archived": "BOOLEAN", "properties": {"hs_salesforceopportunityid": "VARCHAR"}}') as told
    from raw_hubspot__deals

),

named as (

    select
        event_id,
        account,
        deal_id,
        kind,
        occurred_at,
        observed_at,
        left(coalesce(told.properties.hs_salesforceopportunityid, ''), 15) as short_id,
        coalesce(told.archived, false) as is_archived
    from parsed

)

select * from named
