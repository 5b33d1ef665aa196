-- Which Tasks did we make, and on whom?
-- grain: one row per task_key, our external id of the Task
-- units: task_id is Salesforce's; who_id is the Contact or Lead that it was put on; at any as_of, all that was told
-- rule:  EV-08, HS-08, HS-10; a Task stays where it was put; one that we took away again is none
-- incremental: task_key
with

deleted as (

    select
        object_key,
        max(occurred_at) as occurred_at,
        max(observed_at) as observed_at
    from stg_turnout__outcomes
    where destination = 'salesforce' and object = 'task' and operation = 'delete' and status = 'published'
    group by object_key

),

told as (

    select
        made.object_key as task_key,
        arg_min(made.vendor_id, (made.occurred_at, made.observed_at, made.event_id)) as task_id,
        arg_min(made.fields ->> '$.WhoId', (made.occurred_at, made.observed_at, made.event_id)) as who_id
    from stg_turnout__outcomes as made
    left join deleted
        on made.object_key = deleted.object_key
    where
        made.destination = 'salesforce'
        and made.object = 'task'
        and made.operation = 'create'
        and made.status = 'published'
        and (
            deleted.object_key is null
            or made.occurred_at > deleted.occurred_at
            or (made.occurred_at = deleted.occurred_at and made.observed_at > deleted.observed_at)
        )
    group by made.object_key

)

select * from told
