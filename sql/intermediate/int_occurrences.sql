-- When did each occurrence really run, and what became of it?
-- grain: one row per webinar_id and occurrence_id
-- units: times are UTC; actual_us is microseconds, time between two sessions of it left out
-- rule:  HZ-20, HZ-24; a restarted occurrence is one, its actual time the union of its sessions
with

counted as (

    select
        webinar_id,
        occurrence_id,
        epoch_us(start_at) as start_us,
        epoch_us(end_at) as end_us,
        max(epoch_us(end_at)) over (
            partition by webinar_id, occurrence_id
            order by start_at, end_at
            rows between unbounded preceding and 1 preceding
        ) as previous_end_us
    from int_sessions
    where is_counted

),

actual as (

    select
        webinar_id,
        occurrence_id,
        min(start_us) as start_us,
        max(end_us) as end_us,
        cast(sum(greatest(end_us - greatest(start_us, coalesce(previous_end_us, start_us)), 0)) as bigint) as actual_us,
        count(*) as session_count
    from counted
    group by webinar_id, occurrence_id

),

running as (

    select distinct
        webinar_id,
        occurrence_id,
        true as is_running
    from int_sessions
    where not is_over

),

joined as (

    select
        webinar_id,
        occurrence_id,
        int_schedule.scheduled_start_at,
        int_schedule.scheduled_end_at,
        coalesce(int_schedule.is_cancelled, false) as is_cancelled,
        actual.start_us,
        actual.end_us,
        coalesce(actual.actual_us, 0) as actual_us,
        coalesce(actual.session_count, 0) as session_count,
        coalesce(running.is_running, false) as is_running
    from int_schedule
    full join actual using (webinar_id, occurrence_id)
    full join running using (webinar_id, occurrence_id)

),

judged as (

    select
        joined.webinar_id,
        int_webinars.account,
        joined.occurrence_id,
        cast(joined.webinar_id as varchar)
        || case when joined.occurrence_id = '' then '' else '-' || joined.occurrence_id end as external_event_id,
        int_webinars.topic,
        joined.scheduled_start_at,
        joined.scheduled_end_at,
        timezone('UTC', make_timestamp(joined.start_us)) as actual_start_at,
        timezone('UTC', make_timestamp(joined.end_us)) as actual_end_at,
        joined.actual_us,
        joined.session_count,
        case
            when joined.is_running
                then 'running'
            when joined.session_count > 0
                then 'ended'
            when joined.is_cancelled
                then 'cancelled'
            when joined.scheduled_end_at < getvariable('as_of')
                then 'never_started'
            else 'scheduled'
        end as status,
        int_webinars.out_of_scope_reason
    from joined
    inner join int_webinars using (webinar_id)

)

select * from judged
