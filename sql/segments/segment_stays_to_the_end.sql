-- Who stays for nine tenths of what they come to, and came three times or more?
-- grain: one row per contact_id; what is named twice is in once
-- name: Stays to the end
-- description: Ask them for a quote, or onto the stage.
-- owner: marketing
-- deliver: none
select contact_id
from contact_metrics
where avg_attendance_pct >= 90 and occurrences_attended >= 3
