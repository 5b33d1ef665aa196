-- Who signed up for which webinar, and in what state did Zoom show the registration?
-- grain: one row per event of zoom/registrants
-- units: registrant_key, email_key are the first 60 bits of an md5; registered_at is Zoom's create_time; join_url is
--        the person's own and a secret
-- rule:  HZ-10, addresses are trimmed and lower-cased, nothing else
with

parsed as (

    select
        event_id,
        account,
        try_cast(scope as bigint) as webinar_id,
        split_part(key, '|', 2) as registrant_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "email": "VARCHAR",
                "first_name": "VARCHAR",
                "last_name": "VARCHAR",
                "status": "VARCHAR",
                "create_time": "TIMESTAMPTZ",
                "org": "VARCHAR",
                "phone": "VARCHAR",
                "join_url": "VARCHAR"
            }'
        ) as told
    from raw_zoom__registrants

),

named as (

    select
        event_id,
        account,
        webinar_id,
        registrant_id,
        cast('0x' || left(md5(registrant_id), 15) as bigint) as registrant_key,
        kind,
        occurred_at,
        observed_at,
        lower(
            case
                when
                    contains(told.email, ' ') or contains(told.email, chr(9))
                    or contains(told.email, chr(10)) or contains(told.email, chr(13))
                    or contains(told.email, chr(160))
                    then trim(told.email, ' ' || chr(9) || chr(10) || chr(13) || chr(160))
                else coalesce(told.email, '')
            end
        ) as email,
        trim(coalesce(told.first_name, '')) as first_name,
        trim(coalesce(told.last_name, '')) as last_name,
        lower(coalesce(told.status, '')) as status,
        coalesce(told.create_time, occurred_at) as registered_at,
        nullif(trim(told.org), '') as company,
        nullif(trim(told.phone), '') as phone,
        nullif(told.join_url, '') as join_url
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
