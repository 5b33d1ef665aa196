-- A person has one state in each occurrence.
-- grain: one row per person and occurrence that stand several times
select
    webinar_id,
    occurrence_id,
    person_key,
    count(*) as row_count
from int_participations
group by webinar_id, occurrence_id, person_key
having count(*) > 1
