-- What did HubSpot say of each sales email, each time it said something new?
-- grain: one row per event of hubspot/emails
-- units: activity_key is the first 60 bits of the md5 of the activity's id; the lists hold HubSpot's object ids
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
            try_cast(told.properties.hs_timestamp as timestamptz),
            timezone('UTC', make_timestamp(try_cast(told.properties.hs_timestamp as bigint) * 1000)),
            told.createdat,
            occurred_at
        ) as happened_at,
        coalesce(told.properties.hs_email_subject, '') as subject,
        coalesce(nullif(told.properties.hs_email_text, ''), told.properties.hs_email_html, '') as body,
        upper(coalesce(told.properties.hs_email_direction, '')) as direction,
        upper(coalesce(told.properties.hs_email_status, '')) as status,
        nullif(told.properties.hubspot_owner_id, '') as hubspot_owner_id,
        nullif(told.properties.turnout_id, '') as turnout_id,
        coalesce(told.archived, false) as is_archived,
        coalesce(told.associations.contacts, []) as contact_ids,
        coalesce(told.associations.companies, []) as company_ids,
        coalesce(told.associations.deals, []) as deal_ids
    from parsed

)

select * from named
