-- Which meetings in Zoom should HubSpot have, on whose timeline, and what should they say?
-- grain: one row per object_key: zm: and the UUID of a session that a contact attended
-- units: times are ISO 8601, UTC; ids of contacts stand with ; between them
-- rule:  HZ-12; one record for all who were there, which says when each came and left; what somebody deleted in
--        HubSpot is not made again
-- destination: hubspot
-- object: meeting
with

people as (

    select
        session_uuid,
        topic,
        start_at,
        end_at,
        out_of_scope_reason,
        contact_id,
        coalesce(nullif(name, ''), 'Somebody')
        || ': '
        || strftime(timezone('UTC', joined_at), '%H:%M')
        || ' to '
        || strftime(timezone('UTC', left_at), '%H:%M UTC')
        || ', '
        || attended_us // 60000000
        || ' min' as line
    from int_meeting_attendances

),

gathered as (

    select
        session_uuid,
        topic,
        start_at,
        end_at,
        out_of_scope_reason,
        string_agg(cast(contact_id as varchar), ';' order by contact_id) as contact_ids,
        string_agg(
            replace(replace(replace(line, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '<br>' order by contact_id
        ) as body
    from people
    group by session_uuid, topic, start_at, end_at, out_of_scope_reason

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
    'zm:' || gathered.session_uuid as object_key,
    standing.hubspot_id as vendor_id,
    case
        when standing.is_deleted
            then 'deleted_in_hubspot'
        else gathered.out_of_scope_reason
    end as reason,
    gathered.topic as hs_meeting_title,
    'COMPLETED' as hs_meeting_outcome,
    strftime(timezone('UTC', gathered.start_at), '%Y-%m-%dT%H:%M:%S.%gZ') as hs_timestamp,
    strftime(timezone('UTC', gathered.start_at), '%Y-%m-%dT%H:%M:%S.%gZ') as hs_meeting_start_time,
    strftime(timezone('UTC', gathered.end_at), '%Y-%m-%dT%H:%M:%S.%gZ') as hs_meeting_end_time,
    case
        when length(gathered.body) > 65000
            then regexp_replace(left(gathered.body, 64900), '(&[a-z]*|<[a-z]*)$', '') || '<br>[and others]'
        else gathered.body
    end as hs_meeting_body,
    gathered.contact_ids as associated_contacts
from gathered
left join standing
    on 'zm:' || gathered.session_uuid = standing.object_key
