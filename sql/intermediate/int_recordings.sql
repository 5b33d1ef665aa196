-- Which sessions were recorded, and may the recording be synced?
-- grain: one row per session_key that counts, or of which a recording was ever told
-- units: start_at is UTC; state is completed, processing, deleted or none; out_of_scope_reason is null in scope
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

joined as (

    select
        int_sessions.session_key,
        int_sessions.webinar_id,
        int_sessions.occurrence_id,
        coalesce(nullif(latest.topic, ''), int_webinars.topic) as topic,
        coalesce(latest.start_at, int_sessions.start_at) as start_at,
        latest.share_url,
        coalesce(latest.file_count, 0) as file_count,
        coalesce(latest.transcript_count, 0) as transcript_count,
        case
            when latest.kind = 'absent' or latest.is_deleted
                then 'deleted'
            when latest.processing_count > 0
                then 'processing'
            when latest.file_count > 0
                then 'completed'
            when int_sessions.end_at > getvariable('as_of') - thresholds.processing_time
                then 'processing'
            else 'none'
        end as state,
        case
            when int_webinars.out_of_scope_reason is not null
                then int_webinars.out_of_scope_reason
            when int_settings.recordings = 'none'
                then 'recording_off'
            when
                int_settings.recordings = 'selected'
                and not coalesce(
                    list_filter(int_settings.users, lambda u: u.email = int_webinars.host_email)[1].recordings, false
                )
                then 'recording_off'
            when
                len(list_filter(int_settings.recording_domains, lambda d: case
                    when d like '*.%' then right(int_webinars.host_email, length(d) - 1) = substr(d, 2)
                    else right(int_webinars.host_email, length(d) + 1) = '@' || d
                end)) > 0
                then 'host_domain_excluded'
        end as out_of_scope_reason
    from int_sessions
    inner join int_webinars using (webinar_id)
    cross join int_settings
    cross join thresholds
    left join latest using (session_key)
    where int_sessions.is_counted or latest.session_key is not null

)

select * from joined
