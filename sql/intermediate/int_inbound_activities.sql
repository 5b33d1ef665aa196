-- What is each Task and Event of Salesforce now?
-- grain: one row per record_id of a task, an email, a call or a meeting ever seen
-- units: activity_kind is task, email, call or meeting; fields is the JSON of the record, null where it is one of ours
-- rule:  HS-12, HS-13, gone is what was deleted, or erased for good
-- incremental: record_id
with

told as (

    select * from stg_salesforce__tasks
    union all by name
    select * from stg_salesforce__events

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

)

select
    record_id,
    'sf:' || record_id as object_key,
    activity_kind,
    who_id,
    what_id,
    owner_id,
    turnout_id,
    created_at,
    modified_at,
    is_deleted or record_id in (select record_id from erased) as is_gone,
    fields
from ordered
where nearness_in_kind = 1 and kind = 'seen' and activity_kind is not null
