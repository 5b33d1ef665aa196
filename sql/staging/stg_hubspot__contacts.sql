-- What did HubSpot say of each contact, each time it said something new?
-- grain: one row per event of hubspot/contacts
-- units: contact_id is HubSpot's object id as a number; the lists hold instants, UTC; merged_properties is the JSON of
--        all that was told of a contact that others were merged into, null for any other
-- rule:  HZ-06, HZ-07, HZ-10
with

parsed as (

    select
        event_id,
        account,
        try_cast(key as bigint) as contact_id,
        kind,
        occurred_at,
        observed_at,
        cast(payload -> '$.properties' as varchar) as properties,
        from_json(
            payload,
            '{
                "createdAt": "TIMESTAMPTZ",
                "archived": "BOOLEAN",
                "properties": {
                    "email": "VARCHAR",
                    "hs_additional_emails": "VARCHAR",
                    "firstname": "VARCHAR",
                    "lastname": "VARCHAR",
                    "hs_merged_object_ids": "VARCHAR",
                    "salesforcecontactid": "VARCHAR",
                    "salesforceleadid": "VARCHAR"
                },
                "propertiesWithHistory": {
                    "hs_sales_email_last_opened": [{"value": "VARCHAR"}],
                    "hs_sales_email_last_clicked": [{"value": "VARCHAR"}],
                    "hs_document_last_revisited": [{"value": "VARCHAR"}]
                }
            }'
        ) as told
    from raw_hubspot__contacts

),

named as (

    select
        event_id,
        account,
        contact_id,
        kind,
        occurred_at,
        observed_at,
        lower(trim(coalesce(told.properties.email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as email,
        lower(coalesce(told.properties.hs_additional_emails, '')) as secondary_emails,
        coalesce(told.properties.firstname, '') as first_name,
        coalesce(told.properties.lastname, '') as last_name,
        coalesce(told.properties.hs_merged_object_ids, '') as merged_ids,
        case when told.properties.hs_merged_object_ids <> '' then properties end as merged_properties,
        coalesce(told.properties.salesforcecontactid, '') as salesforce_contact_id,
        coalesce(told.properties.salesforceleadid, '') as salesforce_lead_id,
        told.createdat as created_at,
        coalesce(told.archived, false) as is_archived,
        coalesce(told.propertieswithhistory.hs_sales_email_last_opened, []) as sales_opens,
        coalesce(told.propertieswithhistory.hs_sales_email_last_clicked, []) as sales_clicks,
        coalesce(told.propertieswithhistory.hs_document_last_revisited, []) as content_views
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
