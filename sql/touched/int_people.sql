-- Who may be somebody else now: people of whom an address changed
-- grain: one row per key of int_people, at least of those whose rows differ
-- narrowed: int_addresses by person_key
select person_key from int_addresses__changed
