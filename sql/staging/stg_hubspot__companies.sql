-- Which record of Salesforce is each company that activities name?
-- grain: one row per event of hubspot/companies
-- units: company_id is HubSpot's object id as a number; short_id is the id of an account, 15 characters, ''
--        where there is none
-- rule:  HS-19
with

parsed as (

    select
        event_id,
        account,
        try_cast(key as bigint) as company_id,
        kind,
        occurred_at,
        observed_at,
        from_json(payload, '{"archived": "BOOLEAN", "properties": {"salesforceaccountid": "VARCHAR"}}') as told
    from raw_hubspot__companies

),

named as (

    select
        event_id,
        account,
        company_id,
        kind,
        occurred_at,
        observed_at,
        left(coalesce(told.properties.salesforceaccountid, ''), 15) as short_id,
        coalesce(told.archived, false) as is_archived
    from parsed

)

select * from named
