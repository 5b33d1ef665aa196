-- Which owner of HubSpot is each user of Salesforce?
-- grain: one row per user_id whose address an owner of HubSpot has
-- units: hubspot_owner_id is HubSpot's, as text; of several owners with one address the first made
-- rule:  HS-16
with

users as (

    select
        user_id,
        arg_max(email_key, (occurred_at, observed_at, event_id)) as email_key
    from stg_salesforce__users
    where kind = 'seen'
    group by user_id

),

told as (

    select
        *,
        row_number() over (
            partition by account, owner_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_hubspot__owners

),

owners as (

    select
        email_key,
        arg_min(owner_id, (length(owner_id), owner_id)) as hubspot_owner_id
    from told
    where nearness = 1 and kind = 'seen' and owner_type = 'PERSON' and not is_archived and email_key is not null
    group by email_key

)

select
    users.user_id,
    owners.hubspot_owner_id
from users
inner join owners using (email_key)
