-- How large was each segment, and who came and went?
-- grain: one row per segment and day on which it changed
-- units: day is UTC; member_count is contacts at the end of the day, the other two are changes within it
-- rule:  EV-10
-- needs: segments
with

changes as (

    select
        segment,
        cast(entered_at as date) as day,
        1 as entered,
        0 as gone
    from int_segment_stays
    union all
    select
        segment,
        cast(left_at as date) as day,
        0 as entered,
        1 as gone
    from int_segment_stays
    where left_at is not null

),

days as (

    select
        segment,
        day,
        sum(entered) as entered_count,
        sum(gone) as left_count
    from changes
    group by segment, day

),

sizes as (

    select
        segment,
        day,
        cast(sum(entered_count - left_count) over (partition by segment order by day) as bigint) as member_count,
        cast(entered_count as bigint) as entered_count,
        cast(left_count as bigint) as left_count
    from days

)

select * from sizes
