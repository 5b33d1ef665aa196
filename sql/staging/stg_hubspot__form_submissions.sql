-- Who sent in which form, and when?
-- grain: one row per event of hubspot/form_submissions
-- units: email_key is the first 60 bits of an md5; submitted_at is UTC
-- rule:  HS-05; the person is found by the value of the field `email`, since the row has no contact id
with

parsed as (

    select
        event_id,
        account,
        key as conversion_id,
        scope as form_id,
        occurred_at as submitted_at,
        coalesce(from_json(payload, '{"values": [{"name": "VARCHAR", "value": "VARCHAR"}]}').values, []) as fields
    from raw_hubspot__form_submissions

),

named as (

    select
        event_id,
        account,
        conversion_id,
        form_id,
        submitted_at,
        lower(
            trim(
                coalesce(list_filter(fields, lambda f: lower(f.name) = 'email')[1].value, ''),
                ' ' || chr(9) || chr(10) || chr(13) || chr(160)
            )
        ) as email
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
