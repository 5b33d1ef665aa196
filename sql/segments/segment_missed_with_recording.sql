-- Who missed a webinar of which there is a recording, and where is it?
-- grain: one row per contact_id; what is named twice is in once
-- name: Missed it, can watch it
-- description: Send them the link; preview shows it.
-- owner: marketing
-- deliver: none
select
    contact_webinars.contact_id,
    recordings.topic,
    recordings.share_url
from contact_webinars
inner join recordings using (webinar_id, occurrence_id)
where contact_webinars.state = 'no_show'
