-- Of which records from Salesforce may HubSpot hold something else now: new events, and those whose time has come
-- grain: one row per key of int_inbound_held, at least of those whose rows differ
-- narrowed: stg_hubspot__tasks by activity_key; stg_hubspot__emails by activity_key; stg_hubspot__calls by
--   activity_key; stg_hubspot__meetings by activity_key
select activity_key from stg_hubspot__tasks__changed
union
select activity_key from stg_hubspot__tasks
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select activity_key from stg_hubspot__emails__changed
union
select activity_key from stg_hubspot__emails
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select activity_key from stg_hubspot__calls__changed
union
select activity_key from stg_hubspot__calls
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select activity_key from stg_hubspot__meetings__changed
union
select activity_key from stg_hubspot__meetings
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
