-- Which forms count as submitted?
-- of: contact
-- fields: turnout_forms_submitted_30d, turnout_forms_submitted_1y
-- rule:  HS-05, HZ-27; each submission counts, under any address of the contact
select
    sent_in.submitted_at as happened_at,
    sent_in.form_id,
    sent_in.email,
    sent_in.page_url,
    [
        {
            'stream': 'hubspot/form_submissions',
            'event_id': sent_in.event_id,
            'at': sent_in.submitted_at
        }
    ] as events
from stg_hubspot__form_submissions as sent_in
where
    sent_in.email_key in (select unnest(getvariable('email_keys')))
    and sent_in.submitted_at < getvariable('as_of')
    and sent_in.submitted_at >= date_trunc('day', getvariable('as_of')) - case
        when getvariable('field') like '%\_30d' escape '\' then interval 30 day
        else interval 1 year
    end
order by happened_at desc, event_id
