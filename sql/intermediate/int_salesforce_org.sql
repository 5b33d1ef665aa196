-- How does the org want its Tasks?
-- grain: one row where the org and its statuses were read, else none; of several the one that was read last
-- units: time_zone is a name like America/Los_Angeles; closed_status is the default one among those that close a Task
-- rule:  HS-01
with

orgs as (

    select
        *,
        row_number() over (
            partition by org_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_salesforce__organization
    where kind = 'seen'

),

statuses as (

    select
        *,
        row_number() over (
            partition by status_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_salesforce__task_statuses

),

closing as (

    select
        account as org_id,
        arg_min(status, (not is_default, sort_order, status_id)) as closed_status
    from statuses
    where nearness = 1 and kind = 'seen' and is_closed
    group by account

)

select
    orgs.org_id,
    orgs.time_zone,
    closing.closed_status
from orgs
inner join closing using (org_id)
where orgs.nearness = 1
qualify
    row_number() over (order by orgs.occurred_at <= getvariable('as_of') desc, orgs.occurred_at desc, orgs.org_id) = 1
