-- Of which records may the vendors hold something else now
-- grain: one row per key of int_published, at least of those whose rows differ
-- narrowed: stg_turnout__outcomes by destination and object and object_key; stg_hubspot__contacts by cast(contact_id
--   as varchar) = object_key
select
    destination,
    object,
    object_key
from stg_turnout__outcomes__changed
where status = 'published' and operation in ('create', 'update', 'delete')
union
select
    'hubspot' as destination,
    'contact' as object,
    cast(contact_id as varchar) as object_key
from stg_hubspot__contacts__changed
where merged_ids <> '' and contact_id is not null
