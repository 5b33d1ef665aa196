-- Who was connected to which session, from when to when, by which device?
-- grain: one row per event of zoom/participants; a row of Zoom's report is one connection of one device
-- units: the keys are the first 60 bits of an md5; joined_at, left_at are UTC; left_at is null where Zoom gave none
-- rule:  HZ-08, HZ-10, HZ-20
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
                "id": "VARCHAR",
                "participant_user_id": "VARCHAR",
                "name": "VARCHAR",
                "user_email": "VARCHAR",
                "join_time": "TIMESTAMPTZ",
                "leave_time": "TIMESTAMPTZ",
                "registrant_id": "VARCHAR",
                "status": "VARCHAR",
                "role": "VARCHAR"
            }'
        ) as told
    from raw_zoom__participants

),

named as (

    select
        event_id,
        session_key,
        connection_key,
        kind,
        occurred_at,
        observed_at,
        coalesce(nullif(told.participant_user_id, ''), nullif(told.id, '')) as user_id,
        case
            when coalesce(told.registrant_id, '') <> ''
                then cast('0x' || left(md5(told.registrant_id), 15) as bigint)
        end as registrant_key,
        trim(coalesce(told.name, '')) as name,
        lower(
            case
                when
                    contains(told.user_email, ' ') or contains(told.user_email, chr(9))
                    or contains(told.user_email, chr(10)) or contains(told.user_email, chr(13))
                    or contains(told.user_email, chr(160))
                    then trim(told.user_email, ' ' || chr(9) || chr(10) || chr(13) || chr(160))
                else coalesce(told.user_email, '')
            end
        ) as email,
        told.join_time as joined_at,
        told.leave_time as left_at,
        coalesce(told.status, '') = 'in_waiting_room' as is_waiting,
        coalesce(told.role, '') as role
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
