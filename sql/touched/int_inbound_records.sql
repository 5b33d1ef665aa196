-- Which records of Salesforce may HubSpot have to hold otherwise now
-- grain: one row per key of int_inbound_records, at least of those whose rows differ
-- narrowed: int_inbound_activities by record_id; int_inbound_told by object_key of int_inbound_activities;
--   int_inbound_held by hubspot_id of int_inbound_told; int_published_tasks by task_id = record_id;
--   int_salesforce_survivors by record_id = who_id of int_inbound_activities
with

kinds as (

    select activity_kind from int_inbound_switches__changed
    union
    select activity_kind from int_inbound_fields__changed

),

people as (

    select record_id as person_id
    from int_salesforce_matches__changed
    where record_id is not null
    union
    select survivors.record_id as person_id
    from int_salesforce_survivors as survivors
    where survivors.survivor_id in (select record_id from int_salesforce_matches__changed)
    union
    select record_id as person_id
    from int_salesforce_survivors__changed

),

told as (

    select object_key from int_inbound_told__changed
    union
    select told.object_key
    from int_inbound_told as told
    inner join int_inbound_held__changed as held
        on told.activity_kind = held.activity_kind and told.hubspot_id = held.hubspot_id

)

select record_id from int_inbound_activities__changed
union
select task_id as record_id
from int_published_tasks__changed
where task_id is not null
union
select record_id
from int_inbound_activities
where
    activity_kind in (select activity_kind from kinds)
    or who_id in (select person_id from people)
    or what_id in (select what_id from int_salesforce_whats__changed)
    or owner_id in (select user_id from int_inbound_owners__changed)
    or object_key in (select object_key from told)
