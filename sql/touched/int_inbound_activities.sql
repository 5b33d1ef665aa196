-- Which Tasks and Events may look different now: new events, and those whose time has come
-- grain: one row per key of int_inbound_activities, at least of those whose rows differ
-- narrowed: stg_salesforce__tasks by record_id; stg_salesforce__events by record_id
select record_id from stg_salesforce__tasks__changed
union
select record_id from stg_salesforce__tasks
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select record_id from stg_salesforce__events__changed
union
select record_id from stg_salesforce__events
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
