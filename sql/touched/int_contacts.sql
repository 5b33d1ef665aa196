-- Which contacts may look different now: new events, merges, and those that we created or took away
-- grain: one row per key of int_contacts, at least of those whose rows differ
-- narrowed: stg_hubspot__contacts by contact_id; stg_turnout__outcomes by try_cast(vendor_id as bigint) =
--   contact_id; int_merged_contacts by contact_id
select contact_id from stg_hubspot__contacts__changed
where contact_id is not null
union
select contact_id from stg_hubspot__contacts
where contact_id is not null and occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select contact_id from int_merged_contacts__changed
union
select try_cast(vendor_id as bigint) as contact_id
from stg_turnout__outcomes__changed
where
    destination = 'hubspot'
    and object = 'contact'
    and operation in ('create', 'delete')
    and status = 'published'
    and try_cast(vendor_id as bigint) is not null
