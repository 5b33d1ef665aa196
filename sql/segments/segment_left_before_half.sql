-- Who left a webinar of the last 30 days before half of it was over?
-- grain: one row per contact_id; what is named twice is in once
-- name: Left before half
-- description: Something was not what they had expected: ask.
-- owner: marketing
-- deliver: none
select contact_id
from contact_webinars
where
    state = 'attended'
    and attendance_pct < 50
    and joined_at >= getvariable('as_of') - interval 30 day
