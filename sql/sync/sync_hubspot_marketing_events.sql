-- Which marketing events should HubSpot have, and what should they say?
-- grain: one row per object_key: the external event id of an occurrence
-- units: fields carry HubSpot's names; instants are ISO 8601 with milliseconds, UTC
-- rule:  HZ-02, HZ-24; actual times once it has run, scheduled ones before; reason is null for what is published
-- destination: hubspot
-- object: marketing_event
-- send: whole
with

events as (

    select
        int_occurrences.external_event_id as object_key,
        cast(null as varchar) as vendor_id,
        int_occurrences.out_of_scope_reason as reason,
        int_occurrences.account as "externalAccountId",
        coalesce(nullif(int_occurrences.topic, ''), 'Webinar ' || int_occurrences.external_event_id) as "eventName",
        'WEBINAR' as "eventType",
        coalesce(nullif(int_webinars.host_name, ''), nullif(int_webinars.host_email, ''), 'Zoom') as "eventOrganizer",
        strftime(
            coalesce(int_occurrences.actual_start_at, int_occurrences.scheduled_start_at), '%Y-%m-%dT%H:%M:%S.%gZ'
        ) as "startDateTime",
        strftime(
            coalesce(int_occurrences.actual_end_at, int_occurrences.scheduled_end_at), '%Y-%m-%dT%H:%M:%S.%gZ'
        ) as "endDateTime",
        int_webinars.join_url as "eventUrl",
        case when int_occurrences.status = 'cancelled' then 'true' else 'false' end as "eventCancelled"
    from int_occurrences
    inner join int_webinars using (webinar_id)

)

select * from events
