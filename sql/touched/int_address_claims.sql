-- Whose addresses may have changed: of contacts that did
-- grain: one row per key of int_address_claims, at least of those whose rows differ
-- narrowed: int_contacts by contact_id
select contact_id from int_contacts__changed
