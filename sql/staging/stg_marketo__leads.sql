-- Who are the leads that are members of a program?
-- grain: one row per event of marketo/leads; a kind of absent is a lead that was deleted or merged into another
-- units: email_key is the first 60 bits of the md5 of the normalised address
-- rule:  ZM-04, ZM-06
with

parsed as (

    select
        event_id,
        account,
        try_cast(key as bigint) as lead_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "email": "VARCHAR",
                "firstName": "VARCHAR",
                "lastName": "VARCHAR",
                "company": "VARCHAR",
                "phone": "VARCHAR"
            }'
        ) as told
    from raw_marketo__leads

),

named as (

    select
        event_id,
        account,
        lead_id,
        kind,
        occurred_at,
        observed_at,
        lower(trim(coalesce(told.email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as email,
        trim(coalesce(told.firstname, '')) as first_name,
        trim(coalesce(told.lastname, '')) as last_name,
        trim(coalesce(told.company, '')) as company,
        trim(coalesce(told.phone, '')) as phone
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
