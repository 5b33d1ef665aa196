-- Which marketing events are over, so that HubSpot can tell who did not come?
-- grain: one row per object_key: the external event id of an occurrence that has ended
-- units: instants are ISO 8601 with milliseconds, UTC
-- rule:  HZ-24; an occurrence that never started is not completed: nobody becomes a no-show of it
-- destination: hubspot
-- object: completion
-- send: whole
-- context: external_account_id
with

ended as (

    select
        external_event_id as object_key,
        cast(null as varchar) as vendor_id,
        out_of_scope_reason as reason,
        account as external_account_id,
        strftime(actual_start_at, '%Y-%m-%dT%H:%M:%S.%gZ') as "startDateTime",
        strftime(actual_end_at, '%Y-%m-%dT%H:%M:%S.%gZ') as "endDateTime"
    from int_occurrences
    where status = 'ended'

)

select * from ended
