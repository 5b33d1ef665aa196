-- What did HubSpot say of each call, each time it said something new?
-- grain: one row per event of hubspot/calls
-- units: activity_key is the first 60 bits of the md5 of the activity's id; the lists hold HubSpot's object ids;
--        duration_ms is milliseconds; disposition_id is HubSpot's id of an outcome; properties
--        is the JSON of all that was read of one that came from Salesforce, else null
-- rule:  HS-01, a call occurred at its hs_timestamp
with

parsed as (

    select
        event_id,
        account,
        key,
        kind,
        occurred_at,
        observed_at,
        payload,
        from_json(
            payload,
            '{
                "createdAt": "TIMESTAMPTZ",
                "archived": "BOOLEAN",
                "properties": {
                    "hs_call_title": "VARCHAR",
                    "hs_call_body": "VARCHAR",
                    "hs_call_duration": "VARCHAR",
                    "hs_call_disposition": "VARCHAR",
                    "hs_call_direction": "VARCHAR",
                    "hs_timestamp": "VARCHAR",
                    "hubspot_owner_id": "VARCHAR",
                    "turnout_id": "VARCHAR"
                },
                "associations": {"contacts": ["BIGINT"], "companies": ["BIGINT"], "deals": ["BIGINT"]}
            }'
        ) as told
    from raw_hubspot__calls

),

timed as (

    select
        *,
        told.createdat as created_at,
        coalesce(
            try_cast(told.properties.hs_timestamp as timestamptz),
            case
                when try_cast(told.properties.hs_timestamp as bigint) between 0 and 7258118400000
                    then timezone('UTC', make_timestamp(cast(told.properties.hs_timestamp as bigint) * 1000))
            end
        ) as told_at
    from parsed

),

named as (

    select
        event_id,
        account,
        cast('0x' || left(md5('call_made:' || account || ':' || key), 15) as bigint) as activity_key,
        key as object_id,
        kind,
        occurred_at,
        observed_at,
        coalesce(
            case when told_at between '1900-01-01 00:00:00+00' and '2200-01-01 00:00:00+00' then told_at end,
            case when created_at between '1900-01-01 00:00:00+00' and '2200-01-01 00:00:00+00' then created_at end,
            occurred_at
        ) as happened_at,
        coalesce(told.properties.hs_call_title, '') as subject,
        coalesce(told.properties.hs_call_body, '') as body,
        try_cast(told.properties.hs_call_duration as bigint) as duration_ms,
        lower(coalesce(told.properties.hs_call_disposition, '')) as disposition_id,
        coalesce(told.properties.hs_call_direction, '') as direction,
        nullif(told.properties.hubspot_owner_id, '') as hubspot_owner_id,
        nullif(told.properties.turnout_id, '') as turnout_id,
        case when told.properties.turnout_id <> '' then cast(payload -> '$.properties' as varchar) end as properties,
        coalesce(told.archived, false) as is_archived,
        coalesce(told.associations.contacts, []) as contact_ids,
        coalesce(told.associations.companies, []) as company_ids,
        coalesce(told.associations.deals, []) as deal_ids
    from timed

)

select * from named
