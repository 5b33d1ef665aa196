-- What do a person's webinars add up to?
-- grain: one row per subject_key with a registration or an attendance in scope
-- units: avg_attended_hundredths is 0..10000, hundredths of a percent, rounded half up; times are UTC
-- rule:  HZ-21 to HZ-23; windows are [midnight UTC of the day of as_of - 30 days or 1 year, as_of)
-- incremental: subject_key
with

thresholds as (

    select
        date_trunc('day', getvariable('as_of')) - interval 30 day as since_30d,
        date_trunc('day', getvariable('as_of')) - interval 1 year as since_1y

),

attended as (

    select
        int_people.subject_key,
        int_attendances.webinar_id,
        int_attendances.occurrence_id,
        int_attendances.joined_at,
        int_attendances.attended_ppq,
        int_attendances.name
    from int_attendances
    inner join int_people using (person_key)
    inner join int_webinars using (webinar_id)
    where int_webinars.out_of_scope_reason is null

),

attendance as (

    select
        attended.subject_key,
        count(*) as occurrences_attended,
        count(distinct attended.webinar_id) as webinars_attended,
        count(distinct case when attended.joined_at >= thresholds.since_30d then attended.webinar_id end)
            as webinars_attended_30d,
        count(distinct case when attended.joined_at >= thresholds.since_1y then attended.webinar_id end)
            as webinars_attended_1y,
        cast(
            (2 * sum(cast(attended.attended_ppq as hugeint)) + count(*) * 100000000000 + count(*))
            // (2 * count(*) * 100000000000)
            as integer
        ) as avg_attended_hundredths,
        min(attended.joined_at) as first_joined_at,
        arg_min(attended.webinar_id, (attended.joined_at, attended.webinar_id)) as first_joined_webinar_id,
        max(attended.joined_at) as last_joined_at,
        arg_max(attended.name, (attended.joined_at, attended.webinar_id, attended.occurrence_id)) as met_name
    from attended
    cross join thresholds
    group by attended.subject_key

),

registered as (

    select
        int_people.subject_key,
        count(distinct int_registrations.webinar_id) as webinars_registered,
        arg_max(int_registrations.webinar_id, (int_registrations.registered_at, int_registrations.webinar_id))
            as last_registered_webinar_id,
        max(int_registrations.registered_at) as last_registered_at,
        min(int_registrations.first_registered_at) as first_registered_at,
        arg_min(
            int_registrations.webinar_id, (int_registrations.first_registered_at, int_registrations.webinar_id)
        ) as first_registered_webinar_id,
        arg_max(
            int_registrations.first_name, (int_registrations.registered_at, int_registrations.webinar_id)
        ) as first_name,
        arg_max(
            int_registrations.last_name, (int_registrations.registered_at, int_registrations.webinar_id)
        ) as last_name
    from int_registrations
    inner join int_people using (person_key)
    inner join int_webinars using (webinar_id)
    where int_webinars.out_of_scope_reason is null
    group by int_people.subject_key

),

combined as (

    select
        subject_key,
        coalesce(registered.webinars_registered, 0) as webinars_registered,
        coalesce(attendance.webinars_attended, 0) as webinars_attended,
        coalesce(attendance.occurrences_attended, 0) as occurrences_attended,
        coalesce(attendance.webinars_attended_30d, 0) as webinars_attended_30d,
        coalesce(attendance.webinars_attended_1y, 0) as webinars_attended_1y,
        attendance.avg_attended_hundredths,
        registered.last_registered_webinar_id,
        registered.last_registered_at,
        registered.first_name,
        registered.last_name,
        attendance.met_name,
        case
            when attendance.first_joined_at < registered.first_registered_at or registered.first_registered_at is null
                then attendance.first_joined_webinar_id
            else registered.first_registered_webinar_id
        end as first_webinar_id,
        greatest(attendance.last_joined_at, registered.last_registered_at) as last_activity_at
    from registered
    full join attendance using (subject_key)

)

select * from combined
