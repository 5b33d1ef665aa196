-- Who came to a webinar and clicked in an email within 30 days?
-- grain: one row per contact_id; what is named twice is in once
-- name: Came and clicked
-- description: The warmest there are: hand them to sales.
-- owner: marketing
-- deliver: none
select contact_id
from contact_metrics
where webinars_attended_30d >= 1 and emails_clicked_30d >= 1
