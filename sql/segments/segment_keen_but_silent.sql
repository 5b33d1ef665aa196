-- Who came to two webinars in 30 days and opened no email since?
-- grain: one row per contact_id; what is named twice is in once
-- name: Keen but silent
-- description: They like to watch and do not read: call them.
-- owner: marketing
-- deliver: none
with

came as (

    select
        contact_id,
        max(joined_at) as last_came_at
    from contact_webinars
    where state = 'attended' and joined_at >= getvariable('as_of') - interval 30 day
    group by contact_id
    having count(distinct webinar_id) >= 2

)

select came.contact_id
from came
left join contact_activities as opened
    on
        came.contact_id = opened.contact_id
        and opened.activity_type = 'marketing_email_opened'
        and came.last_came_at < opened.last_at
where opened.contact_id is null
