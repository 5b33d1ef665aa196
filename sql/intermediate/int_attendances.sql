-- How long was each person in each occurrence?
-- grain: one row per webinar_id, occurrence_id and person_key that attended
-- units: attended_us, actual_us are microseconds; attended_ppq is the share attended in parts per 10^15, rounded; name
--        is that of the last connection with one
-- rule:  HZ-20, the union of all the person's connections; an empty union is no attendance
-- incremental: webinar_id, occurrence_id, person_key
with

counted as (

    select
        webinar_id,
        occurrence_id,
        person_key,
        connection_key,
        name,
        start_us,
        end_us,
        max(end_us) over (
            partition by webinar_id, occurrence_id, person_key
            order by start_us, end_us
            rows between unbounded preceding and 1 preceding
        ) as previous_end_us
    from int_connections
    where reason is null

),

united as (

    select
        webinar_id,
        occurrence_id,
        person_key,
        min(start_us) as joined_us,
        max(end_us) as left_us,
        cast(sum(greatest(end_us - greatest(start_us, coalesce(previous_end_us, start_us)), 0)) as bigint)
            as attended_us,
        count(*) as connection_count,
        arg_max(name, (start_us, connection_key)) as name
    from counted
    group by webinar_id, occurrence_id, person_key

),

shared as (

    select
        united.webinar_id,
        united.occurrence_id,
        united.person_key,
        timezone('UTC', make_timestamp(united.joined_us)) as joined_at,
        timezone('UTC', make_timestamp(united.left_us)) as left_at,
        united.attended_us,
        int_occurrences.actual_us,
        cast(
            (cast(united.attended_us as hugeint) * 1000000000000000 + int_occurrences.actual_us // 2)
            // int_occurrences.actual_us
            as bigint
        ) as attended_ppq,
        united.connection_count,
        united.name
    from united
    inner join int_occurrences using (webinar_id, occurrence_id)
    where united.attended_us > 0 and int_occurrences.actual_us > 0

)

select * from shared
order by webinar_id
