-- When is each webinar planned to run?
-- grain: one row per webinar_id and occurrence_id; occurrence_id is '' for a single webinar
-- units: times are UTC, of the schedule, not of what really ran
-- rule:  HZ-24; a date that Zoom stopped listing before it came is cancelled, like one it shows as deleted
with

listed as (

    select
        webinar_id,
        event_id,
        occurred_at,
        observed_at,
        unnest(occurrences) as told
    from stg_zoom__webinars
    where kind = 'seen' and len(occurrences) > 0

),

ordered as (

    select
        webinar_id,
        event_id,
        told.occurrence_id as occurrence_id,
        told.start_time as start_at,
        told.duration as duration_minutes,
        coalesce(told.status, 'available') as status,
        row_number() over (
            partition by webinar_id, told.occurrence_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from listed

),

dates as (

    select
        ordered.webinar_id,
        ordered.occurrence_id,
        ordered.start_at,
        coalesce(ordered.duration_minutes, int_webinars.duration_minutes, 60) as duration_minutes,
        ordered.status = 'deleted'
        or (ordered.event_id <> int_webinars.state_id and ordered.start_at > int_webinars.state_at)
        or coalesce(ordered.start_at > int_webinars.absent_at, false) as is_cancelled
    from ordered
    inner join int_webinars using (webinar_id)
    where nearness = 1 and coalesce(int_webinars.webinar_type, 9) <> 6

),

spans as (

    select
        webinar_id,
        epoch_us(max(start_at)) - epoch_us(min(start_at)) as span_us
    from int_sessions_seen
    group by webinar_id

),

singles as (

    select
        int_webinars.webinar_id,
        '' as occurrence_id,
        int_webinars.start_at,
        coalesce(int_webinars.duration_minutes, 60) as duration_minutes,
        coalesce(int_webinars.start_at > int_webinars.absent_at, false) as is_cancelled
    from int_webinars
    left join spans using (webinar_id)
    where
        listed_count = 0
        and coalesce(webinar_type, 5) not in (6, 9)
        and (state_id is not null or coalesce(span_us, 0) <= 86400000000)
        and webinar_id not in (select webinar_id from dates)

),

schedule as (

    select * from dates
    union all by name
    select * from singles

),

timed as (

    select
        webinar_id,
        occurrence_id,
        start_at as scheduled_start_at,
        timezone('UTC', make_timestamp(epoch_us(start_at) + cast(duration_minutes as bigint) * 60000000))
            as scheduled_end_at,
        is_cancelled
    from schedule

)

select * from timed
