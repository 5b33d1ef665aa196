-- What does HubSpot hold now of what we made of Salesforce's and Zoom's?
-- grain: one row per activity_key of a task, an email, a call or a meeting that bears our id
-- units: hubspot_id is HubSpot's object id, as text; held is the JSON of its properties; changed_at is UTC
-- rule:  HS-14, HS-18
-- incremental: activity_key
with

told as (

    select
        'task' as activity_kind,
        *
    from stg_hubspot__tasks
    union all by name
    select
        'email' as activity_kind,
        *
    from stg_hubspot__emails
    union all by name
    select
        'call' as activity_kind,
        *
    from stg_hubspot__calls
    union all by name
    select
        'meeting' as activity_kind,
        *
    from stg_hubspot__meetings

),

ours as (

    select distinct activity_key
    from told
    where turnout_id is not null

),

ordered as (

    select
        told.activity_key,
        told.activity_kind,
        told.object_id,
        told.kind,
        told.occurred_at,
        told.is_archived,
        told.turnout_id,
        told.properties,
        row_number() over (
            partition by told.activity_key
            order by
                told.occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(told.occurred_at) - epoch_us(getvariable('as_of'))),
                told.observed_at desc,
                told.event_id
        ) as nearness
    from told
    inner join ours using (activity_key)

)

select
    activity_key,
    activity_kind,
    object_id as hubspot_id,
    occurred_at as changed_at,
    kind = 'absent' or is_archived as is_deleted,
    coalesce(properties, '{}') as held
from ordered
where nearness = 1
