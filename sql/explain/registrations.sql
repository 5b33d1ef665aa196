-- Which registrations count, and what did Zoom say of them?
-- of: contact
-- fields: turnout_webinars_registered, turnout_last_registration_url, turnout_last_registration_at, turnout_source,
--         email, firstname, lastname
-- rule:  HZ-11, HZ-22, HZ-23; the latest registration gives the URL and the names, the first the source
with

registered as (

    select
        int_registrations.*,
        int_webinars.topic,
        int_webinars.join_url
    from int_registrations
    inner join int_webinars using (webinar_id)
    where
        int_registrations.person_key in (select unnest(getvariable('person_keys')))
        and int_webinars.out_of_scope_reason is null

),

evidence as (

    select
        webinar_id,
        list(
            {
                'stream': 'zoom/registrants',
                'event_id': event_id,
                'at': occurred_at
            }
            order by occurred_at
        ) as events
    from stg_zoom__registrants
    where
        webinar_id in (select webinar_id from registered)
        and (webinar_id, registrant_key) in (
            select (webinar_id, registrant_key)
            from int_registrants
            where email_key in (select unnest(getvariable('email_keys')))
        )
    group by webinar_id

)

select
    registered.registered_at as happened_at,
    registered.webinar_id,
    registered.topic,
    registered.join_url,
    registered.first_registered_at,
    registered.cancelled_at,
    registered.first_name,
    registered.last_name,
    evidence.events
from registered
left join evidence using (webinar_id)
order by happened_at desc, webinar_id desc
