-- Which activities stand in Salesforce on Leads?
-- grain: one row per Task that was written and whose person is a Lead now
-- units: occurred_at is UTC, activity_date a day in the org's time zone; record_id is the Lead that remains after
--        mergers and conversions
-- rule:  HS-11; filtered by the variables report_type, report_from and report_to (days, both included), null for all
with

placed as (

    select
        told.task_id,
        told.task_key,
        coalesce(merged.survivor_id, told.who_id) as record_id
    from int_published_tasks as told
    left join int_salesforce_survivors as merged
        on told.who_id = merged.record_id

),

dated as (

    select
        activities.activity_type,
        cast(timezone(org.time_zone, activities.occurred_at) as date) as activity_date,
        activities.occurred_at,
        activities.subject,
        people.record_id,
        people.email,
        placed.task_id
    from placed
    inner join int_activity_people as chosen
        on placed.task_key = chosen.task_key
    inner join int_activities as activities
        on chosen.activity_key = activities.activity_key
    inner join int_salesforce_people as people
        on placed.record_id = people.record_id
    cross join int_salesforce_org as org
    where people.record_kind = 'lead'

)

select *
from dated
where
    (getvariable('report_type') is null or activity_type = getvariable('report_type'))
    and (getvariable('report_from') is null or activity_date >= cast(getvariable('report_from') as date))
    and (getvariable('report_to') is null or activity_date <= cast(getvariable('report_to') as date))
order by occurred_at, task_id
