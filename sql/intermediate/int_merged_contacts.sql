-- Which contacts were merged into which?
-- grain: one row per contact_id that another contact says it took in
-- rule:  HZ-06, HubSpot's own list on the contact that remains
with

winners as (

    select distinct contact_id
    from stg_hubspot__contacts
    where merged_ids <> '' and contact_id is not null

),

ordered as (

    select
        contact_id,
        merged_ids,
        row_number() over (
            partition by contact_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_hubspot__contacts
    where kind = 'seen' and contact_id in (select contact_id from winners)

),

losers as (

    select
        contact_id as winner_id,
        try_cast(trim(unnest(string_split(merged_ids, ';'))) as bigint) as contact_id
    from ordered
    where nearness = 1 and merged_ids <> ''

),

merged as (

    select
        contact_id,
        max(winner_id) as winner_id
    from losers
    where contact_id <> winner_id
    group by contact_id

)

select * from merged
