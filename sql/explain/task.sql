-- Of which activity is a Task, on whom is it and why, and from when on do such activities go out?
-- of: task
-- units: window_from is where the window of its type begins, UTC; reason is null where it goes out
-- rule:  HS-01 to HS-10; asked by the key of the activity, so that each table is looked through for one value
with

found as (

    select people.*
    from int_activity_people as people
    where people.activity_key = getvariable('activity_key')

),

told as (

    select
        events.event_key as activity_key,
        'hubspot/email_events' as stream,
        events.event_id,
        events.happened_at as occurred_at
    from stg_hubspot__email_events as events
    where events.event_key = getvariable('activity_key')
    union all
    select
        events.activity_key,
        'hubspot/form_submissions' as stream,
        events.event_id,
        events.submitted_at as occurred_at
    from stg_hubspot__form_submissions as events
    where events.activity_key = getvariable('activity_key')
    union all
    select
        events.activity_key,
        'hubspot/calls' as stream,
        events.event_id,
        events.occurred_at
    from stg_hubspot__calls as events
    where events.activity_key = getvariable('activity_key')
    union all
    select
        events.activity_key,
        'hubspot/emails' as stream,
        events.event_id,
        events.occurred_at
    from stg_hubspot__emails as events
    where events.activity_key = getvariable('activity_key')
    union all
    select
        events.activity_key,
        'hubspot/meetings' as stream,
        events.event_id,
        events.occurred_at
    from stg_hubspot__meetings as events
    where events.activity_key = getvariable('activity_key')
    union all
    select
        events.activity_key,
        'hubspot/notes' as stream,
        events.event_id,
        events.occurred_at
    from stg_hubspot__notes as events
    where events.activity_key = getvariable('activity_key')
    union all
    select
        events.activity_key,
        'hubspot/tasks' as stream,
        events.event_id,
        events.occurred_at
    from stg_hubspot__tasks as events
    where events.activity_key = getvariable('activity_key')
    union all
    select
        webinars.activity_key,
        'zoom/participants' as stream,
        events.event_id,
        events.occurred_at
    from int_webinar_activities as webinars
    inner join int_occurrences as dates
        on
            webinars.webinar_id = dates.webinar_id
            and webinars.source_id = dates.external_event_id
            and webinars.activity_id like 'integration_event:attended:%'
    inner join int_connections as connections
        on
            dates.webinar_id = connections.webinar_id
            and dates.occurrence_id = connections.occurrence_id
            and webinars.person_key = connections.person_key
    inner join stg_zoom__participants as events using (connection_key)
    where webinars.activity_key = getvariable('activity_key') and connections.reason is null
    union all
    select
        webinars.activity_key,
        'zoom/registrants' as stream,
        events.event_id,
        events.occurred_at
    from int_webinar_activities as webinars
    inner join int_addresses as addresses
        on webinars.person_key = addresses.person_key
    inner join int_registrants as registered
        on webinars.webinar_id = registered.webinar_id and addresses.email_key = registered.email_key
    inner join stg_zoom__registrants as events
        on
            registered.webinar_id = events.webinar_id
            and registered.registrant_key = events.registrant_key
            and webinars.activity_id like 'integration_event:registered:%'
    where webinars.activity_key = getvariable('activity_key')
    union all
    select
        found.activity_key,
        'hubspot/contacts' as stream,
        events.event_id,
        events.occurred_at
    from found
    left join int_sales_touches as touches using (activity_key)
    inner join stg_hubspot__contacts as events
        on coalesce(found.contact_id, touches.contact_id) = events.contact_id
    union all
    select
        found.activity_key,
        'salesforce/contacts' as stream,
        events.event_id,
        events.occurred_at
    from found
    inner join stg_salesforce__contacts as events
        on found.record_id = events.record_id
    union all
    select
        found.activity_key,
        'salesforce/leads' as stream,
        events.event_id,
        events.occurred_at
    from found
    inner join stg_salesforce__leads as events
        on found.record_id = events.record_id

),

evidence as (

    select
        activity_key,
        list(
            {
                'stream': stream,
                'event_id': event_id,
                'at': occurred_at
            }
            order by stream like '%/contacts' or stream like '%/leads', stream, occurred_at
        ) as events
    from told
    group by activity_key

)

select
    activities.occurred_at as happened_at,
    found.task_key,
    published.task_id,
    published.who_id,
    found.activity_key,
    activities.activity_id,
    activities.activity_type,
    activities.subject,
    activities.is_bot,
    found.contact_id,
    contacts.email,
    found.record_id,
    found.record_kind,
    found.synced_at,
    case
        when found.activity_type in ('marketing_email_sent', 'marketing_email_opened', 'marketing_email_clicked')
            then found.synced_at - interval 30 day
        when found.activity_type = 'form_submission'
            then timezone('UTC', timezone('UTC', found.synced_at) - interval 1 year)
        else found.synced_at
    end as window_from,
    settings.is_synced,
    settings.task_type,
    greatest(settings.since_at, settings.salesforce_since_at) as since_at,
    found.reason,
    evidence.events
from found
inner join (
    select *
    from int_activities
    where activity_key = getvariable('activity_key')
) as activities using (activity_key)
inner join int_activity_settings as settings
    on found.activity_type = settings.activity_type
left join int_published_tasks as published
    on found.task_key = published.task_key
left join int_contacts as contacts
    on found.contact_id = contacts.contact_id
left join evidence
    on found.activity_key = evidence.activity_key
