-- Which attendances count, and which connections and sessions are they made of?
-- of: contact
-- fields: turnout_avg_attendance_pct, turnout_webinars_attended, turnout_occurrences_attended,
--         turnout_webinars_attended_30d, turnout_webinars_attended_1y
-- units: attendance_pct is the share of the actual duration, 0..100
-- rule:  HZ-20 to HZ-22; of a window, what was joined in it
with

attended as (

    select
        int_attendances.*,
        int_webinars.topic
    from int_attendances
    inner join int_webinars using (webinar_id)
    where
        int_attendances.person_key in (select unnest(getvariable('person_keys')))
        and int_webinars.out_of_scope_reason is null
        and case
            when getvariable('field') like '%\_30d' escape '\'
                then int_attendances.joined_at >= date_trunc('day', getvariable('as_of')) - interval 30 day
            when getvariable('field') like '%\_1y' escape '\'
                then int_attendances.joined_at >= date_trunc('day', getvariable('as_of')) - interval 1 year
            else true
        end

),

told as (

    select
        attended.webinar_id,
        attended.occurrence_id,
        'zoom/participants' as stream,
        participants.event_id,
        participants.occurred_at
    from attended
    inner join int_connections as connections using (webinar_id, occurrence_id, person_key)
    inner join stg_zoom__participants as participants using (connection_key)
    where connections.reason is null
    union all
    select
        attended.webinar_id,
        attended.occurrence_id,
        'zoom/instances' as stream,
        instances.event_id,
        instances.occurred_at
    from attended
    inner join int_sessions as sessions using (webinar_id, occurrence_id)
    inner join stg_zoom__instances as instances using (session_key)
    where sessions.is_counted
    union all
    select
        attended.webinar_id,
        attended.occurrence_id,
        'zoom/session_reports' as stream,
        reports.event_id,
        reports.occurred_at
    from attended
    inner join int_sessions as sessions using (webinar_id, occurrence_id)
    inner join stg_zoom__session_reports as reports using (session_key)
    where sessions.is_counted

),

evidence as (

    select
        webinar_id,
        occurrence_id,
        list(
            {
                'stream': stream,
                'event_id': event_id,
                'at': occurred_at
            }
            order by stream, occurred_at
        ) as events
    from told
    group by webinar_id, occurrence_id

)

select
    attended.joined_at as happened_at,
    attended.webinar_id,
    attended.topic,
    attended.left_at,
    attended.attended_us // 1000000 as attended_seconds,
    attended.actual_us // 1000000 as actual_seconds,
    cast(((attended.attended_ppq + 50000000000) // 100000000000) * 0.01 as decimal(5, 2)) as attendance_pct,
    attended.connection_count,
    evidence.events
from attended
left join evidence using (webinar_id, occurrence_id)
order by happened_at desc, webinar_id
