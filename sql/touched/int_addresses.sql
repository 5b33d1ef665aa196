-- Which addresses may be of somebody else now, or barred, or no longer barred
-- grain: one row per key of int_addresses, at least of those whose rows differ
-- narrowed: int_met_addresses by email_key; int_contact_addresses by email_key; int_crm_users by email_key;
--   int_excluded_addresses by email_key
select email_key from int_met_addresses__changed
union
select email_key from int_contact_addresses__changed
union
select email_key from int_crm_users__changed
union
select email_key from int_excluded_addresses__changed
union
select email_key from int_contacts__changed
where email_key is not null
union
select email_key from int_addresses__before
where contact_id in (select contact_id from int_contacts__changed)
