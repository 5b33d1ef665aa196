-- Nobody attends longer than the occurrence ran, and nobody attends nothing.
-- grain: one row per attendance that cannot be
select
    webinar_id,
    occurrence_id,
    person_key,
    attended_us,
    actual_us
from int_attendances
where attended_us > actual_us or attended_us <= 0 or attended_ppq > 1000000000000000
