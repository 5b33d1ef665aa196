-- Which activities may go to somebody else now, or not at all; and those whose time has come
-- grain: one row per key of int_activity_people, at least of those whose rows differ
-- narrowed: int_activities by activity_key
with

people as (

    select matches.contact_id
    from int_salesforce_matches__changed as matches
    cross join int_salesforce_org

),

theirs as (

    select
        activity_key,
        unnest(contact_ids) as contact_id
    from int_activities

),

moved as (

    select activity_key from int_activities__changed
    union
    select activity_key from theirs
    where contact_id in (select contact_id from people)
    union
    select activity_key from int_activities
    where activity_type in (select activity_type from int_activity_settings__changed)
    union
    select activity_key from int_activities
    where occurred_at >= getvariable('as_of_before') and occurred_at < getvariable('as_of')

)

select activity_key from moved
where exists (select 1 from int_salesforce_org)
union
select activities.activity_key
from int_activities as activities
cross join int_salesforce_org__changed
