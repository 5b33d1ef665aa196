-- Who was it on each connection, and does it count as attendance?
-- grain: one row per connection of a device to a session that is over: a row of Zoom's participant report
-- units: start_us, end_us are microseconds since 1970, clipped to the session; reason is null where it counts
-- rule:  HZ-04 to HZ-08, HZ-20; the registrant of the row's registrant_id, else its own address
-- incremental: connection_key
with

retold as (

    select connection_key
    from stg_zoom__participants
    group by connection_key
    having count(*) > 1

),

present as (

    select
        *,
        1 as nearness
    from stg_zoom__participants
    where connection_key not in (select connection_key from retold)
    union all
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
    from stg_zoom__participants
    where connection_key in (select connection_key from retold)

),

placed as (

    select
        present.connection_key,
        int_sessions.webinar_id,
        int_sessions.occurrence_id,
        int_sessions.is_practice,
        present.user_id,
        present.email_key as own_key,
        present.name,
        present.is_waiting,
        present.role as told_role,
        coalesce(int_registrants.email_key, present.email_key) as identity_key,
        int_registrants.registrant_key is not null as is_registrant,
        greatest(epoch_us(present.joined_at), epoch_us(int_sessions.start_at)) as start_us,
        least(
            coalesce(epoch_us(present.left_at), epoch_us(int_sessions.end_at)),
            epoch_us(int_sessions.end_at)
        ) as end_us
    from present
    inner join int_sessions using (session_key)
    left join int_registrants
        on
            int_sessions.webinar_id = int_registrants.webinar_id
            and present.registrant_key = int_registrants.registrant_key
    where present.nearness = 1 and present.kind = 'seen' and present.joined_at is not null and int_sessions.is_over

),

judged as (

    select
        placed.connection_key,
        placed.webinar_id,
        placed.occurrence_id,
        placed.name,
        placed.identity_key,
        placed.is_registrant,
        int_addresses.email,
        int_addresses.person_key,
        placed.start_us,
        placed.end_us,
        case
            when placed.is_practice
                then 'practice_session'
            when placed.is_waiting
                then 'waiting_room'
            when
                placed.told_role = 'host'
                or placed.user_id = int_webinars.host_id
                or own_role.role = 'host'
                or identity_role.role = 'host'
                then 'host'
            when
                not int_settings.is_panelist_counted
                and (placed.told_role = 'panelist' or own_role.role = 'panelist' or identity_role.role = 'panelist')
                then 'panelist'
            when placed.identity_key is null
                then 'participant_without_email'
            when placed.end_us <= placed.start_us
                then 'no_overlap'
            else int_addresses.zoom_reason
        end as reason
    from placed
    inner join int_webinars using (webinar_id)
    cross join int_settings
    left join int_panelists as own_role
        on placed.webinar_id = own_role.webinar_id and placed.own_key = own_role.email_key
    left join int_panelists as identity_role
        on placed.webinar_id = identity_role.webinar_id and placed.identity_key = identity_role.email_key
    left join int_addresses
        on placed.identity_key = int_addresses.email_key

)

select * from judged
