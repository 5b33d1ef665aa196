-- Which settings came into force, and when?
-- grain: one row per event of turnout/settings
-- units: activities and salesforce are the JSON of their sections, with a table for each type or kind of activity
-- rule:  EV-13, HZ-02 to HZ-06, HZ-12, HS-01, HS-12 to HS-16, ZM-01, ZM-06 to ZM-08
with

parsed as (

    select
        event_id,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "sync": {
                    "webinars": "BOOLEAN",
                    "new_webinars": "BOOLEAN",
                    "recordings": "VARCHAR",
                    "users": [{"email": "VARCHAR", "new_webinars": "BOOLEAN", "recordings": "BOOLEAN"}],
                    "by_webinar": [{"webinar_id": "BIGINT", "is_on": "BOOLEAN"}]
                },
                "meetings": {
                    "sync": "BOOLEAN",
                    "new_meetings": "BOOLEAN",
                    "cloud_recorded_only": "BOOLEAN",
                    "users": [{"email": "VARCHAR", "is_on": "BOOLEAN"}],
                    "single": [{"meeting_id": "BIGINT", "is_on": "BOOLEAN"}]
                },
                "exclusions": {"host_domains": ["VARCHAR"], "recording_domains": ["VARCHAR"], "contacts": ["VARCHAR"]},
                "attendance": {"count_panelists": "BOOLEAN"},
                "identity": {"secondary_emails": "VARCHAR"},
                "activities": {"since": "TIMESTAMPTZ", "bots": "VARCHAR", "time_zone": "VARCHAR"},
                "salesforce": {"activities_since": "TIMESTAMPTZ"},
                "marketo": {
                    "tag": "VARCHAR",
                    "users": ["VARCHAR"],
                    "unlimited_users": "BOOLEAN",
                    "sync_zoom_page_registrations": "BOOLEAN",
                    "create_leads_from_attendees": "BOOLEAN",
                    "programs": [{"program_id": "BIGINT", "webinar_id": "BIGINT", "occurrence_id": "VARCHAR"}],
                    "channels": [
                        {"name": "VARCHAR", "registered": "VARCHAR", "no_show": "VARCHAR", "attended": "VARCHAR"}
                    ]
                },
                "registration": {
                    "contact_property": "VARCHAR",
                    "forms": [{"form_id": "VARCHAR", "webinar_id": "BIGINT"}],
                    "questions": [{"property": "VARCHAR", "question": "VARCHAR"}]
                }
            }'
        ) as told,
        payload -> '$.activities' as activities,
        payload -> '$.salesforce' as salesforce
    from raw_turnout__settings

),

named as (

    select
        event_id,
        occurred_at,
        observed_at,
        told.sync.webinars as is_sync_on,
        told.sync.new_webinars as is_new_synced,
        told.sync.recordings as recordings,
        told.sync.users as users,
        told.sync.by_webinar as webinars,
        coalesce(told.meetings.sync, false) as is_meeting_synced,
        coalesce(told.meetings.new_meetings, true) as is_new_meeting_synced,
        coalesce(told.meetings.cloud_recorded_only, false) as is_recorded_only,
        told.meetings.users as meeting_users,
        told.meetings.single as meetings,
        told.exclusions.host_domains as host_domains,
        told.exclusions.recording_domains as recording_domains,
        told.exclusions.contacts as contact_exclusions,
        told.attendance.count_panelists as is_panelist_counted,
        told.identity.secondary_emails = 'attribute' as is_secondary_attributed,
        told.activities.since as activities_since_at,
        coalesce(told.activities.bots = 'include', false) as is_bot_included,
        coalesce(told.activities.time_zone, 'UTC') as portal_time_zone,
        told.salesforce.activities_since as salesforce_since_at,
        coalesce(told.registration.contact_property, '') as wish_property,
        coalesce(told.registration.forms, []) as wish_forms,
        coalesce(told.registration.questions, []) as questions,
        cast(activities as varchar) as activities,
        cast(salesforce as varchar) as salesforce,
        coalesce(told.marketo.tag, '') as marketo_tag,
        told.marketo.users as marketo_users,
        coalesce(told.marketo.unlimited_users, false) as is_marketo_user_unlimited,
        coalesce(told.marketo.sync_zoom_page_registrations, false) as is_marketo_page_synced,
        coalesce(told.marketo.create_leads_from_attendees, true) as is_marketo_lead_created,
        coalesce(told.marketo.programs, []) as marketo_programs,
        coalesce(told.marketo.channels, []) as marketo_channels
    from parsed

)

select * from named
