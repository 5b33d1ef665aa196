-- Which addresses may stand for another person now
-- grain: one row per key of int_crm_addresses, at least of those whose rows differ
-- narrowed: int_contact_addresses by email_key; int_people by person_key = email_key; int_zoom_metrics by
--   subject_key of int_people
select email_key from int_contact_addresses__changed
union
select person_key as email_key from int_people__changed
union
select -subject_key as email_key from int_zoom_metrics__changed
where subject_key < 0
