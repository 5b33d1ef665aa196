-- How far is the report of each session read?
-- grain: one row per session_key that ran
-- units: most_row_count is rows of the longest reading; is_settled: no later reading will say more
-- rule:  HZ-30; what was read from a CSV export is all that there is of it
with

ordered as (

    select
        session_key,
        is_settled,
        coalesce(refused_reason, '') as refused_reason,
        max(report_row_count) over (partition by session_key) as most_row_count,
        row_number() over (
            partition by session_key
            order by
                read_at <= getvariable('as_of') desc,
                abs(epoch_us(read_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_zoom__report_reads

),

reports as (

    select
        int_sessions_seen.session_key,
        int_sessions_seen.webinar_id,
        int_sessions_seen.is_imported or coalesce(ordered.is_settled, false) as is_settled,
        coalesce(ordered.refused_reason, '') <> '' as is_refused,
        coalesce(ordered.most_row_count, 0) as most_row_count
    from int_sessions_seen
    left join ordered
        on int_sessions_seen.session_key = ordered.session_key and ordered.nearness = 1

)

select * from reports
