-- What did HubSpot say of each note, each time it said something new?
-- grain: one row per event of hubspot/notes
-- units: activity_key is the first 60 bits of the md5 of the activity's id; the lists hold HubSpot's object ids
-- rule:  HS-01, a note occurred when its record was created
with

parsed as (

    select
        event_id,
        account,
        key,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "createdAt": "TIMESTAMPTZ",
                "archived": "BOOLEAN",
                "properties": {
                    "hs_note_body": "VARCHAR",
                    "hubspot_owner_id": "VARCHAR",
                    "turnout_id": "VARCHAR"
                },
                "associations": {"contacts": ["BIGINT"], "companies": ["BIGINT"], "deals": ["BIGINT"]}
            }'
        ) as told
    from raw_hubspot__notes

),

named as (

    select
        event_id,
        account,
        cast('0x' || left(md5('note_created:' || account || ':' || key), 15) as bigint) as activity_key,
        key as object_id,
        kind,
        occurred_at,
        observed_at,
        case
            when told.createdat between '1900-01-01 00:00:00+00' and '2200-01-01 00:00:00+00' then told.createdat
            else occurred_at
        end as happened_at,
        '' as subject,
        coalesce(told.properties.hs_note_body, '') as body,
        nullif(told.properties.hubspot_owner_id, '') as hubspot_owner_id,
        nullif(told.properties.turnout_id, '') as turnout_id,
        coalesce(told.archived, false) as is_archived,
        coalesce(told.associations.contacts, []) as contact_ids,
        coalesce(told.associations.companies, []) as company_ids,
        coalesce(told.associations.deals, []) as deal_ids
    from parsed

)

select * from named
