-- What did HubSpot say of each meeting, each time it said something new?
-- grain: one row per event of hubspot/meetings
-- units: activity_key is the first 60 bits of the md5 of the activity's id; the lists hold HubSpot's object ids;
--        properties is the JSON of all that was read of one that came from Salesforce, else null
-- rule:  HS-01, a meeting was scheduled when its record was created
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
                    "hs_meeting_title": "VARCHAR",
                    "hs_meeting_body": "VARCHAR",
                    "hs_meeting_start_time": "VARCHAR",
                    "hs_meeting_end_time": "VARCHAR",
                    "hs_meeting_outcome": "VARCHAR",
                    "hs_meeting_location": "VARCHAR",
                    "hubspot_owner_id": "VARCHAR",
                    "turnout_id": "VARCHAR"
                },
                "associations": {"contacts": ["BIGINT"], "companies": ["BIGINT"], "deals": ["BIGINT"]}
            }'
        ) as told
    from raw_hubspot__meetings

),

named as (

    select
        event_id,
        account,
        cast('0x' || left(md5('meeting_scheduled:' || account || ':' || key), 15) as bigint) as activity_key,
        key as object_id,
        kind,
        occurred_at,
        observed_at,
        case
            when told.createdat between '1900-01-01 00:00:00+00' and '2200-01-01 00:00:00+00' then told.createdat
            else occurred_at
        end as happened_at,
        coalesce(told.properties.hs_meeting_title, '') as subject,
        coalesce(told.properties.hs_meeting_body, '') as body,
        coalesce(told.properties.hs_meeting_start_time, '') as start_time,
        coalesce(told.properties.hs_meeting_end_time, '') as end_time,
        coalesce(told.properties.hs_meeting_outcome, '') as outcome,
        coalesce(told.properties.hs_meeting_location, '') as location,
        nullif(told.properties.hubspot_owner_id, '') as hubspot_owner_id,
        nullif(told.properties.turnout_id, '') as turnout_id,
        case when told.properties.turnout_id <> '' then cast(payload -> '$.properties' as varchar) end as properties,
        coalesce(told.archived, false) as is_archived,
        coalesce(told.associations.contacts, []) as contact_ids,
        coalesce(told.associations.companies, []) as company_ids,
        coalesce(told.associations.deals, []) as deal_ids
    from parsed

)

select * from named
