-- Which contacts does HubSpot have, and what became of those it has no more?
-- grain: one row per contact_id ever seen, or created by us
-- units: contact_id is HubSpot's object id as a number
-- rule:  HZ-06, HZ-07; a contact merged into another is neither live nor deleted
with

ordered as (

    select
        *,
        row_number() over (
            partition by contact_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness,
        row_number() over (
            partition by contact_id, kind
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness_in_kind
    from stg_hubspot__contacts
    where contact_id is not null

),

gone as (

    select distinct contact_id
    from ordered
    where nearness = 1 and kind = 'absent'

),

seen as (

    select
        contact_id,
        account,
        email,
        email_key,
        secondary_emails,
        first_name,
        last_name,
        merged_ids,
        created_at,
        is_archived or contact_id in (select contact_id from gone) as is_gone,
        sales_opens,
        sales_clicks,
        content_views
    from ordered
    where nearness_in_kind = 1 and kind = 'seen'

),

losers as (

    select
        contact_id as winner_id,
        unnest(string_split(merged_ids, ';')) as loser
    from seen
    where merged_ids <> ''

),

merged as (

    select distinct
        try_cast(trim(loser) as bigint) as contact_id,
        winner_id
    from losers
    where try_cast(trim(loser) as bigint) <> winner_id

),

created as (

    select
        try_cast(vendor_id as bigint) as contact_id,
        arg_max(email, (occurred_at, observed_at, event_id)) as email
    from stg_turnout__outcomes
    where
        destination = 'hubspot'
        and object = 'contact'
        and operation = 'create'
        and status = 'published'
        and try_cast(vendor_id as bigint) not in (select contact_id from seen)
    group by try_cast(vendor_id as bigint)

),

all_known as (

    select
        seen.contact_id,
        seen.account,
        seen.email,
        seen.email_key,
        seen.secondary_emails,
        seen.first_name,
        seen.last_name,
        seen.created_at,
        seen.sales_opens,
        seen.sales_clicks,
        seen.content_views,
        merged.winner_id as merged_into_id,
        not seen.is_gone and merged.winner_id is null as is_live,
        seen.is_gone and merged.winner_id is null as is_deleted
    from seen
    left join (select
        contact_id,
        max(winner_id) as winner_id
    from merged group by contact_id) as merged
        on seen.contact_id = merged.contact_id
    union all
    select
        contact_id,
        '' as account,
        email,
        cast('0x' || left(md5(email), 15) as bigint) as email_key,
        '' as secondary_emails,
        '' as first_name,
        '' as last_name,
        cast(null as timestamptz) as created_at,
        [] as sales_opens,
        [] as sales_clicks,
        [] as content_views,
        cast(null as bigint) as merged_into_id,
        true as is_live,
        false as is_deleted
    from created

)

select * from all_known
