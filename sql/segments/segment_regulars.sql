-- Who came to four webinars or more within a year?
-- grain: one row per contact_id; what is named twice is in once
-- name: Regulars
-- description: They know us; spare them the introduction.
-- owner: marketing
-- deliver: none
select contact_id
from contact_metrics
where webinars_attended_1y >= 4
