-- Which contacts does HubSpot have, and what became of those it has no more?
-- grain: one row per contact_id ever seen, or created by us
-- units: contact_id is HubSpot's object id as a number
-- rule:  EV-08, HZ-06, HZ-07; a contact merged into another is neither live nor deleted, even if we made it and never
--        saw it
-- incremental: contact_id
with

retold as (

    select contact_id
    from stg_hubspot__contacts
    where contact_id is not null
    group by contact_id
    having count(*) > 1

),

ordered as (

    select
        *,
        1 as nearness,
        1 as nearness_in_kind
    from stg_hubspot__contacts
    where contact_id is not null and contact_id not in (select contact_id from retold)
    union all
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
    where contact_id in (select contact_id from retold)

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
        salesforce_contact_id,
        salesforce_lead_id,
        created_at,
        is_archived or contact_id in (select contact_id from gone) as is_gone,
        occurred_at as told_at,
        sales_opens,
        sales_clicks,
        content_views
    from ordered
    where nearness_in_kind = 1 and kind = 'seen'

),

taken_away as (

    select
        try_cast(vendor_id as bigint) as contact_id,
        max(occurred_at) as occurred_at
    from stg_turnout__outcomes
    where
        destination = 'hubspot'
        and object = 'contact'
        and operation = 'delete'
        and status = 'published'
        and try_cast(vendor_id as bigint) is not null
    group by try_cast(vendor_id as bigint)

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

everybody as (

    select
        seen.contact_id,
        seen.account,
        seen.email,
        seen.email_key,
        seen.secondary_emails,
        seen.first_name,
        seen.last_name,
        seen.salesforce_contact_id,
        seen.salesforce_lead_id,
        seen.created_at,
        seen.sales_opens,
        seen.sales_clicks,
        seen.content_views,
        seen.is_gone or coalesce(seen.told_at <= taken_away.occurred_at, false) as is_gone
    from seen
    left join taken_away
        on seen.contact_id = taken_away.contact_id
    union all
    select
        contact_id,
        '' as account,
        email,
        cast('0x' || left(md5(email), 15) as bigint) as email_key,
        '' as secondary_emails,
        '' as first_name,
        '' as last_name,
        '' as salesforce_contact_id,
        '' as salesforce_lead_id,
        cast(null as timestamptz) as created_at,
        [] as sales_opens,
        [] as sales_clicks,
        [] as content_views,
        contact_id in (select contact_id from gone)
        or contact_id in (select contact_id from taken_away) as is_gone
    from created

),

all_known as (

    select
        everybody.contact_id,
        everybody.account,
        everybody.email,
        everybody.email_key,
        everybody.secondary_emails,
        everybody.first_name,
        everybody.last_name,
        everybody.salesforce_contact_id,
        everybody.salesforce_lead_id,
        everybody.created_at,
        everybody.sales_opens,
        everybody.sales_clicks,
        everybody.content_views,
        int_merged_contacts.winner_id as merged_into_id,
        not everybody.is_gone and int_merged_contacts.winner_id is null as is_live,
        everybody.is_gone and int_merged_contacts.winner_id is null as is_deleted
    from everybody
    left join int_merged_contacts using (contact_id)

)

select * from all_known
