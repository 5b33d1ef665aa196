-- Which Contacts and Leads may look different now
-- grain: one row per key of int_salesforce_people, at least of those whose rows differ
-- narrowed: stg_salesforce__contacts by record_id; stg_salesforce__leads by record_id
select record_id from stg_salesforce__contacts__changed
union
select record_id from stg_salesforce__leads__changed
union
select record_id from stg_salesforce__contacts
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select record_id from stg_salesforce__leads
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
