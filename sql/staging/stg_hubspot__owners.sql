-- Who owns records in the HubSpot portal?
-- grain: one row per event of hubspot/owners
-- units: email_key is the first 60 bits of the md5 of the normalised address
-- rule:  HZ-05, owners of type PERSON that are not archived
with

parsed as (

    select
        event_id,
        account,
        key as owner_id,
        kind,
        occurred_at,
        observed_at,
        from_json(payload, '{"email": "VARCHAR", "type": "VARCHAR", "archived": "BOOLEAN"}') as told
    from raw_hubspot__owners

),

named as (

    select
        event_id,
        account,
        owner_id,
        kind,
        occurred_at,
        observed_at,
        lower(trim(coalesce(told.email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as email,
        coalesce(told.type, 'PERSON') as owner_type,
        coalesce(told.archived, false) as is_archived
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
