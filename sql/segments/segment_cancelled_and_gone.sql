-- Who cancelled within 30 days, and registered for nothing since?
-- grain: one row per contact_id; what is named twice is in once
-- name: Cancelled, not back yet
-- description: Offer another date.
-- owner: marketing
-- deliver: none
select contact_id
from contact_webinars
group by contact_id
having
    max(cancelled_at) >= getvariable('as_of') - interval 30 day
    and max(cancelled_at) >= max(registered_at)
