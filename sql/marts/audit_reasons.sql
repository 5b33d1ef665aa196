-- Why may something of a webinar not be synced, and how is that mended?
-- grain: one row per reason
-- units: effect is what the reason does to the status of a webinar: all, part or none of it is missing, or comes later
-- rule:  HZ-30
with

told (reason, effect, what, mend) as (

    values
    (
        'sync_off_global',
        'all',
        'The switch for all webinars is off.',
        'Set `webinars = true` under `[sync]` in the settings, then `turnout run`.'
    ),
    (
        'sync_off_webinar',
        'all',
        'The switch of this webinar is off, or that of its user was when it was scheduled.',
        'Set its id to `true` under `[sync.webinars]` in the settings, then `turnout run`.'
    ),
    (
        'zoom_events',
        'all',
        'It belongs to Zoom Events, another product, which is not read.',
        'Nothing here; schedule the next one as a webinar of its own in Zoom.'
    ),
    (
        'details_not_read',
        'later',
        'Zoom told that it ran, and its details could not be read yet.',
        'Run `turnout sync WEBINAR`; it says what Zoom has against it.'
    ),
    (
        'host_domain_excluded',
        'all',
        'The domain of its host is excluded, for webinars or for recordings.',
        'Take the domain out of `host_domains` or `recording_domains` under `[exclusions]`, then `turnout run`.'
    ),
    (
        'recording_off',
        'part',
        'It was recorded, and recordings of its host are not to be synced.',
        'Set `recordings` under `[sync]` to `"all"`, or to `"selected"` and name the user, then `turnout run`.'
    ),
    (
        'recording_processing',
        'later',
        'Zoom still works on the recording, or has not shown one yet.',
        'Wait; it is looked for on every run in the week after the webinar.'
    ),
    (
        'recording_deleted',
        'part',
        'The recording was there and was deleted in Zoom; what HubSpot has of it stays.',
        'Take it out of the trash in Zoom, then `turnout sync WEBINAR`.'
    ),
    (
        'recording_missing',
        'part',
        'Zoom has no recording in the cloud.',
        'Turn on recording in the cloud in Zoom before the next one; if Zoom shows one, `turnout sync WEBINAR`.'
    ),
    (
        'transcript_missing',
        'part',
        'The recording has no transcript, or none that could be read.',
        'Turn on audio transcripts in Zoom; once Zoom shows one, `turnout sync WEBINAR`.'
    ),
    (
        'no_participants',
        'part',
        'It ran, and the report of who came is empty.',
        'Reports come up to an hour late, and are read again by themselves; if Zoom has people, `turnout sync WEBINAR`.'
    ),
    (
        'not_found_in_zoom',
        'part',
        'Zoom does not, or no longer, give out this webinar or the report of who came.',
        'If it was deleted, recover it in Zoom, then `turnout sync WEBINAR`; else import its CSV exports of the portal.'
    ),
    (
        'participant_without_email',
        'part',
        'Guests were there whose address Zoom hides, and no registration says who they are.',
        'Require registration in Zoom for the next one.'
    ),
    (
        'email_invalid',
        'part',
        'The address is none that mail could reach.',
        'Register the person in Zoom with the right address.'
    ),
    (
        'email_secondary',
        'part',
        'It is a further address of a contact, and only the primary one counts.',
        'Make it the primary address of the contact, or set `secondary_emails = "attribute"` under `[identity]`.'
    ),
    (
        'email_excluded',
        'part',
        'The settings exclude the address or its domain.',
        'Nothing, unless that is a mistake: take the entry out of `contacts` under `[exclusions]`, then `turnout run`.'
    ),
    (
        'email_of_crm_user',
        'part',
        'It is the address of a user of HubSpot, and users are no contacts.',
        'Nothing, unless the person has left: remove the user in HubSpot, then `turnout run`.'
    ),
    (
        'contact_deleted',
        'part',
        'The contact was deleted in HubSpot, and is not made again.',
        'Restore the contact in HubSpot, or create it anew there, then `turnout run`.'
    ),
    (
        'timeline_failed',
        'part',
        'HubSpot did not take the marketing event, or what a person did in it.',
        'Mend what HubSpot says; it is sent again when the record or the settings change.'
    ),
    (
        'properties_failed',
        'part',
        'HubSpot did not take the contact, or its properties.',
        'Mend what HubSpot says; it is sent again when the contact or the settings change.'
    ),
    (
        'denied',
        'none',
        'The registration was denied from the start.',
        'Nothing; approve it in Zoom if the person is to come.'
    ),
    (
        'never_started',
        'none',
        'It never started, so nobody came and nobody is a no-show.',
        'Nothing.'
    ),
    (
        'start_moved',
        'none',
        'Its start was changed after people had registered; attendance is of when it really ran.',
        'Nothing here; see that the registrants know the new time.'
    ),
    (
        'host',
        'none',
        'The host is no attendee.',
        'Nothing.'
    ),
    (
        'panelist',
        'none',
        'Panelists are no attendees.',
        'Nothing, unless they are to count: `count_panelists = true` under `[attendance]`.'
    ),
    (
        'waiting_room',
        'none',
        'The person waited and was not let in.',
        'Nothing.'
    ),
    (
        'practice_session',
        'none',
        'It was the practice before the webinar.',
        'Nothing.'
    ),
    (
        'no_overlap',
        'none',
        'The person was connected only while the webinar did not run.',
        'Nothing.'
    )

)

select
    reason,
    effect,
    what,
    mend
from told
