-- Which sessions were recorded, and may the recording be synced?
-- grain: one row per session_key of a webinar that counts, or of which a recording was ever told; and of a meeting that
--        a contact attended and of which a recording was ever told
-- units: start_at is UTC; duration_ms is milliseconds, of the session where the recording does not say; state is
--        completed, processing, deleted or none; out_of_scope_reason is null in scope
-- rule:  HZ-03, HZ-04, HZ-26; none, selected users, or all; the global switch and the webinar's own scope come first;
--        Zoom lists a recording once it is complete, so within a day of the end none may be one in the making
with

thresholds as (

    select interval 1 day as processing_time

),

ordered as (

    select
        *,
        row_number() over (
            partition by session_key
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_zoom__recordings

),

latest as (

    select * from ordered
    where nearness = 1

),

ran as (

    select
        int_sessions.session_key,
        int_sessions.session_uuid,
        int_sessions.webinar_id,
        int_sessions.occurrence_id,
        int_webinars.topic,
        int_sessions.start_at,
        int_sessions.end_at,
        int_sessions.is_counted,
        int_webinars.host_email,
        int_webinars.out_of_scope_reason
    from int_sessions
    inner join int_webinars using (webinar_id)
    union all
    select distinct
        session_key,
        session_uuid,
        meeting_id as webinar_id,
        cast(epoch_ms(start_at) as varchar) as occurrence_id,
        topic,
        start_at,
        end_at,
        false as is_counted,
        host_email,
        out_of_scope_reason
    from int_meeting_attendances

),

joined as (

    select
        ran.session_key,
        ran.session_uuid,
        ran.webinar_id,
        ran.occurrence_id,
        coalesce(nullif(latest.topic, ''), ran.topic) as topic,
        coalesce(latest.start_at, ran.start_at) as start_at,
        greatest(
            epoch_ms(coalesce(latest.ended_at, ran.end_at))
            - epoch_ms(coalesce(latest.begun_at, latest.start_at, ran.start_at)),
            0
        ) as duration_ms,
        latest.share_url,
        coalesce(latest.file_count, 0) as file_count,
        int_transcripts.session_key is not null as is_transcribed,
        case
            when latest.kind = 'absent' or latest.is_deleted
                then 'deleted'
            when latest.processing_count > 0
                then 'processing'
            when latest.file_count > 0
                then 'completed'
            when ran.end_at > getvariable('as_of') - thresholds.processing_time
                then 'processing'
            else 'none'
        end as state,
        case
            when ran.out_of_scope_reason is not null
                then ran.out_of_scope_reason
            when int_settings.recordings = 'none'
                then 'recording_off'
            when
                int_settings.recordings = 'selected'
                and not coalesce(
                    list_filter(int_settings.users, lambda u: u.email = ran.host_email)[1].recordings, false
                )
                then 'recording_off'
            when
                len(list_filter(int_settings.recording_domains, lambda d: case
                    when d like '*.%' then right(ran.host_email, length(d) - 1) = substr(d, 2)
                    else right(ran.host_email, length(d) + 1) = '@' || d
                end)) > 0
                then 'host_domain_excluded'
        end as out_of_scope_reason
    from ran
    cross join int_settings
    cross join thresholds
    left join latest using (session_key)
    left join int_transcripts using (session_key)
    where ran.is_counted or latest.session_key is not null

)

select * from joined
