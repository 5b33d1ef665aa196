-- Which activity does a name mean: our key of a Task, Salesforce's id, or the activity's key or id?
-- of: identity
-- units: a number is a key, 15 or 18 signs are an id of Salesforce, all else is our key, or what our key is made of
-- rule:  HS-01 to HS-10; each table is looked through for one value
select activity_key
from int_activity_people
where activity_key = try_cast(getvariable('asked') as bigint)
union
select activity_key
from int_activity_people
where
    try_cast(getvariable('asked') as bigint) is null
    and task_key = case
        when starts_with(getvariable('asked'), 't-') then getvariable('asked')
        else 't-' || md5(getvariable('asked'))
    end
union
select people.activity_key
from int_published_tasks as tasks
inner join int_activity_people as people using (task_key)
where length(getvariable('asked')) in (15, 18) and left(tasks.task_id, 15) = left(getvariable('asked'), 15)
order by activity_key
