-- What should each HubSpot contact hold, and who should become one?
-- grain: one row per object_key: contact_id of a contact, the address of who is none
-- units: fields carry HubSpot's names and its text forms: numbers as digits, instants as ISO 8601 with milliseconds
-- rule:  HZ-04, HZ-05, HZ-11, HZ-21 to HZ-23; reason is null for what is to be published
-- destination: hubspot
-- object: contact
-- create when: there is no vendor_id
-- create only: email, firstname, lastname, turnout_source
-- incremental: object_key
with

told as (

    select distinct object_key
    from int_published
    where destination = 'hubspot' and object = 'contact'

),

by_crm as (

    select
        contact_id,
        arg_max(webinar_url, (registered_at, webinar_id)) as webinar_url
    from int_crm_registrations
    where contact_id is not null
    group by contact_id

),

contacts as (

    select
        int_contacts.contact_id as subject_key,
        cast(int_contacts.contact_id as varchar) as object_key,
        cast(int_contacts.contact_id as varchar) as vendor_id,
        int_contacts.email,
        cast(null as varchar) as firstname,
        cast(null as varchar) as lastname,
        cast(null as varchar) as turnout_source,
        case
            when excluded.email_key is not null
                then 'email_excluded'
            when contact_metrics.subject_key is null and told.object_key is null and by_crm.contact_id is null
                then 'no_activity'
        end as reason
    from int_contacts
    left join contact_metrics
        on int_contacts.contact_id = contact_metrics.subject_key
    left join int_excluded_addresses as excluded
        on int_contacts.email_key = excluded.email_key
    left join told
        on cast(int_contacts.contact_id as varchar) = told.object_key
    left join by_crm
        on int_contacts.contact_id = by_crm.contact_id
    where int_contacts.is_live

),

newcomers as (

    select
        int_people.subject_key,
        int_people.email as object_key,
        cast(null as varchar) as vendor_id,
        int_people.email,
        coalesce(nullif(int_zoom_metrics.first_name, ''), split_part(int_zoom_metrics.met_name, ' ', 1)) as firstname,
        coalesce(
            case when int_zoom_metrics.first_name <> '' then int_zoom_metrics.last_name end,
            trim(substr(int_zoom_metrics.met_name, length(split_part(int_zoom_metrics.met_name, ' ', 1)) + 1))
        ) as lastname,
        'Zoom: ' || int_webinars.topic as turnout_source,
        cast(null as varchar) as reason
    from int_people
    inner join int_zoom_metrics using (subject_key)
    left join int_webinars
        on int_zoom_metrics.first_webinar_id = int_webinars.webinar_id
    where int_people.contact_id is null

),

turned_away as (

    select
        cast(null as bigint) as subject_key,
        email as object_key,
        cast(null as varchar) as vendor_id,
        email,
        cast(null as varchar) as firstname,
        cast(null as varchar) as lastname,
        cast(null as varchar) as turnout_source,
        zoom_reason as reason
    from int_addresses
    where zoom_reason is not null

),

candidates as (

    select * from contacts
    union all by name
    select * from newcomers
    union all by name
    select * from turned_away

),

worded as (

    select
        candidates.object_key,
        candidates.vendor_id,
        candidates.reason,
        candidates.email,
        nullif(candidates.firstname, '') as firstname,
        nullif(candidates.lastname, '') as lastname,
        candidates.turnout_source,
        cast(contact_metrics.avg_attendance_pct as varchar) as turnout_avg_attendance_pct,
        cast(coalesce(contact_metrics.webinars_registered, 0) as varchar) as turnout_webinars_registered,
        cast(coalesce(contact_metrics.webinars_attended, 0) as varchar) as turnout_webinars_attended,
        cast(coalesce(contact_metrics.occurrences_attended, 0) as varchar) as turnout_occurrences_attended,
        by_crm.webinar_url as turnout_last_registered_webinar_url,
        contact_metrics.last_registration_url as turnout_last_registration_url,
        strftime(contact_metrics.last_registered_at, '%Y-%m-%dT%H:%M:%S.%gZ') as turnout_last_registration_at,
        cast(coalesce(contact_metrics.webinars_attended_30d, 0) as varchar) as turnout_webinars_attended_30d,
        cast(coalesce(contact_metrics.webinars_attended_1y, 0) as varchar) as turnout_webinars_attended_1y,
        cast(coalesce(contact_metrics.emails_opened_30d, 0) as varchar) as turnout_emails_opened_30d,
        cast(coalesce(contact_metrics.emails_opened_1y, 0) as varchar) as turnout_emails_opened_1y,
        cast(coalesce(contact_metrics.emails_clicked_30d, 0) as varchar) as turnout_emails_clicked_30d,
        cast(coalesce(contact_metrics.emails_clicked_1y, 0) as varchar) as turnout_emails_clicked_1y,
        cast(coalesce(contact_metrics.forms_submitted_30d, 0) as varchar) as turnout_forms_submitted_30d,
        cast(coalesce(contact_metrics.forms_submitted_1y, 0) as varchar) as turnout_forms_submitted_1y,
        strftime(contact_metrics.last_activity_at, '%Y-%m-%dT%H:%M:%S.%gZ') as turnout_last_activity_at
    from candidates
    left join contact_metrics
        on candidates.subject_key = contact_metrics.subject_key
    left join by_crm
        on candidates.subject_key = by_crm.contact_id

)

select * from worded
