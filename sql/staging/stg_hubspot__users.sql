-- Who can log in to the HubSpot portal?
-- grain: one row per event of hubspot/users
-- units: email_key is the first 60 bits of the md5 of the normalised address
-- rule:  HZ-05
with

named as (

    select
        event_id,
        account,
        key as user_id,
        kind,
        occurred_at,
        observed_at,
        lower(trim(coalesce(payload ->> '$.email', ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as email
    from raw_hubspot__users

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
