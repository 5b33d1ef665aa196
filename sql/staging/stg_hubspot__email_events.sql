-- What happened to which marketing email?
-- grain: one row per event of hubspot/email_events
-- units: email_key, event_key, sent_key are the first 60 bits of an md5; happened_at is UTC; event_key and source_key
--        (HubSpot's id and created) are those of what was sent, opened and clicked, sent_key names the sending in the
--        latter two; subject stands with what was sent alone, url with clicks; is_early is for the few opens and
--        clicks with a time before that of the sending they name, or of which nobody can tell
-- rule:  HS-06, HS-07; HubSpot's identity of an event is the pair of id and created
with

parsed as (

    select
        event_id,
        account,
        key,
        occurred_at as happened_at,
        observed_at,
        from_json(
            payload,
            '{
                "type": "VARCHAR",
                "recipient": "VARCHAR",
                "emailCampaignId": "BIGINT",
                "filteredEvent": "BOOLEAN",
                "subject": "VARCHAR",
                "url": "VARCHAR",
                "sentBy": {"id": "VARCHAR", "created": "VARCHAR"}
            }'
        ) as told
    from raw_hubspot__email_events

),

named as (

    select
        event_id,
        account,
        case
            when upper(told.type) in ('SENT', 'OPEN', 'CLICK') then cast('0x' || left(md5(key), 15) as bigint)
        end as event_key,
        case when upper(told.type) in ('SENT', 'OPEN', 'CLICK') then key end as source_key,
        observed_at,
        happened_at,
        upper(coalesce(told.type, '')) as event_type,
        lower(
            case
                when
                    contains(told.recipient, ' ') or contains(told.recipient, chr(9))
                    or contains(told.recipient, chr(10)) or contains(told.recipient, chr(13))
                    or contains(told.recipient, chr(160))
                    then trim(told.recipient, ' ' || chr(9) || chr(10) || chr(13) || chr(160))
                else coalesce(told.recipient, '')
            end
        ) as email,
        told.emailcampaignid as campaign_id,
        coalesce(told.filteredevent, false) as is_bot,
        case
            when upper(told.type) in ('OPEN', 'CLICK') and told.sentby.id is not null
                then cast('0x' || left(md5(told.sentby.id || '|' || told.sentby.created), 15) as bigint)
        end as sent_key,
        upper(coalesce(told.type, '')) in ('OPEN', 'CLICK') and told.sentby.id is not null
        and coalesce(try_cast(told.sentby.created as bigint) > epoch_us(happened_at) // 1000, true) as is_early,
        case when upper(told.type) = 'SENT' then nullif(told.subject, '') end as subject,
        case when upper(told.type) = 'CLICK' then nullif(told.url, '') end as url
    from parsed

),

keyed as (

    select
        *,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key
    from named

)

select * from keyed
