-- What is each person's part in each date of each webinar?
-- grain: one row per subject_key, webinar_id and occurrence_id, of webinars in scope
-- units: contact_id is null for who is no contact yet; attended_seconds is whole seconds; attendance_pct is 0..100
-- rule:  HZ-24, HZ-25, HZ-27; state is registered, cancelled, attended or no_show
-- incremental: subject_key, webinar_id
with

placed as (

    select
        int_people.subject_key,
        int_people.contact_id,
        int_participations.webinar_id,
        int_participations.occurrence_id,
        int_participations.external_event_id,
        int_participations.topic,
        int_participations.state,
        int_participations.first_registered_at,
        int_participations.registered_at,
        int_participations.cancelled_at,
        int_participations.joined_at,
        int_participations.left_at,
        int_participations.attended_us // 1000000 as attended_seconds,
        cast(((int_participations.attended_ppq + 50000000000) // 100000000000) * 0.01 as decimal(5, 2))
            as attendance_pct
    from int_participations
    inner join int_people using (person_key)
    where int_participations.out_of_scope_reason is null

)

select * from placed
