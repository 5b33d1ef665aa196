-- Which sessions really ran, by the report of a single one?
-- grain: one row per event of zoom/session_reports
-- units: session_key is the first 60 bits of the md5 of the session's UUID; times are UTC
with

parsed as (

    select
        event_id,
        account,
        key as session_uuid,
        try_cast(scope as bigint) as webinar_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "topic": "VARCHAR",
                "host_email": "VARCHAR",
                "user_email": "VARCHAR",
                "start_time": "TIMESTAMPTZ",
                "end_time": "TIMESTAMPTZ"
            }'
        ) as told
    from raw_zoom__session_reports

),

named as (

    select
        event_id,
        account,
        session_uuid,
        cast('0x' || left(md5(session_uuid), 15) as bigint) as session_key,
        webinar_id,
        kind,
        occurred_at,
        observed_at,
        told.topic as topic,
        lower(trim(coalesce(told.host_email, told.user_email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160)))
            as host_email,
        told.start_time as start_at,
        told.end_time as end_at,
        false as is_imported
    from parsed

)

select * from named
