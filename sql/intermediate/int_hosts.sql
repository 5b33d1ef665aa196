-- Who are the Zoom users, by id?
-- grain: one row per account and user_id, as last seen by as_of; also users who are no more
with

ordered as (

    select
        *,
        row_number() over (
            partition by account, user_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_zoom__users
    where kind = 'seen'

),

hosts as (

    select
        account,
        user_id,
        email,
        email_key,
        full_name,
        is_owner
    from ordered
    where nearness = 1

)

select * from hosts
