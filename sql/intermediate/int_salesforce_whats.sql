-- Which opportunity or account is a deal or a company of HubSpot?
-- grain: one row per hubspot_kind and hubspot_id whose record is in Salesforce
-- units: what_id is the id of the opportunity or account, 18 characters
-- rule:  HS-19
with

partners as (

    select
        'deal' as hubspot_kind,
        deal_id as hubspot_id,
        *
    from stg_hubspot__deals
    union all by name
    select
        'company' as hubspot_kind,
        company_id as hubspot_id,
        *
    from stg_hubspot__companies

),

ordered as (

    select
        hubspot_kind,
        hubspot_id,
        kind,
        short_id,
        is_archived,
        row_number() over (
            partition by hubspot_kind, hubspot_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from partners

),

records as (

    select * from stg_salesforce__opportunities
    union all
    select * from stg_salesforce__accounts

),

told as (

    select
        record_id,
        kind,
        is_deleted,
        row_number() over (
            partition by record_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from records

),

present as (

    select
        record_id,
        left(record_id, 15) as short_id
    from told
    where nearness = 1 and kind = 'seen' and not is_deleted

)

select
    ordered.hubspot_kind,
    ordered.hubspot_id,
    present.record_id as what_id
from ordered
inner join present
    on ordered.short_id = present.short_id
where ordered.nearness = 1 and ordered.kind = 'seen' and not ordered.is_archived
