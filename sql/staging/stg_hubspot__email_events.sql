-- What happened to which marketing email?
-- grain: one row per event of hubspot/email_events
-- units: email_key, event_key, sent_key are the first 60 bits of an md5; happened_at is UTC; event_key is that of a
--        sending, sent_key names it in what was opened and clicked
-- rule:  HS-06, HS-07; HubSpot's identity of an event is the pair of id and created
with

parsed as (

    select
        event_id,
        account,
        key,
        occurred_at as happened_at,
        from_json(
            payload,
            '{
                "type": "VARCHAR",
                "recipient": "VARCHAR",
                "emailCampaignId": "BIGINT",
                "filteredEvent": "BOOLEAN",
                "sentBy": {"id": "VARCHAR", "created": "VARCHAR"}
            }'
        ) as told
    from raw_hubspot__email_events

),

named as (

    select
        event_id,
        account,
        case when upper(told.type) = 'SENT' then cast('0x' || left(md5(key), 15) as bigint) end as event_key,
        happened_at,
        upper(coalesce(told.type, '')) as event_type,
        lower(trim(coalesce(told.recipient, ''), ' ' || chr(9) || chr(10) || chr(13) || chr(160))) as email,
        told.emailcampaignid as campaign_id,
        coalesce(told.filteredevent, false) as is_bot,
        case
            when upper(told.type) in ('OPEN', 'CLICK') and told.sentby.id is not null
                then cast('0x' || left(md5(told.sentby.id || '|' || told.sentby.created), 15) as bigint)
        end as sent_key
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
