-- Which events of emails are to be taken in: new ones, and those whose time has come
-- grain: one row per key of int_email_touches, at least of those whose rows differ
-- merged: greatest of last_opened_at, last_clicked_at
-- of: stg_hubspot__email_events
-- narrowed: int_sent_emails by sent_key of stg_hubspot__email_events
select * from stg_hubspot__email_events__changed
union all
select * from stg_hubspot__email_events
where happened_at >= getvariable('as_of_before') and happened_at < getvariable('as_of')
union all by name
select cast(null as blob) as event_id
from int_sent_emails__changed as late
inner join stg_hubspot__email_events as counted
    on late.sent_key = counted.sent_key
where
    counted.event_type in ('OPEN', 'CLICK')
    and counted.email_key is distinct from late.sent_to_key
    and counted.event_id not in (select event_id from stg_hubspot__email_events__changed)
