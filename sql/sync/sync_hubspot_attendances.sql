-- Which marketing events should each contact be registered for, have cancelled or have attended?
-- grain: one row per object_key: external event id, contact (its id, or its address while it is none) and step
-- units: interactionDateTime is epoch milliseconds; joinedAt and leftAt are ISO 8601 with milliseconds, UTC
-- rule:  HZ-24, HZ-25; steps are told in their order, and nothing is told of who may not be synced; HubSpot goes by
--        the latest step, so who is back, or came after all, is told with a time after the cancellation it was told
-- destination: hubspot
-- object: attendance
-- send: whole
-- context: external_event_id, external_account_id, email, step
-- apart: webinar_id, person_key
-- incremental: webinar_id, person_key
with

told as (

    select
        object_key,
        try_cast(field_value as bigint) as told_ms
    from int_published
    where destination = 'hubspot' and object = 'attendance' and field_name = 'interactionDateTime'

),

people as (

    select
        int_participations.*,
        coalesce(cast(int_people.contact_id as varchar), int_people.email) as contact_key,
        cast(int_people.contact_id as varchar) as contact_id,
        int_people.email,
        excluded.email_key is not null as is_excluded,
        told_registration.told_ms as told_registration_ms,
        told_cancellation.told_ms as told_cancellation_ms
    from int_participations
    inner join int_people using (person_key)
    left join int_contacts
        on int_people.contact_id = int_contacts.contact_id
    left join int_excluded_addresses as excluded
        on int_contacts.email_key = excluded.email_key
    left join told as told_registration
        on
            int_participations.external_event_id || '|' || cast(int_people.contact_id as varchar) || '|register'
            = told_registration.object_key
    left join told as told_cancellation
        on
            int_participations.external_event_id || '|' || cast(int_people.contact_id as varchar) || '|cancel'
            = told_cancellation.object_key

),

registered as (

    select
        external_event_id || '|' || contact_key || '|register' as object_key,
        *,
        'register' as step,
        case
            when state in ('cancelled', 'attended')
                then coalesce(told_registration_ms, epoch_ms(registered_at))
            else greatest(epoch_ms(registered_at), told_cancellation_ms + 1)
        end as interaction_ms,
        cast(null as timestamptz) as told_joined_at,
        cast(null as timestamptz) as told_left_at
    from people
    where first_registered_at is not null

),

cancelled as (

    select
        external_event_id || '|' || contact_key || '|cancel' as object_key,
        *,
        'cancel' as step,
        greatest(epoch_ms(cancelled_at), epoch_ms(registered_at) + 1, told_registration_ms + 1) as interaction_ms,
        cast(null as timestamptz) as told_joined_at,
        cast(null as timestamptz) as told_left_at
    from people
    where state = 'cancelled'

),

attended as (

    select
        external_event_id || '|' || contact_key || '|attend' as object_key,
        *,
        'attend' as step,
        greatest(epoch_ms(joined_at), told_cancellation_ms + 1) as interaction_ms,
        joined_at as told_joined_at,
        greatest(left_at, joined_at + interval 1 millisecond) as told_left_at
    from people
    where state = 'attended'

),

steps as (

    select * from registered
    union all by name
    select * from cancelled
    union all by name
    select * from attended

),

worded as (

    select
        object_key,
        contact_id as vendor_id,
        webinar_id,
        person_key,
        coalesce(out_of_scope_reason, case when is_excluded then 'email_excluded' end) as reason,
        external_event_id,
        account as external_account_id,
        email,
        step,
        cast(interaction_ms as varchar) as "interactionDateTime",
        strftime(told_joined_at, '%Y-%m-%dT%H:%M:%S.%gZ') as "joinedAt",
        strftime(told_left_at, '%Y-%m-%dT%H:%M:%S.%gZ') as "leftAt"
    from steps

)

select * from worded
