-- Who was connected to which session of a meeting, from when to when?
-- grain: one row per event of zoom/meeting_participants; a row of Zoom's report is one connection of one device
-- units: the keys are the first 60 bits of an md5; joined_at, left_at are UTC; left_at is null where Zoom gave none
-- rule:  HZ-10, HZ-12
with

parsed as (

    select
        event_id,
        cast('0x' || left(md5(scope), 15) as bigint) as session_key,
        cast('0x' || left(md5(key), 15) as bigint) as connection_key,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "name": "VARCHAR",
                "user_email": "VARCHAR",
                "join_time": "TIMESTAMPTZ",
                "leave_time": "TIMESTAMPTZ",
                "status": "VARCHAR"
            }'
        ) as told
    from raw_zoom__meeting_participants

),

named as (

    select
        event_id,
        session_key,
        connection_key,
        kind,
        occurred_at,
        observed_at,
        trim(coalesce(told.name, '')) as name,
        lower(trim(coalesce(told.user_email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as email,
        told.join_time as joined_at,
        told.leave_time as left_at,
        coalesce(told.status, '') = 'in_waiting_room' as is_waiting
    from parsed

)

select
    *,
    case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
from named
