-- Who registered for two webinars or more and came to none?
-- grain: one row per contact_id; what is named twice is in once
-- name: Registered twice, never came
-- description: The time may not suit them: send recordings.
-- owner: marketing
-- deliver: none
select contact_id
from contact_metrics
where webinars_registered >= 2 and webinars_attended = 0
