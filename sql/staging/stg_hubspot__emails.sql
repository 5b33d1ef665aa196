-- What did HubSpot say of each sales email, each time it said something new?
-- grain: one row per event of hubspot/emails
-- units: activity_key is the first 60 bits of the md5 of the activity's id; the lists hold HubSpot's object ids;
--        properties is the JSON of all that was read of one that came from Salesforce, else null
-- rule:  HS-01, a sales email occurred at its hs_timestamp; sent is direction EMAIL and status SENT
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
                    "hs_email_subject": "VARCHAR",
                    "hs_email_text": "VARCHAR",
                    "hs_email_html": "VARCHAR",
                    "hs_email_direction": "VARCHAR",
                    "hs_email_status": "VARCHAR",
                    "hs_timestamp": "VARCHAR",
                    "hubspot_owner_id": "VARCHAR",
                    "turnout_id": "VARCHAR"
                },
                "associations": {"contacts": ["BIGINT"], "companies": ["BIGINT"], "deals": ["BIGINT"]}
            }'
        ) as told
    from raw_hubspot__emails

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
        cast('0x' || left(md5('sales_email_sent:' || account || ':' || key), 15) as bigint) as activity_key,
        key as object_id,
        kind,
        occurred_at,
        observed_at,
        coalesce(
            case when told_at between '1900-01-01 00:00:00+00' and '2200-01-01 00:00:00+00' then told_at end,
            case when created_at between '1900-01-01 00:00:00+00' and '2200-01-01 00:00:00+00' then created_at end,
            occurred_at
        ) as happened_at,
        coalesce(told.properties.hs_email_subject, '') as subject,
        coalesce(nullif(told.properties.hs_email_text, ''), told.properties.hs_email_html, '') as body,
        upper(coalesce(told.properties.hs_email_direction, '')) as direction,
        upper(coalesce(told.properties.hs_email_status, '')) as status,
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
