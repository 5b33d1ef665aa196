-- Distinct webinars attended are at most the occurrences attended, and the windows at most the whole.
-- grain: one row per person whose counts contradict each other
select
    subject_key,
    webinars_attended,
    occurrences_attended,
    webinars_attended_30d,
    webinars_attended_1y
from contact_metrics
where
    webinars_attended > occurrences_attended
    or webinars_attended_30d > webinars_attended_1y
    or webinars_attended_1y > webinars_attended
    or (avg_attendance_pct is null) <> (occurrences_attended = 0)
