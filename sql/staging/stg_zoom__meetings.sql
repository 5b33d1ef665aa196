-- Which sessions of meetings really ran, by the account's history?
-- grain: one row per event of zoom/meetings
-- units: session_key is the first 60 bits of the md5 of the session's UUID; times are UTC
-- rule:  HZ-12
with

parsed as (

    select
        event_id,
        account,
        key as session_uuid,
        try_cast(scope as bigint) as meeting_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "topic": "VARCHAR",
                "host_email": "VARCHAR",
                "start_time": "TIMESTAMPTZ",
                "end_time": "TIMESTAMPTZ",
                "create_time": "TIMESTAMPTZ",
                "feature_used": {"recording_to_cloud": "BOOLEAN"}
            }'
        ) as told
    from raw_zoom__meetings

),

named as (

    select
        event_id,
        account,
        session_uuid,
        cast('0x' || left(md5(session_uuid), 15) as bigint) as session_key,
        meeting_id,
        kind,
        occurred_at,
        observed_at,
        coalesce(told.topic, '') as topic,
        lower(trim(coalesce(told.host_email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as host_email,
        told.start_time as start_at,
        told.end_time as end_at,
        told.create_time as created_at,
        coalesce(told.feature_used.recording_to_cloud, false) as is_cloud_recorded
    from parsed

)

select * from named
