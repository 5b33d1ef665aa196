-- Who came to their first webinar within the last seven days?
-- grain: one row per contact_id; what is named twice is in once
-- name: First time with us
-- description: Welcome them while they remember.
-- owner: marketing
-- deliver: none
select contact_id
from contact_webinars
where state = 'attended'
group by contact_id
having min(joined_at) >= getvariable('as_of') - interval 7 day
