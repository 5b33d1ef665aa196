-- Which org is it, and what is its time zone?
-- grain: one row per event of salesforce/organization
-- units: time_zone is a name like America/Los_Angeles
-- rule:  HS-01, the day of a Task is a day of the org
with

parsed as (

    select
        event_id,
        account,
        key as org_id,
        kind,
        occurred_at,
        observed_at,
        from_json(payload, '{"Name": "VARCHAR", "TimeZoneSidKey": "VARCHAR"}') as told
    from raw_salesforce__organization

),

named as (

    select
        event_id,
        account,
        org_id,
        kind,
        occurred_at,
        observed_at,
        told.name as org_name,
        coalesce(nullif(told.timezonesidkey, ''), 'UTC') as time_zone
    from parsed

)

select * from named
