-- Is each date of each webinar synced, as far as what was read and the settings say?
-- grain: one row per webinar_id and occurrence_id; occurrence_id is '' where no date is known
-- units: start_at is UTC, as it really was, else as planned; counts are of people, connections for anonymous ones;
--        status is synced, partly synced, not synced or waiting; what the CRM refused is in verdicts and not in here
-- rule:  HZ-30; waiting is what has not run yet, or still comes
with

missing as (

    select
        webinar_id,
        occurrence_id,
        bool_or(effect = 'all') as is_all_missing,
        bool_or(effect = 'part') as is_part_missing,
        bool_or(effect = 'later') as is_coming,
        count(distinct case when effect in ('all', 'part') then email end) as turned_away_count
    from webinar_audit_reasons
    group by webinar_id, occurrence_id

),

joined as (

    select
        int_webinars.webinar_id,
        coalesce(webinars.occurrence_id, '') as occurrence_id,
        coalesce(webinars.external_event_id, cast(int_webinars.webinar_id as varchar)) as external_event_id,
        int_webinars.account,
        int_webinars.topic,
        int_webinars.host_email,
        coalesce(webinars.actual_start_at, webinars.scheduled_start_at, int_webinars.start_at) as start_at,
        coalesce(webinars.status, 'scheduled') as progress,
        case
            when missing.is_all_missing
                then 'not synced'
            when missing.is_part_missing
                then 'partly synced'
            when missing.is_coming or coalesce(webinars.status, 'scheduled') in ('scheduled', 'running')
                then 'waiting'
            else 'synced'
        end as status,
        coalesce(webinars.registered_count, 0) as registered_count,
        coalesce(webinars.attended_count, 0) as attended_count,
        coalesce(webinars.matched_count, 0) as matched_count,
        coalesce(webinars.anonymous_connection_count, 0) as anonymous_connection_count,
        coalesce(missing.turned_away_count, 0) as turned_away_count
    from int_webinars
    left join webinars
        on int_webinars.webinar_id = webinars.webinar_id
    left join missing
        on
            int_webinars.webinar_id = missing.webinar_id
            and coalesce(webinars.occurrence_id, '') = missing.occurrence_id

)

select * from joined
