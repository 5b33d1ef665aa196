-- Of which activities may the Task be another now
-- grain: one row per key of sync_salesforce_tasks, at least of those whose rows differ
-- narrowed: int_activity_people by activity_key; int_activities by activity_key; int_published_tasks by task_key of
--   int_activity_people
select activity_key from int_activity_people__changed
union
select activity_key from int_activities__changed
where exists (select 1 from int_activity_people)
union
select activity_key from int_activity_people
where task_key in (select task_key from int_published_tasks__changed)
union
select activity_key from int_activity_whats__changed
union
select people.activity_key
from int_activity_people as people
cross join int_salesforce_org__changed
union
select activity_key from int_activity_people
where activity_type in (select activity_type from int_activity_settings__changed)
