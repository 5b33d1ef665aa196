-- Which Tasks did we make, and on whom?
-- grain: one row per task_key, our external id of the Task
-- units: task_id is Salesforce's; who_id is the Contact or Lead that it was put on; at any as_of, all that was told
-- rule:  HS-08, HS-10; a Task stays where it was put
-- incremental: task_key
with

told as (

    select
        object_key as task_key,
        arg_min(vendor_id, (occurred_at, observed_at, event_id)) as task_id,
        arg_min(fields ->> '$.WhoId', (occurred_at, observed_at, event_id)) as who_id
    from stg_turnout__outcomes
    where destination = 'salesforce' and object = 'task' and operation = 'create' and status = 'published'
    group by object_key

)

select * from told
