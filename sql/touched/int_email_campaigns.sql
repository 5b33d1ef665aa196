-- Which emails are to be taken in: those sent since
-- grain: one row per key of int_email_campaigns, at least of those whose rows differ
-- merged: greatest of subject
-- of: stg_hubspot__email_events
select * from stg_hubspot__email_events__changed
where event_type = 'SENT'
