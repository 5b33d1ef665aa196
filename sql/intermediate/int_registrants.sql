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
        1 as recency,
        1 as recency_in_kind
    from known
    left join retold using (webinar_id, registrant_key)
    where retold.webinar_id is null
    union all
    select
        known.*,
        row_number() over (
            partition by webinar_id, registrant_key
            order by occurred_at desc, observed_at desc, event_id
        ) as recency,
        row_number() over (
            partition by webinar_id, registrant_key, kind
            order by occurred_at desc, observed_at desc, event_id
        ) as recency_in_kind
    from known
    inner join retold using (webinar_id, registrant_key)

),

stood as (

    select
        webinar_id,
        registrant_key,
        bool_or(status in ('approved', 'pending', 'cancelled')) as has_stood
    from before
    where kind = 'seen'
    group by webinar_id, registrant_key

),

last_told as (

    select
        webinar_id,
        registrant_key,
        kind,
        status,
        occurred_at
    from before
    where recency = 1

),

described as (

    select
        account,
        webinar_id,
        registrant_id,
        registrant_key,
        email,
        email_key,
        first_name,
        last_name,
        registered_at
    from before
    where recency_in_kind = 1 and kind = 'seen' and registered_at < getvariable('as_of')

),

joined as (

    select
        described.*,
        stood.has_stood,
        case
            when last_told.kind = 'absent' and stood.has_stood
                then 'cancelled_by_self'
            when last_told.kind = 'absent'
                then 'denied'
            when last_told.status in ('approved', 'pending')
                then last_told.status
            when last_told.status = 'cancelled'
                then 'cancelled'
            when stood.has_stood
                then 'cancelled_by_host'
            else 'denied'
        end as state,
        case
            when last_told.kind = 'absent' or last_told.status not in ('approved', 'pending')
                then greatest(last_told.occurred_at, described.registered_at)
        end as left_at
    from described
    inner join stood using (webinar_id, registrant_key)
    inner join last_told using (webinar_id, registrant_key)

)

select * from joined
