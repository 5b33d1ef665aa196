-- Whom does Salesforce have as Contacts and Leads, and what became of those that it has no more?
-- grain: one row per record_id of a Contact or a Lead ever seen
-- units: successor_id is the record that it was merged or converted into, null where there is none; is_gone is true for
--        what was deleted, merged away or erased
-- rule:  HS-03, HS-09
-- incremental: record_id
with

told as (

    select
        'contact' as record_kind,
        *
    from stg_salesforce__contacts
    union all by name
    select
        'lead' as record_kind,
        *
    from stg_salesforce__leads

),

ordered as (

    select
        *,
        row_number() over (
            partition by record_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness,
        row_number() over (
            partition by record_id, kind
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness_in_kind
    from told

),

erased as (

    select distinct record_id
    from ordered
    where nearness = 1 and kind = 'absent'

),

known as (

    select
        record_id,
        account as org_id,
        record_kind,
        email,
        email_key,
        account_id,
        owner_id,
        created_at,
        is_converted,
        converted_account_id,
        coalesce(case when is_deleted then master_id end, case when is_converted then converted_contact_id end)
            as successor_id,
        is_deleted or record_id in (select record_id from erased) as is_gone
    from ordered
    where nearness_in_kind = 1 and kind = 'seen'

)

select * from known
