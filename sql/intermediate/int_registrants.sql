-- What became of each registration on Zoom?
-- grain: one row per webinar_id and registrant_key
-- units: times are UTC; left_at is when the registration was cancelled, null while it stands
-- rule:  HZ-08, HZ-22; denied from the start is no registration, denied or gone after it stood is a
--        cancellation, and so is what a CSV export calls cancelled
-- incremental: webinar_id, registrant_key
with

known as (

    select * from stg_zoom__registrants
    where occurred_at <= getvariable('as_of') and webinar_id is not null

),

retold as (

    select
        webinar_id,
        registrant_key
    from known
    group by webinar_id, registrant_key
    having count(*) > 1

),

before as (

    select
        known.*,
        1 as recency_in_kind,
        known.kind = 'seen' and known.status in ('approved', 'pending', 'cancelled') as has_stood,
        known.kind as last_kind,
        known.status as last_status,
        known.occurred_at as last_told_at
    from known
    left join retold using (webinar_id, registrant_key)
    where retold.webinar_id is null
    union all
    select
        known.*,
        row_number() over (
            partition by webinar_id, registrant_key, known.kind
            order by known.occurred_at desc, known.observed_at desc, known.event_id
        ) as recency_in_kind,
        bool_or(known.kind = 'seen' and known.status in ('approved', 'pending', 'cancelled')) over (
            partition by webinar_id, registrant_key
        ) as has_stood,
        first_value(known.kind) over told as last_kind,
        first_value(known.status) over told as last_status,
        first_value(known.occurred_at) over told as last_told_at
    from known
    inner join retold using (webinar_id, registrant_key)
    window
        told as (
            partition by webinar_id, registrant_key
            order by known.occurred_at desc, known.observed_at desc, known.event_id
        )

),

joined as (

    select
        account,
        webinar_id,
        registrant_id,
        registrant_key,
        email,
        email_key,
        first_name,
        last_name,
        registered_at,
        has_stood,
        case
            when last_kind = 'absent' and has_stood
                then 'cancelled_by_self'
            when last_kind = 'absent'
                then 'denied'
            when last_status in ('approved', 'pending')
                then last_status
            when last_status = 'cancelled'
                then 'cancelled'
            when has_stood
                then 'cancelled_by_host'
            else 'denied'
        end as state,
        case
            when last_kind = 'absent' or last_status not in ('approved', 'pending')
                then greatest(last_told_at, registered_at)
        end as left_at
    from before
    where recency_in_kind = 1 and kind = 'seen' and registered_at < getvariable('as_of')

)

select * from joined
