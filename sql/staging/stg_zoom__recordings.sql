-- Which sessions have a recording, and where?
-- grain: one row per event of zoom/recordings
-- units: session_key is the first 60 bits of the md5 of the session's UUID; share_url is without what may follow a
--        question mark, which may be the passcode; the recording itself ran from begun_at to ended_at, UTC
-- rule:  HZ-26
with

parsed as (

    select
        event_id,
        account,
        key as session_uuid,
        cast('0x' || left(md5(key), 15) as bigint) as session_key,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "topic": "VARCHAR",
                "start_time": "TIMESTAMPTZ",
                "share_url": "VARCHAR",
                "deleted_time": "VARCHAR",
                "recording_files": [{
                    "file_type": "VARCHAR",
                    "status": "VARCHAR",
                    "deleted_time": "VARCHAR",
                    "recording_start": "TIMESTAMPTZ",
                    "recording_end": "TIMESTAMPTZ"
                }]
            }'
        ) as told
    from raw_zoom__recordings

),

named as (

    select
        event_id,
        account,
        session_uuid,
        session_key,
        kind,
        occurred_at,
        observed_at,
        told.topic as topic,
        told.start_time as start_at,
        split_part(told.share_url, '?', 1) as share_url,
        list_min(list_transform(told.recording_files, lambda f: f.recording_start)) as begun_at,
        list_max(list_transform(told.recording_files, lambda f: f.recording_end)) as ended_at,
        coalesce(len(told.recording_files), 0) as file_count,
        coalesce(len(list_filter(told.recording_files, lambda f: f.status = 'processing')), 0) as processing_count,
        coalesce(told.deleted_time, '') <> ''
        or (
            len(told.recording_files) > 0
            and len(list_filter(told.recording_files, lambda f: coalesce(f.deleted_time, '') = '')) = 0
        ) as is_deleted
    from parsed

)

select * from named
