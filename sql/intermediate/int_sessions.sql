-- Which occurrence does each session belong to?
-- grain: one row per session_key of a webinar
-- units: times are UTC; occurrence_id is '' for a single webinar, epoch milliseconds where nothing was scheduled
-- rule:  HZ-20; the nearest scheduled start decides, and what ended before that start was a practice session
with

near as (

    select
        int_sessions_seen.session_key,
        int_schedule.occurrence_id,
        int_schedule.scheduled_start_at,
        row_number() over (
            partition by int_sessions_seen.session_key
            order by
                abs(epoch_us(int_sessions_seen.start_at) - epoch_us(int_schedule.scheduled_start_at)),
                int_schedule.scheduled_start_at,
                int_schedule.occurrence_id
        ) as nearness
    from int_sessions_seen
    inner join int_schedule using (webinar_id)

),

placed as (

    select
        int_sessions_seen.account,
        int_sessions_seen.session_key,
        int_sessions_seen.session_uuid,
        int_sessions_seen.webinar_id,
        coalesce(
            near.occurrence_id,
            cast(epoch_us(int_sessions_seen.start_at) // 1000 as varchar)
        ) as occurrence_id,
        int_sessions_seen.start_at,
        int_sessions_seen.end_at,
        int_webinars.state_id is not null
        and not int_sessions_seen.is_imported
        and coalesce(int_sessions_seen.end_at <= near.scheduled_start_at, false) as is_practice,
        coalesce(int_sessions_seen.end_at <= getvariable('as_of'), false) as is_over
    from int_sessions_seen
    inner join int_webinars using (webinar_id)
    left join near
        on int_sessions_seen.session_key = near.session_key and near.nearness = 1
    where int_sessions_seen.start_at < getvariable('as_of')

)

select
    account,
    session_key,
    session_uuid,
    webinar_id,
    occurrence_id,
    start_at,
    end_at,
    is_practice,
    is_over,
    is_over and not is_practice and end_at > start_at as is_counted
from placed
