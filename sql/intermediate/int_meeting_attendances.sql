-- Which contacts were in which session of a meeting, and is the meeting in scope?
-- grain: one row per session_key and contact_id that attended
-- units: times are UTC; attended_us is microseconds; out_of_scope_reason is null for a meeting in scope
-- rule:  HZ-12, with the switches of HZ-02 and the exclusions of HZ-04 to HZ-06; the union of a contact's connections,
--        as HZ-20 has it; the host and the waiting room are no attendance, and nobody becomes a contact by a meeting
-- incremental: session_key
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
    from stg_zoom__meetings
    where kind = 'seen' and meeting_id is not null and start_at is not null

),

ran as (

    select
        ordered.*,
        int_settings.is_meeting_synced,
        int_settings.is_recorded_only,
        int_settings.meetings,
        int_settings.host_domains,
        int_settings.is_secondary_attributed
    from ordered
    cross join int_settings
    where ordered.nearness = 1 and ordered.end_at <= getvariable('as_of') and ordered.end_at > ordered.start_at

),

settings_at_creation as (

    select
        ran.session_key,
        told.is_new_meeting_synced,
        told.meeting_users,
        row_number() over (
            partition by ran.session_key
            order by told.occurred_at desc, told.observed_at desc, told.event_id
        ) as nearness
    from ran
    inner join stg_turnout__settings as told
        on
            ran.created_at >= told.occurred_at
            and told.occurred_at <= getvariable('as_of')

),

judged as (

    select
        ran.*,
        case
            when not ran.is_meeting_synced
                then 'sync_off_global'
            when
                not coalesce(
                    list_filter(ran.meetings, lambda m: m.meeting_id = ran.meeting_id)[1].is_on,
                    list_filter(at_creation.meeting_users, lambda u: u.email = ran.host_email)[1].is_on,
                    at_creation.is_new_meeting_synced,
                    true
                )
                then 'sync_off_meeting'
            when ran.is_recorded_only and not ran.is_cloud_recorded
                then 'not_recorded'
            when
                len(list_filter(ran.host_domains, lambda d: case
                    when d like '*.%' then right(ran.host_email, length(d) - 1) = substr(d, 2)
                    else right(ran.host_email, length(d) + 1) = '@' || d
                end)) > 0
                then 'host_domain_excluded'
        end as out_of_scope_reason
    from ran
    left join settings_at_creation as at_creation
        on ran.session_key = at_creation.session_key and at_creation.nearness = 1

),

connected as (

    select
        *,
        row_number() over (
            partition by connection_key
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_zoom__meeting_participants

),

there as (

    select
        judged.session_key,
        owner.contact_id,
        connected.name,
        greatest(epoch_us(connected.joined_at), epoch_us(judged.start_at)) as start_us,
        least(coalesce(epoch_us(connected.left_at), epoch_us(judged.end_at)), epoch_us(judged.end_at)) as end_us
    from connected
    inner join judged
        on connected.session_key = judged.session_key
    inner join int_contact_addresses as owner
        on connected.email_key = owner.email_key
    left join int_contacts as main
        on owner.contact_id = main.contact_id
    left join int_crm_users as users
        on connected.email_key = users.email_key
    left join int_excluded_addresses as excluded
        on connected.email_key = excluded.email_key
    left join int_excluded_addresses as main_excluded
        on main.email_key = main_excluded.email_key
    where
        connected.nearness = 1
        and connected.kind = 'seen'
        and not connected.is_waiting
        and connected.email <> judged.host_email
        and (owner.is_primary or judged.is_secondary_attributed)
        and users.email_key is null
        and excluded.email_key is null
        and main_excluded.email_key is null

),

overlapping as (

    select
        *,
        max(end_us) over (
            partition by session_key, contact_id
            order by start_us, end_us
            rows between unbounded preceding and 1 preceding
        ) as previous_end_us
    from there
    where end_us > start_us

),

united as (

    select
        session_key,
        contact_id,
        max(name) as name,
        min(start_us) as joined_us,
        max(end_us) as left_us,
        cast(sum(greatest(end_us - greatest(start_us, coalesce(previous_end_us, start_us)), 0)) as bigint)
            as attended_us
    from overlapping
    group by session_key, contact_id

)

select
    judged.session_key,
    judged.session_uuid,
    judged.meeting_id,
    judged.topic,
    judged.host_email,
    judged.start_at,
    judged.end_at,
    judged.out_of_scope_reason,
    united.contact_id,
    united.name,
    timezone('UTC', make_timestamp(united.joined_us)) as joined_at,
    timezone('UTC', make_timestamp(united.left_us)) as left_at,
    united.attended_us
from united
inner join judged
    on united.session_key = judged.session_key
