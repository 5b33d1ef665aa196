-- Who are the people met in Zoom that may be synced, and are they contacts?
-- grain: one row per person_key
-- units: subject_key is contact_id, or the negative person_key of somebody who is no contact yet
-- rule:  HZ-05 to HZ-07
-- incremental: person_key
select
    person_key,
    max(subject_key) as subject_key,
    max(contact_id) as contact_id,
    max(email) filter (where email_key = person_key) as email
from int_addresses
where zoom_reason is null
group by person_key
