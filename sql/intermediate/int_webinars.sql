-- What is each webinar, and is it in scope?
-- grain: one row per webinar_id that is scheduled or ever ran
-- units: start_at is UTC; start_moved_at is when another start of a single webinar was last seen; out_of_scope_reason
--        is null for a webinar in scope, else a reason of HZ-30
-- rule:  HZ-02, HZ-04, HZ-09; the user's switch in force when the webinar was created decides, a webinar's own wins
with

ordered as (

    select
        *,
        row_number() over (
            partition by webinar_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness,
        row_number() over (
            partition by webinar_id, kind
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness_in_kind
    from stg_zoom__webinars
    where webinar_id is not null

),

gone as (

    select
        webinar_id,
        occurred_at as absent_at
    from ordered
    where nearness = 1 and kind = 'absent'

),

moved as (

    select
        webinar_id,
        max(occurred_at) as start_moved_at
    from (
        select
            webinar_id,
            occurred_at,
            start_at,
            lag(start_at) over (
                partition by webinar_id
                order by occurred_at, observed_at, event_id
            ) as previous_start_at
        from stg_zoom__webinars
        where webinar_id is not null and kind = 'seen' and occurred_at <= getvariable('as_of')
    ) as states
    where start_at <> previous_start_at
    group by webinar_id

),

detailed as (

    select
        event_id as state_id,
        ordered.occurred_at as state_at,
        ordered.account,
        webinar_id,
        topic,
        webinar_type,
        host_id,
        case when host_email = '' then coalesce(int_hosts.email, '') else host_email end as host_email,
        coalesce(int_hosts.full_name, '') as host_name,
        start_at,
        time_zone,
        duration_minutes,
        agenda,
        join_url,
        created_at,
        creation_source,
        approval_type,
        registration_type,
        len(occurrences) as listed_count
    from ordered
    left join int_hosts
        on ordered.account = int_hosts.account and ordered.host_id = int_hosts.user_id
    where nearness_in_kind = 1 and kind = 'seen'

),

met as (

    select
        webinar_id,
        min(account) as account,
        arg_max(topic, start_at) as topic,
        max(host_email) as host_email,
        min(start_at) as start_at,
        bool_and(is_imported) as is_imported
    from int_sessions_seen
    group by webinar_id

),

known as (

    select
        webinar_id,
        coalesce(detailed.account, met.account) as account,
        detailed.state_id,
        detailed.state_at,
        coalesce(detailed.topic, met.topic, '') as topic,
        detailed.webinar_type,
        coalesce(detailed.host_id, '') as host_id,
        coalesce(nullif(detailed.host_email, ''), met.host_email, '') as host_email,
        coalesce(detailed.host_name, '') as host_name,
        coalesce(detailed.start_at, met.start_at) as start_at,
        coalesce(detailed.time_zone, 'UTC') as time_zone,
        detailed.duration_minutes,
        coalesce(detailed.agenda, '') as agenda,
        detailed.join_url,
        detailed.created_at,
        coalesce(detailed.creation_source, '') as creation_source,
        coalesce(detailed.approval_type, 0) as approval_type,
        coalesce(detailed.registration_type, 1) as registration_type,
        coalesce(detailed.listed_count, 0) as listed_count,
        coalesce(met.is_imported, false) as is_imported,
        gone.absent_at,
        case when detailed.listed_count = 0 then moved.start_moved_at end as start_moved_at
    from detailed
    full join met using (webinar_id)
    left join gone using (webinar_id)
    left join moved using (webinar_id)

),

settings_at_creation as (

    select
        known.webinar_id,
        told.is_new_synced,
        told.users,
        row_number() over (
            partition by known.webinar_id
            order by told.occurred_at desc, told.observed_at desc, told.event_id
        ) as nearness
    from known
    inner join stg_turnout__settings as told
        on
            known.created_at >= told.occurred_at
            and told.occurred_at <= getvariable('as_of')

),

switches as (

    select unnest(webinars) as switch
    from int_settings

),

own_switches as (

    select
        switch.webinar_id as webinar_id,
        switch.is_on as is_on
    from switches

),

judged as (

    select
        known.*,
        case
            when not int_settings.is_sync_on
                then 'sync_off_global'
            when
                not coalesce(
                    own_switches.is_on,
                    list_filter(settings_at_creation.users, lambda u: u.email = known.host_email)[1].new_webinars,
                    settings_at_creation.is_new_synced,
                    true
                )
                then 'sync_off_webinar'
            when known.creation_source = 'zoom_events'
                then 'zoom_events'
            when known.state_id is null and not known.is_imported and known.absent_at is null
                then 'details_not_read'
            when
                len(list_filter(int_settings.host_domains, lambda d: case
                    when d like '*.%' then right(known.host_email, length(d) - 1) = substr(d, 2)
                    else right(known.host_email, length(d) + 1) = '@' || d
                end)) > 0
                then 'host_domain_excluded'
        end as out_of_scope_reason
    from known
    cross join int_settings
    left join own_switches using (webinar_id)
    left join settings_at_creation
        on known.webinar_id = settings_at_creation.webinar_id and settings_at_creation.nearness = 1

)

select * from judged
