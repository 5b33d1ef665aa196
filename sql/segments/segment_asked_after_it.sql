-- Who filled in a form within a week after a webinar of the last 30 days that they came to?
-- grain: one row per contact_id; what is named twice is in once
-- name: Asked after it
-- description: Find out which webinar made them ask.
-- owner: marketing
-- deliver: none
select came.contact_id
from contact_webinars as came
inner join contact_activities as asked
    on came.contact_id = asked.contact_id
where
    came.state = 'attended'
    and came.joined_at >= getvariable('as_of') - interval 30 day
    and asked.activity_type = 'form_submission'
    and asked.last_at >= came.left_at
    and asked.last_at < came.left_at + interval 7 day
