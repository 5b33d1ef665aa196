-- What did they do last?
-- of: contact
-- fields: turnout_last_activity_at
-- units: the latest of each kind, the latest of all first
-- rule:  HZ-27; what the person did, before as_of, bots left out
with

registrations as (

    select
        registered.registered_at as happened_at,
        'webinar_registered' as activity,
        int_webinars.topic as subject,
        'zoom/registrants' as stream,
        told.event_id,
        told.occurred_at
    from int_registrants as registered
    inner join int_webinars using (webinar_id)
    inner join stg_zoom__registrants as told using (webinar_id, registrant_key)
    where
        registered.email_key in (select unnest(getvariable('email_keys')))
        and registered.has_stood
        and int_webinars.out_of_scope_reason is null
    qualify row_number() over (order by registered.registered_at desc, told.occurred_at, told.event_id) = 1

),

attendances as (

    select
        int_attendances.joined_at as happened_at,
        'webinar_attended' as activity,
        int_webinars.topic as subject,
        'zoom/participants' as stream,
        told.event_id,
        told.occurred_at
    from int_attendances
    inner join int_webinars using (webinar_id)
    inner join int_connections as connections using (webinar_id, occurrence_id, person_key)
    inner join stg_zoom__participants as told using (connection_key)
    where
        int_attendances.person_key in (select unnest(getvariable('person_keys')))
        and int_webinars.out_of_scope_reason is null
        and connections.reason is null
    qualify row_number() over (order by int_attendances.joined_at desc, connections.start_us, told.event_id) = 1

),

emails as (

    select
        told.happened_at,
        case told.event_type when 'OPEN' then 'email_opened' else 'email_clicked' end as activity,
        cast(told.campaign_id as varchar) as subject,
        'hubspot/email_events' as stream,
        told.event_id,
        told.happened_at as occurred_at
    from stg_hubspot__email_events as told
    left join int_sent_emails as sendings
        on told.sent_key = sendings.sent_key
    where
        told.event_type in ('OPEN', 'CLICK')
        and not told.is_bot
        and told.happened_at < getvariable('as_of')
        and told.happened_at >= (
            select least(last_activity_at, getvariable('as_of'))
            from int_crm_metrics
            where subject_key = getvariable('subject_key')
        )
        and coalesce(sendings.sent_to_key, told.email_key) in (select unnest(getvariable('email_keys')))
    qualify row_number() over (order by told.happened_at desc, told.event_id) = 1

),

forms as (

    select
        submitted_at as happened_at,
        'form_submitted' as activity,
        form_id as subject,
        'hubspot/form_submissions' as stream,
        event_id,
        submitted_at as occurred_at
    from stg_hubspot__form_submissions
    where
        email_key in (select unnest(getvariable('email_keys')))
        and submitted_at < getvariable('as_of')
    qualify row_number() over (order by submitted_at desc, event_id) = 1

),

sales as (

    select
        touches.happened_at,
        touches.activity_type as activity,
        cast(touches.told_id as varchar) as subject,
        'hubspot/contacts' as stream,
        told.event_id,
        told.occurred_at
    from int_sales_touches as touches
    inner join stg_hubspot__contacts as told
        on touches.told_id = told.contact_id
    where touches.contact_id = getvariable('contact_id') and touches.happened_at < getvariable('as_of')
    qualify row_number() over (order by touches.happened_at desc, told.observed_at desc, told.event_id) = 1

),

together as (

    select * from registrations
    union all
    select * from attendances
    union all
    select * from emails
    union all
    select * from forms
    union all
    select * from sales

)

select
    happened_at,
    activity,
    subject,
    [
        {
            'stream': stream,
            'event_id': event_id,
            'at': occurred_at
        }
    ] as events
from together
order by happened_at desc, activity
