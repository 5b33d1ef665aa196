-- To whom was each marketing email sent?
-- grain: one row per event of a sending
-- units: sent_key is the event_key of the sending, as later events name it; sent_at is UTC
-- rule:  HS-06
-- incremental: appended
with

sent as (

    select
        event_key as sent_key,
        email_key as sent_to_key,
        happened_at as sent_at
    from stg_hubspot__email_events
    where event_type = 'SENT' and email_key is not null

)

select * from sent
