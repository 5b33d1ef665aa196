-- What stands on each contact's timeline of webinars and meetings?
-- grain: one row per subject_key and registration, and per subject_key and attended occurrence, or session of a meeting
-- units: times are UTC; attended_seconds is whole seconds, null for a registration
-- rule:  HZ-12, HZ-25; of a meeting, webinar_id is its id and occurrence_id the start of its session in epoch ms
-- incremental: subject_key, webinar_id
with

registrations as (

    select
        int_people.subject_key,
        int_people.contact_id,
        'webinar_registered' as entry_type,
        int_registrations.webinar_id,
        '' as occurrence_id,
        int_webinars.topic,
        int_registrations.registered_at as happened_at,
        cast(null as timestamptz) as joined_at,
        cast(null as timestamptz) as left_at,
        cast(null as bigint) as attended_seconds
    from int_registrations
    inner join int_people using (person_key)
    inner join int_webinars using (webinar_id)
    where int_webinars.out_of_scope_reason is null

),

attendances as (

    select
        subject_key,
        contact_id,
        'webinar_attended' as entry_type,
        webinar_id,
        occurrence_id,
        topic,
        joined_at as happened_at,
        joined_at,
        left_at,
        attended_seconds
    from contact_webinars
    where state = 'attended'

),

meetings as (

    select
        contact_id as subject_key,
        contact_id,
        'meeting_attended' as entry_type,
        meeting_id as webinar_id,
        cast(epoch_ms(start_at) as varchar) as occurrence_id,
        topic,
        joined_at as happened_at,
        joined_at,
        left_at,
        attended_us // 1000000 as attended_seconds
    from int_meeting_attendances
    where out_of_scope_reason is null

),

timeline as (

    select * from registrations
    union all by name
    select * from attendances
    union all by name
    select * from meetings

)

select * from timeline
