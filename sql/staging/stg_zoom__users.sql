-- Who hosts webinars in the Zoom account?
-- grain: one row per event of zoom/users
-- units: email_key is the first 60 bits of the md5 of the normalised address
with

parsed as (

    select
        event_id,
        account,
        key as user_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "email": "VARCHAR",
                "first_name": "VARCHAR",
                "last_name": "VARCHAR",
                "display_name": "VARCHAR",
                "status": "VARCHAR",
                "role_id": "VARCHAR"
            }'
        ) as told
    from raw_zoom__users

),

named as (

    select
        event_id,
        account,
        user_id,
        kind,
        occurred_at,
        observed_at,
        lower(trim(coalesce(told.email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as email,
        trim(coalesce(
            nullif(trim(coalesce(told.first_name, '') || ' ' || coalesce(told.last_name, '')), ''),
            told.display_name,
            ''
        )) as full_name,
        told.status as status,
        coalesce(told.role_id = '0', false) as is_owner
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
