-- Which emails count as opened or clicked, and which openings and clicks were told?
-- of: contact
-- fields: turnout_emails_opened_30d, turnout_emails_opened_1y, turnout_emails_clicked_30d, turnout_emails_clicked_1y
-- rule:  HS-06, HS-07; one email counts once, bots do not; a forwarded one counts for whom it was first sent to
with

sendings as (

    select sent_key
    from int_sent_emails
    where sent_to_key in (select unnest(getvariable('email_keys')))

),

found as (

    select *
    from stg_hubspot__email_events
    where email_key in (select unnest(getvariable('email_keys')))
    union
    select *
    from stg_hubspot__email_events
    where sent_key in (select sent_key from sendings)

),

counted as (

    select *
    from found
    where
        event_type = case when getvariable('field') like '%clicked%' then 'CLICK' else 'OPEN' end
        and not is_bot
        and happened_at < getvariable('as_of')
        and happened_at >= date_trunc('day', getvariable('as_of')) - case
            when getvariable('field') like '%\_30d' escape '\' then interval 30 day
            else interval 1 year
        end

),

elsewhere as (

    select sent_key
    from int_sent_emails
    where
        sent_key in (select sent_key from counted)
        and sent_to_key not in (select unnest(getvariable('email_keys')))

)

select
    max(happened_at) as happened_at,
    campaign_id,
    count(*) as times,
    list(
        {
            'stream': 'hubspot/email_events',
            'event_id': event_id,
            'at': happened_at
        }
        order by happened_at
    ) as events
from counted
where sent_key is null or sent_key not in (select sent_key from elsewhere)
group by campaign_id
order by happened_at desc, campaign_id
