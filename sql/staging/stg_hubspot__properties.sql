-- Which contact properties does the portal have, and can they be written?
-- grain: one row per event of hubspot/properties
with

parsed as (

    select
        event_id,
        account,
        key as property_name,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{"type": "VARCHAR", "groupName": "VARCHAR", "modificationMetadata": {"readOnlyValue": "BOOLEAN"}}'
        ) as told
    from raw_hubspot__properties

),

named as (

    select
        event_id,
        account,
        property_name,
        kind,
        occurred_at,
        observed_at,
        told.type as property_type,
        told.groupname as group_name,
        coalesce(told.modificationmetadata.readonlyvalue, false) as is_read_only
    from parsed

)

select * from named
