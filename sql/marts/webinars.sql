-- How did each date of each webinar go?
-- grain: one row per webinar_id and occurrence_id
-- units: times are UTC; actual_seconds is the time it really ran; counts are of people, connections for anonymous ones;
--        matched_count is of those who attended and had registered
-- rule:  HZ-20, HZ-24
-- incremental: webinar_id
with

people as (

    select
        webinar_id,
        occurrence_id,
        count(case when first_registered_at is not null then 1 end) as registered_count,
        count(case when state = 'attended' then 1 end) as attended_count,
        count(case when state = 'attended' and first_registered_at is not null then 1 end) as matched_count,
        count(case when state = 'cancelled' then 1 end) as cancelled_count,
        count(case when state = 'no_show' then 1 end) as no_show_count
    from int_participations
    group by webinar_id, occurrence_id

),

connections as (

    select
        webinar_id,
        occurrence_id,
        count(*) as connection_count,
        count(case when reason = 'participant_without_email' then 1 end) as anonymous_connection_count,
        count(distinct case when reason is not null and reason <> 'participant_without_email' then identity_key end)
            as excluded_count
    from int_connections
    group by webinar_id, occurrence_id

),

joined as (

    select
        int_occurrences.webinar_id,
        int_occurrences.occurrence_id,
        int_occurrences.external_event_id,
        int_occurrences.topic,
        int_occurrences.status,
        int_occurrences.out_of_scope_reason,
        int_occurrences.scheduled_start_at,
        int_occurrences.scheduled_end_at,
        int_occurrences.actual_start_at,
        int_occurrences.actual_end_at,
        int_occurrences.actual_us // 1000000 as actual_seconds,
        coalesce(people.registered_count, 0) as registered_count,
        coalesce(people.attended_count, 0) as attended_count,
        coalesce(people.matched_count, 0) as matched_count,
        coalesce(people.cancelled_count, 0) as cancelled_count,
        coalesce(people.no_show_count, 0) as no_show_count,
        coalesce(connections.connection_count, 0) as connection_count,
        coalesce(connections.anonymous_connection_count, 0) as anonymous_connection_count,
        coalesce(connections.excluded_count, 0) as excluded_count
    from int_occurrences
    left join people using (webinar_id, occurrence_id)
    left join connections using (webinar_id, occurrence_id)

)

select * from joined
