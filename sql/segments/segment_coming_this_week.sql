-- Who is registered for a webinar of the next seven days?
-- grain: one row per contact_id; what is named twice is in once
-- name: Coming this week
-- description: Leave them out of invitations; remind them instead.
-- owner: marketing
-- deliver: none
select contact_webinars.contact_id
from contact_webinars
inner join webinars using (webinar_id, occurrence_id)
where
    contact_webinars.state = 'registered'
    and webinars.scheduled_start_at >= getvariable('as_of')
    and webinars.scheduled_start_at < getvariable('as_of') + interval 7 day
