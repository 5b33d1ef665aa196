-- Which addresses may have another owner now: those claimed, or no longer claimed
-- grain: one row per key of int_contact_addresses, at least of those whose rows differ
-- narrowed: int_address_claims by email_key
select email_key from int_address_claims__changed
