-- Who is on stage, or hosts, in which webinar?
-- grain: one row per webinar_id and email_key
-- rule:  HZ-20
with

ordered as (

    select
        *,
        row_number() over (
            partition by webinar_id, panelist_key
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_zoom__panelists

),

hosts as (

    select
        webinar_id,
        cast('0x' || left(md5(host_email), 15) as bigint) as email_key,
        'host' as role
    from int_webinars
    where host_email <> ''

),

roles as (

    select
        webinar_id,
        email_key,
        'panelist' as role
    from ordered
    where nearness = 1 and kind = 'seen' and email_key is not null
    union all
    select
        webinar_id,
        email_key,
        role
    from hosts

)

select
    webinar_id,
    email_key,
    min(role) as role
from roles
group by webinar_id, email_key
