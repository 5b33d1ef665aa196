-- What is each person's state in each occurrence?
-- grain: one row per webinar_id, occurrence_id and person_key that registered for it or attended it
-- units: times are UTC; attended_us is microseconds, null for somebody who did not attend
-- rule:  HZ-22, HZ-24; who registered after an occurrence had ended is not in it; a series is registered for as
--        a whole unless its registrants choose their dates, and a date that ended before a cancellation keeps
--        its no-show
-- incremental: webinar_id, person_key
with

chosen as (

    select
        told.webinar_id,
        told.occurrence_id,
        int_addresses.person_key,
        row_number() over (
            partition by told.webinar_id, told.occurrence_id, int_addresses.person_key
            order by told.occurred_at desc, told.observed_at desc, told.event_id
        ) as recency
    from stg_zoom__registrations_by_occurrence as told
    inner join int_registrants
        on told.webinar_id = int_registrants.webinar_id and told.registrant_key = int_registrants.registrant_key
    inner join int_addresses
        on int_registrants.email_key = int_addresses.email_key
    where
        told.kind = 'seen'
        and told.occurred_at <= getvariable('as_of')
        and int_registrants.has_stood
        and int_addresses.zoom_reason is null

),

registered as (

    select
        int_registrations.webinar_id,
        int_occurrences.occurrence_id,
        int_registrations.person_key,
        int_registrations.first_registered_at,
        int_registrations.registered_at,
        int_registrations.cancelled_at
    from int_registrations
    inner join int_occurrences using (webinar_id)
    inner join int_webinars using (webinar_id)
    left join chosen
        on
            int_registrations.webinar_id = chosen.webinar_id
            and int_occurrences.occurrence_id = chosen.occurrence_id
            and int_registrations.person_key = chosen.person_key
            and chosen.recency = 1
    where
        (int_webinars.registration_type = 1 or int_occurrences.occurrence_id = '' or chosen.person_key is not null)
        and int_registrations.first_registered_at < coalesce(
            int_occurrences.actual_end_at,
            case when int_occurrences.status = 'never_started' then int_occurrences.scheduled_end_at end,
            getvariable('as_of')
        )

),

joined as (

    select
        webinar_id,
        occurrence_id,
        person_key,
        registered.first_registered_at,
        registered.registered_at,
        registered.cancelled_at,
        int_attendances.joined_at,
        int_attendances.left_at,
        int_attendances.attended_us,
        int_attendances.attended_ppq
    from registered
    full join int_attendances using (webinar_id, occurrence_id, person_key)

),

judged as (

    select
        joined.*,
        int_occurrences.account,
        int_occurrences.external_event_id,
        int_occurrences.topic,
        int_occurrences.out_of_scope_reason,
        case
            when joined.attended_us is not null
                then 'attended'
            when
                joined.cancelled_at is not null
                and (
                    joined.occurrence_id = ''
                    or joined.cancelled_at
                    < coalesce(int_occurrences.actual_end_at, joined.cancelled_at + interval 1 second)
                )
                then 'cancelled'
            when int_occurrences.status = 'ended'
                then 'no_show'
            else 'registered'
        end as state
    from joined
    inner join int_occurrences using (webinar_id, occurrence_id)

)

select * from judged
order by webinar_id
