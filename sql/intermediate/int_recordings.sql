-- Which sessions were recorded, and may the recording be synced?
-- grain: one row per session_key with a recording that is there
-- units: start_at is UTC; out_of_scope_reason is null for a recording in scope
-- rule:  HZ-03, HZ-04; none, selected users, or all; the global switch and the webinar's own scope come first
with

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

joined as (

    select
        ordered.session_key,
        int_sessions.webinar_id,
        int_sessions.occurrence_id,
        coalesce(nullif(ordered.topic, ''), int_webinars.topic) as topic,
        coalesce(ordered.start_at, int_sessions.start_at) as start_at,
        ordered.share_url,
        ordered.file_count,
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
    from ordered
    inner join int_sessions using (session_key)
    inner join int_webinars using (webinar_id)
    cross join int_settings
    where ordered.nearness = 1 and ordered.kind = 'seen'

)

select * from joined
