-- Which calls should HubSpot have of recordings, on whose timeline, and what should they say?
-- grain: one row per object_key: zr: and the UUID of a session of which a recording was ever told
-- units: hs_call_duration is milliseconds; hs_timestamp is ISO 8601, UTC; ids of contacts stand with ; between them
-- rule:  HZ-26, HZ-03 to HZ-07, HZ-12; on each contact who attended the date, or the meeting; a call that stands is
--        left as it is once its recording is deleted in Zoom, and one that was deleted in HubSpot is not made again
-- destination: hubspot
-- object: call
with

told as (

    select
        session_uuid,
        session_key,
        webinar_id,
        occurrence_id,
        topic,
        start_at,
        duration_ms,
        share_url,
        coalesce(
            out_of_scope_reason,
            case
                when state = 'none'
                    then 'recording_missing'
                when state <> 'completed'
                    then 'recording_' || state
            end
        ) as reason
    from int_recordings
    where file_count > 0 or state = 'deleted'

),

attended as (

    select
        told.session_key,
        int_people.contact_id
    from told
    inner join int_attendances using (webinar_id, occurrence_id)
    inner join int_people using (person_key)
    inner join int_contacts
        on int_people.contact_id = int_contacts.contact_id
    left join int_excluded_addresses as excluded
        on int_contacts.email_key = excluded.email_key
    where told.reason is null and excluded.email_key is null
    union
    select
        told.session_key,
        met.contact_id
    from told
    inner join int_meeting_attendances as met
        on told.session_key = met.session_key
    where told.reason is null

),

people as (

    select
        session_key,
        string_agg(cast(contact_id as varchar), ';' order by contact_id) as contact_ids
    from attended
    group by session_key

),

standing as (

    select
        made.object_key,
        made.hubspot_id,
        coalesce(held.is_deleted and held.changed_at >= made.told_at, false) as is_deleted
    from int_inbound_told as made
    left join int_inbound_held as held
        on made.activity_kind = held.activity_kind and made.hubspot_id = held.hubspot_id

)

select
    'zr:' || told.session_uuid as object_key,
    standing.hubspot_id as vendor_id,
    case
        when standing.is_deleted
            then 'deleted_in_hubspot'
        when told.reason is not null
            then told.reason
        when standing.object_key is null and people.contact_ids is null
            then 'not_in_hubspot'
    end as reason,
    told.topic as hs_call_title,
    'COMPLETED' as hs_call_status,
    cast(told.duration_ms as varchar) as hs_call_duration,
    told.share_url as hs_call_recording_url,
    coalesce(transcripts.body, '') as hs_call_body,
    strftime(timezone('UTC', told.start_at), '%Y-%m-%dT%H:%M:%S.%gZ') as hs_timestamp,
    people.contact_ids as associated_contacts
from told
left join people
    on told.session_key = people.session_key
left join int_transcripts as transcripts
    on told.session_key = transcripts.session_key
left join standing
    on 'zr:' || told.session_uuid = standing.object_key
