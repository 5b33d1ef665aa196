-- Which webinars did the CRM register them for?
-- of: contact
-- fields: turnout_last_registered_webinar_url
-- rule:  HZ-23, HZ-32; the latest counts, then the higher webinar id; what was asked for on Zoom's own page does not
with

registered as (

    select *
    from int_crm_registrations
    where contact_id = getvariable('contact_id')

),

evidence as (

    select
        object_key,
        list(
            {
                'stream': 'turnout/outcomes',
                'event_id': event_id,
                'at': occurred_at
            }
            order by occurred_at, event_id
        ) as events
    from stg_turnout__outcomes
    where
        destination = 'zoom'
        and object = 'registration'
        and status = 'published'
        and object_key in (select object_key from registered)
    group by object_key

)

select
    registered.registered_at as happened_at,
    registered.webinar_id,
    registered.webinar_url,
    registered.occurrence_id,
    registered.registrant_id,
    evidence.events
from registered
left join evidence using (object_key)
order by happened_at desc, webinar_id desc
