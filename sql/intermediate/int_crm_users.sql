-- Whose addresses are those of people who work in the CRM?
-- grain: one row per email_key
-- rule:  HZ-05, users, and owners of type PERSON that are not archived
with

told as (

    select
        'user' as origin,
        account,
        user_id as person_id,
        kind,
        occurred_at,
        observed_at,
        event_id,
        email,
        email_key,
        'PERSON' as owner_type,
        false as is_archived
    from stg_hubspot__users
    union all
    select
        'owner' as origin,
        account,
        owner_id as person_id,
        kind,
        occurred_at,
        observed_at,
        event_id,
        email,
        email_key,
        owner_type,
        is_archived
    from stg_hubspot__owners

),

ordered as (

    select
        *,
        row_number() over (
            partition by origin, account, person_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from told

),

people as (

    select distinct
        email,
        email_key
    from ordered
    where
        nearness = 1
        and kind = 'seen'
        and owner_type = 'PERSON'
        and not is_archived
        and email_key is not null

)

select * from people
