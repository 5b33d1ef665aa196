-- When was the report of a session read, and does it still move?
-- grain: one row per event of zoom/report_reads
-- units: session_key is the first 60 bits of the md5 of the session's UUID; report_row_count is rows of the report
with

parsed as (

    select
        event_id,
        account,
        key as session_uuid,
        cast('0x' || left(md5(key), 15) as bigint) as session_key,
        occurred_at as read_at,
        observed_at,
        from_json(payload, '{"rows": "INTEGER", "is_settled": "BOOLEAN", "refused": "VARCHAR"}') as told
    from raw_zoom__report_reads

),

named as (

    select
        event_id,
        account,
        session_uuid,
        session_key,
        read_at,
        observed_at,
        coalesce(told.rows, 0) as report_row_count,
        coalesce(told.is_settled, false) as is_settled,
        told.refused as refused_reason
    from parsed

)

select * from named
