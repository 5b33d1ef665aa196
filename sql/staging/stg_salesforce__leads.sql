-- What did Salesforce say of each Lead, each time it said something new?
-- grain: one row per event of salesforce/leads
-- units: record_id has 18 characters; email_key is the first 60 bits of the md5 of the normalised address; a kind of
--        absent is a record that was erased for good
-- rule:  HS-03, HS-09
with

parsed as (

    select
        event_id,
        account,
        key as record_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "Email": "VARCHAR",
                "IsConverted": "BOOLEAN",
                "ConvertedContactId": "VARCHAR",
                "ConvertedAccountId": "VARCHAR",
                "OwnerId": "VARCHAR",
                "CreatedDate": "TIMESTAMPTZ",
                "IsDeleted": "BOOLEAN",
                "MasterRecordId": "VARCHAR"
            }'
        ) as told
    from raw_salesforce__leads

),

named as (

    select
        event_id,
        account,
        record_id,
        kind,
        occurred_at,
        observed_at,
        lower(trim(coalesce(told.email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as email,
        coalesce(told.isconverted, false) as is_converted,
        nullif(told.convertedcontactid, '') as converted_contact_id,
        nullif(told.convertedaccountid, '') as converted_account_id,
        cast(null as varchar) as account_id,
        nullif(told.ownerid, '') as owner_id,
        told.createddate as created_at,
        coalesce(told.isdeleted, false) as is_deleted,
        nullif(told.masterrecordid, '') as master_id
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
