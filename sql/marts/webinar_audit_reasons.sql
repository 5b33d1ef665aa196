-- What of each date of each webinar is not synced, and why?
-- grain: one row per webinar_id, occurrence_id, thing, reason and email; email is null where there is no address
-- units: thing is webinar, registration, attendance, report or recording, thing_count how many of it; effect is that
--        of the reason, but of a recording part at most, and later while the report may still come
-- rule:  HZ-30; of several reasons against an address the first, and a webinar out of scope comes before all of them;
--        a series whose registrants choose their dates tells of each of them
-- incremental: webinar_id
with

dates as (

    select
        int_webinars.webinar_id,
        coalesce(int_occurrences.occurrence_id, '') as occurrence_id,
        int_webinars.out_of_scope_reason,
        coalesce(int_occurrences.status, '') as status,
        case
            when int_occurrences.status = 'never_started'
                then int_occurrences.scheduled_end_at
            else int_occurrences.actual_end_at
        end as closed_at,
        int_webinars.state_id is null
        and not int_webinars.is_imported
        and int_webinars.absent_at is not null as is_lost
    from int_webinars
    left join int_occurrences using (webinar_id)

),

registrations as (

    select
        dates.webinar_id,
        dates.occurrence_id,
        nullif(int_registrants.email, '') as email,
        min(coalesce(
            dates.out_of_scope_reason,
            int_addresses.zoom_reason,
            case when int_registrants.email_key is null then 'email_invalid' else 'denied' end
        )) as reason,
        count(*) as thing_count
    from int_registrants
    inner join dates
        on int_registrants.webinar_id = dates.webinar_id
    left join int_addresses
        on int_registrants.email_key = int_addresses.email_key
    where
        (dates.closed_at is null or int_registrants.registered_at < dates.closed_at)
        and (
            dates.out_of_scope_reason is not null
            or int_addresses.zoom_reason is not null
            or int_registrants.email_key is null
            or (
                not int_registrants.has_stood
                and (int_registrants.webinar_id, int_addresses.person_key) not in (
                    select (webinar_id, person_key) from int_registrations
                )
            )
        )
    group by dates.webinar_id, dates.occurrence_id, nullif(int_registrants.email, '')

),

connections as (

    select
        dates.webinar_id,
        dates.occurrence_id,
        int_connections.email,
        coalesce(dates.out_of_scope_reason, int_connections.reason) as reason,
        count(*) as thing_count
    from int_connections
    inner join dates
        on int_connections.webinar_id = dates.webinar_id and int_connections.occurrence_id = dates.occurrence_id
    where
        dates.out_of_scope_reason is not null
        or (
            int_connections.reason is not null
            and (
                int_connections.person_key is null
                or (int_connections.webinar_id, int_connections.occurrence_id, int_connections.person_key) not in (
                    select (webinar_id, occurrence_id, person_key) from int_attendances
                )
            )
        )
    group by
        dates.webinar_id,
        dates.occurrence_id,
        int_connections.email,
        coalesce(dates.out_of_scope_reason, int_connections.reason)

),

reported as (

    select
        webinar_id,
        occurrence_id,
        count(case when int_report_reads.is_refused and int_report_reads.most_row_count = 0 then 1 end)
            as refused_count,
        bool_and(int_report_reads.is_settled) as is_settled
    from int_sessions
    inner join int_report_reads using (session_key, webinar_id)
    where int_sessions.is_counted
    group by webinar_id, occurrence_id

),

reports as (

    select
        dates.webinar_id,
        dates.occurrence_id,
        case when reported.refused_count > 0 then 'not_found_in_zoom' else 'no_participants' end as reason,
        greatest(reported.refused_count, 1) as thing_count,
        reported.is_settled
    from dates
    inner join reported using (webinar_id, occurrence_id)
    where
        dates.status = 'ended'
        and dates.out_of_scope_reason is null
        and (
            reported.refused_count > 0
            or (dates.webinar_id, dates.occurrence_id) not in (
                select (webinar_id, occurrence_id) from int_connections
                where reason is distinct from 'practice_session'
            )
        )

),

recorded as (

    select
        int_recordings.webinar_id,
        int_recordings.occurrence_id,
        min(int_recordings.out_of_scope_reason) as out_of_scope_reason,
        count(*) as thing_count,
        sum(case when int_recordings.state <> 'deleted' then int_recordings.file_count else 0 end) as file_count,
        bool_or(int_recordings.is_transcribed) as is_transcribed,
        bool_or(int_recordings.state = 'processing') as is_processing,
        bool_or(int_recordings.state = 'deleted') as is_deleted,
        bool_or(int_recordings.state = 'completed') as is_completed
    from int_recordings
    inner join dates using (webinar_id, occurrence_id)
    where dates.status = 'ended' and dates.out_of_scope_reason is null
    group by int_recordings.webinar_id, int_recordings.occurrence_id

),

recordings as (

    select
        webinar_id,
        occurrence_id,
        thing_count,
        case
            when out_of_scope_reason is not null
                then case when file_count > 0 then out_of_scope_reason end
            when is_processing
                then 'recording_processing'
            when is_deleted
                then 'recording_deleted'
            when not is_completed
                then 'recording_missing'
            when not is_transcribed
                then 'transcript_missing'
        end as reason
    from recorded

),

moved as (

    select
        dates.webinar_id,
        dates.occurrence_id,
        count(*) as thing_count
    from dates
    inner join int_webinars
        on dates.webinar_id = int_webinars.webinar_id
    inner join int_registrants
        on dates.webinar_id = int_registrants.webinar_id
    where dates.out_of_scope_reason is null and int_registrants.registered_at < int_webinars.start_moved_at
    group by dates.webinar_id, dates.occurrence_id

),

whole_dates as (

    select
        webinar_id,
        occurrence_id,
        case
            when out_of_scope_reason is not null
                then out_of_scope_reason
            when is_lost
                then 'not_found_in_zoom'
            when status = 'never_started'
                then 'never_started'
        end as reason,
        1 as thing_count
    from dates

),

things as (

    select
        webinar_id,
        occurrence_id,
        'registration' as thing,
        reason,
        email,
        thing_count,
        true as is_settled
    from registrations
    union all by name
    select
        webinar_id,
        occurrence_id,
        'attendance' as thing,
        reason,
        email,
        thing_count,
        true as is_settled
    from connections
    union all by name
    select
        webinar_id,
        occurrence_id,
        'webinar' as thing,
        reason,
        cast(null as varchar) as email,
        thing_count,
        true as is_settled
    from whole_dates
    union all by name
    select
        webinar_id,
        occurrence_id,
        'webinar' as thing,
        'start_moved' as reason,
        cast(null as varchar) as email,
        thing_count,
        true as is_settled
    from moved
    union all by name
    select
        webinar_id,
        occurrence_id,
        'report' as thing,
        reason,
        cast(null as varchar) as email,
        thing_count,
        is_settled
    from reports
    union all by name
    select
        webinar_id,
        occurrence_id,
        'recording' as thing,
        reason,
        cast(null as varchar) as email,
        thing_count,
        true as is_settled
    from recordings

),

reasons as (

    select
        things.webinar_id,
        things.occurrence_id,
        things.thing,
        things.reason,
        things.email,
        things.thing_count,
        case
            when things.thing = 'recording' and audit_reasons.effect = 'all'
                then 'part'
            when things.reason = 'no_participants' and not things.is_settled
                then 'later'
            else coalesce(audit_reasons.effect, 'part')
        end as effect
    from things
    left join audit_reasons
        on things.reason = audit_reasons.reason
    where things.reason is not null

)

select * from reasons
