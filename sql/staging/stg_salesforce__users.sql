-- Who works in the org?
-- grain: one row per event of salesforce/users
-- units: email_key is the first 60 bits of the md5 of the normalised address, null where there is none
-- rule:  HS-16
with

parsed as (

    select
        event_id,
        account,
        key as user_id,
        kind,
        occurred_at,
        observed_at,
        from_json(payload, '{"Email": "VARCHAR"}') as told
    from raw_salesforce__users

),

named as (

    select
        event_id,
        account,
        user_id,
        kind,
        occurred_at,
        observed_at,
        lower(trim(coalesce(told.email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as email
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
