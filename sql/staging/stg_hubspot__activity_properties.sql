-- Which properties do the portal's tasks, emails, calls and meetings have?
-- grain: one row per event of hubspot/activity_properties, which is read of the kinds that come from Salesforce
-- units: activity_kind is task, email, call or meeting
-- rule:  HS-15
with

parsed as (

    select
        event_id,
        account,
        key,
        kind,
        occurred_at,
        observed_at,
        from_json(payload, '{"type": "VARCHAR"}') as told
    from raw_hubspot__activity_properties

),

named as (

    select
        event_id,
        account,
        rtrim(split_part(key, '.', 1), 's') as activity_kind,
        split_part(key, '.', 2) as property_name,
        kind,
        occurred_at,
        observed_at,
        told.type as property_type
    from parsed

)

select * from named
