-- Which addresses are to be held against the list of exclusions again
-- grain: one row per key of int_excluded_addresses, at least of those whose rows differ
-- narrowed: int_met_addresses by email_key; int_contact_addresses by email_key
select email_key from int_met_addresses__changed
union
select email_key from int_contact_addresses__changed
