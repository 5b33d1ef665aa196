-- What does each person's activity add up to?
-- grain: one row per subject_key with any activity: a contact, or somebody met in Zoom who is no contact yet
-- units: contact_id is null for who is no contact yet; avg_attendance_pct is 0..100, null for who never attended
-- rule:  HZ-21 to HZ-23, HZ-27; a contact with any activity has every count, 0 where there is none
-- incremental: subject_key
with

zoom as (

    select
        subject_key,
        case when subject_key > 0 then subject_key end as contact_id,
        webinars_registered,
        webinars_attended,
        occurrences_attended,
        webinars_attended_30d,
        webinars_attended_1y,
        avg_attended_hundredths,
        last_registered_webinar_id,
        last_registered_at,
        last_activity_at
    from int_zoom_metrics

),

crm as (

    select
        subject_key,
        case when subject_key > 0 then subject_key end as contact_id,
        emails_opened_30d,
        emails_opened_1y,
        emails_clicked_30d,
        emails_clicked_1y,
        forms_submitted_30d,
        forms_submitted_1y,
        last_activity_at
    from int_crm_metrics
    where last_activity_at is not null

),

combined as (

    select
        subject_key,
        coalesce(zoom.contact_id, crm.contact_id) as contact_id,
        cast(zoom.avg_attended_hundredths * 0.01 as decimal(5, 2)) as avg_attendance_pct,
        zoom.avg_attended_hundredths,
        coalesce(zoom.webinars_registered, 0) as webinars_registered,
        coalesce(zoom.webinars_attended, 0) as webinars_attended,
        coalesce(zoom.occurrences_attended, 0) as occurrences_attended,
        coalesce(zoom.webinars_attended_30d, 0) as webinars_attended_30d,
        coalesce(zoom.webinars_attended_1y, 0) as webinars_attended_1y,
        coalesce(crm.emails_opened_30d, 0) as emails_opened_30d,
        coalesce(crm.emails_opened_1y, 0) as emails_opened_1y,
        coalesce(crm.emails_clicked_30d, 0) as emails_clicked_30d,
        coalesce(crm.emails_clicked_1y, 0) as emails_clicked_1y,
        coalesce(crm.forms_submitted_30d, 0) as forms_submitted_30d,
        coalesce(crm.forms_submitted_1y, 0) as forms_submitted_1y,
        zoom.last_registered_webinar_id,
        zoom.last_registered_at,
        greatest(zoom.last_activity_at, crm.last_activity_at) as last_activity_at
    from zoom
    full join crm using (subject_key)

),

linked as (

    select
        combined.*,
        int_webinars.join_url as last_registration_url
    from combined
    left join int_webinars
        on combined.last_registered_webinar_id = int_webinars.webinar_id

)

select * from linked
