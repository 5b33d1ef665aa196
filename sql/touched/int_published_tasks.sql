-- Which Tasks were written since
-- grain: one row per key of int_published_tasks, at least of those whose rows differ
-- narrowed: stg_turnout__outcomes by object_key = task_key
select object_key as task_key
from stg_turnout__outcomes__changed
where
    destination = 'salesforce'
    and object = 'task'
    and operation in ('create', 'delete')
    and status = 'published'
