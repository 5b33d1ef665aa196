-- Which events of emails are to be taken in: new ones, and those whose time has come
-- grain: one row per key of int_email_touches, at least of those whose rows differ
-- merged: greatest of last_opened_at, last_clicked_at
-- of: stg_hubspot__email_events
-- narrowed: int_sent_emails by sent_key of stg_hubspot__email_events
with

taken as (

    select * from stg_hubspot__email_events__changed
    union all
    select * from stg_hubspot__email_events
    where happened_at >= getvariable('as_of_before') and happened_at < getvariable('as_of')

),

-- opens and clicks (they alone name a sending) whose sending came late: any, where it was sent before the last build;
-- where it was sent since, those with a time before it: all others happened since, too, and are taken
named as (

    select
        events.event_id,
        events.email_key,
        late.sent_to_key
    from int_sent_emails__changed as late
    inner join stg_hubspot__email_events as events
        on late.sent_key = events.sent_key
    where late.sent_at <= getvariable('as_of_before')
    union all
    select
        events.event_id,
        events.email_key,
        late.sent_to_key
    from int_sent_emails__changed as late
    inner join stg_hubspot__email_events as events
        on late.sent_key = events.sent_key
    where events.is_early

),

-- those among them that are not new themselves, and were taken for whom they told of
taken_before as (

    select event_id from named
    where email_key is distinct from sent_to_key
    except
    select event_id from stg_hubspot__email_events__changed

)

select
    event_id,
    email_key,
    campaign_id,
    event_type,
    is_bot,
    happened_at,
    sent_key
from taken
union all
select
    cast(null as blob) as event_id,
    cast(null as bigint) as email_key,
    cast(null as bigint) as campaign_id,
    cast(null as varchar) as event_type,
    cast(null as boolean) as is_bot,
    cast(null as timestamptz) as happened_at,
    cast(null as bigint) as sent_key
from taken_before
