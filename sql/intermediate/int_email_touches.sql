-- Which marketing emails did each address open and click, and when last?
-- grain: one row per email_key and campaign_id opened or clicked by a person
-- units: times are UTC; null where it never happened
-- rule:  HS-06, HS-07; bots left out; a forwarded email counts for the address it was first sent to
-- incremental: email_key, campaign_id
with

touches as (

    select
        email_key,
        campaign_id,
        event_type,
        happened_at,
        sent_key
    from stg_hubspot__email_events
    where
        event_type in ('OPEN', 'CLICK')
        and not is_bot
        and happened_at < getvariable('as_of')

),

credited as (

    select
        coalesce(int_sent_emails.sent_to_key, touches.email_key) as email_key,
        touches.campaign_id,
        touches.event_type,
        touches.happened_at
    from touches
    left join int_sent_emails using (sent_key)

),

grouped as (

    select
        email_key,
        campaign_id,
        max(case when event_type = 'OPEN' then happened_at end) as last_opened_at,
        max(case when event_type = 'CLICK' then happened_at end) as last_clicked_at
    from credited
    where email_key is not null
    group by email_key, campaign_id

)

select * from grouped
