-- On which opportunity or account is each activity, too?
-- grain: one row per activity of a deal or a company that Salesforce has
-- units: what_id is the newest of its deals' opportunities, else the account of its newest company
-- rule:  HS-19
with

named as (

    select
        activity_key,
        'deal' as hubspot_kind,
        unnest(deal_ids) as hubspot_id
    from int_activities
    where len(deal_ids) > 0
    union all
    select
        activity_key,
        'company' as hubspot_kind,
        unnest(company_ids) as hubspot_id
    from int_activities
    where len(company_ids) > 0

),

ranked as (

    select
        named.activity_key,
        whats.what_id,
        row_number() over (
            partition by named.activity_key
            order by named.hubspot_kind desc, named.hubspot_id desc
        ) as place
    from named
    inner join int_salesforce_whats as whats
        on named.hubspot_kind = whats.hubspot_kind and named.hubspot_id = whats.hubspot_id

)

select
    activity_key,
    what_id
from ranked
where place = 1
