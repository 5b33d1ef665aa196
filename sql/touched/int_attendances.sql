-- Whose attendance may differ now: by a connection, or by the time that the occurrence ran
-- grain: one row per key of int_attendances, at least of those whose rows differ
-- narrowed: int_connections by webinar_id and occurrence_id and person_key; int_occurrences by webinar_id and
--   occurrence_id
select
    webinar_id,
    occurrence_id,
    person_key
from int_connections__changed
where person_key is not null
union
select
    webinar_id,
    occurrence_id,
    person_key
from int_connections
where
    person_key is not null
    and webinar_id in (select webinar_id from int_occurrences__changed)
