-- What did Zoom say of each webinar, each time it said something new?
-- grain: one row per event of zoom/webinars
-- units: times are UTC; a time that Zoom gives without Z is local to the webinar's own time zone; an occurrence
--        without an id is left out, and of two with one id the second
-- rule:  HZ-02, HZ-09, HZ-24
with

parsed as (

    select
        event_id,
        account,
        try_cast(key as bigint) as webinar_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "topic": "VARCHAR",
                "type": "INTEGER",
                "host_id": "VARCHAR",
                "host_email": "VARCHAR",
                "start_time": "VARCHAR",
                "duration": "INTEGER",
                "timezone": "VARCHAR",
                "agenda": "VARCHAR",
                "join_url": "VARCHAR",
                "created_at": "TIMESTAMPTZ",
                "creation_source": "VARCHAR",
                "settings": {"approval_type": "INTEGER", "registration_type": "INTEGER"},
                "occurrences": [
                    {"occurrence_id": "VARCHAR", "start_time": "TIMESTAMPTZ", "duration": "INTEGER", "status": "VARCHAR"}
                ]
            }'
        ) as told
    from raw_zoom__webinars

),

named as (

    select
        event_id,
        account,
        webinar_id,
        kind,
        occurred_at,
        observed_at,
        told.topic as topic,
        told.type as webinar_type,
        told.host_id as host_id,
        lower(trim(coalesce(told.host_email, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as host_email,
        case
            when told.start_time like '%Z' or told.start_time like '%+__:__'
                then try_cast(told.start_time as timestamptz)
            when coalesce(told.timezone, 'UTC') in (select name from pg_timezone_names())
                then timezone(coalesce(told.timezone, 'UTC'), try_cast(told.start_time as timestamp))
        end as start_at,
        case
            when told.timezone in (select name from pg_timezone_names())
                then told.timezone
            else 'UTC'
        end as time_zone,
        told.duration as duration_minutes,
        told.agenda as agenda,
        told.join_url as join_url,
        told.created_at as created_at,
        coalesce(told.creation_source, '') as creation_source,
        told.settings.approval_type as approval_type,
        coalesce(told.settings.registration_type, 1) as registration_type,
        list_filter(list_transform(coalesce(told.occurrences, []), lambda o: o.occurrence_id), lambda one: one <> '')
            as occurrence_ids,
        coalesce(told.occurrences, []) as listed
    from parsed

),

dated as (

    select
        * exclude (occurrence_ids, listed),
        list_transform(
            list_sort(list_distinct(occurrence_ids)),
            lambda one: list_filter(listed, lambda o: o.occurrence_id = one)[1]
        ) as occurrences
    from named

)

select * from dated
