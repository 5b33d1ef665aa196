-- Which sessions of meetings may have other people now: those told of, those that are over, those of moved contacts
-- grain: one row per key of int_meeting_attendances, at least of those whose rows differ
-- narrowed: stg_zoom__meetings by session_key; stg_zoom__meeting_participants by session_key;
--   int_contact_addresses by email_key of stg_zoom__meeting_participants;
--   int_contacts by contact_id of int_contact_addresses
with

moved_addresses as (

    select email_key from int_contact_addresses__changed
    union
    select email_key from int_contact_addresses
    where contact_id in (select contact_id from int_contacts__changed)

)

select session_key from stg_zoom__meetings__changed
union
select session_key from stg_zoom__meetings
where
    (occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of'))
    or (end_at > getvariable('as_of_before') and end_at <= getvariable('as_of'))
union
select session_key from stg_zoom__meeting_participants__changed
union
select session_key from stg_zoom__meeting_participants
where
    (occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of'))
    or email_key in (select email_key from moved_addresses)
union
select cast(null as bigint) as session_key from stg_turnout__settings
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
