-- Who sent in which form, and when?
-- grain: one row per event of hubspot/form_submissions
-- units: email_key, activity_key are the first 60 bits of an md5, the latter of the activity's id; submitted_at is UTC;
--        answers are the fields, a line each
-- rule:  HS-05; the person is found by the value of the field `email`, since the row has no contact id
with

parsed as (

    select
        event_id,
        account,
        key as conversion_id,
        scope as form_id,
        occurred_at as submitted_at,
        observed_at,
        from_json(payload, '{"pageUrl": "VARCHAR", "values": [{"name": "VARCHAR", "value": "VARCHAR"}]}') as told
    from raw_hubspot__form_submissions

),

fielded as (

    select
        *,
        coalesce(told.values, []) as fields
    from parsed

),

named as (

    select
        event_id,
        account,
        cast('0x' || left(md5('form_submission:' || account || ':' || conversion_id), 15) as bigint) as activity_key,
        conversion_id,
        form_id,
        submitted_at,
        observed_at,
        nullif(told.pageurl, '') as page_url,
        nullif(array_to_string([f.name || ': ' || f.value for f in fields if f.value <> ''], chr(10)), '') as answers,
        lower(
            trim(
                coalesce(list_filter(fields, lambda f: lower(f.name) = 'email')[1].value, ''),
                ' ' || chr(9) || chr(10) || chr(13) || chr(160)
            )
        ) as email
    from fielded

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
