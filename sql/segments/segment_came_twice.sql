-- Who came to two webinars or more in the last 30 days?
-- grain: one row per contact_id
-- name: Came twice in 30 days
-- owner: marketing
-- deliver: none
select contact_id
from contact_metrics
where webinars_attended_30d >= 2
