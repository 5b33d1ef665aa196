-- Who came once, and did nothing at all for 90 days?
-- grain: one row per contact_id; what is named twice is in once
-- name: Drifting away
-- description: Win them back, or leave them in peace.
-- owner: marketing
-- deliver: none
select contact_id
from contact_metrics
where webinars_attended >= 1 and last_activity_at < getvariable('as_of') - interval 90 day
