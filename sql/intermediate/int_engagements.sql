-- What is each call, sales email, meeting, note and task now, and with whom was it?
-- grain: one row per activity_key, of all that HubSpot ever told but sales emails that were not sent
-- units: happened_at is UTC; body is plain text, null where there is none; the lists are as HubSpot told them, sorted
-- rule:  HS-01; the names of call outcomes are HubSpot's own of https://developers.hubspot.com/docs/api/crm/calls
-- incremental: activity_key
with

states as (

    select
        event_id,
        account,
        activity_key,
        'call_made' as activity_type,
        object_id,
        kind,
        occurred_at,
        observed_at,
        happened_at,
        subject,
        body,
        concat_ws(
            chr(10),
            case
                when duration_ms > 0
                    then 'Duration: ' || duration_ms // 60000 || ' min ' || duration_ms // 1000 % 60 || ' s'
            end,
            case disposition_id
                when 'f240bbac-87c9-4f6e-bf70-924b57d47db7' then 'Outcome: connected'
                when '9d9162e7-6cf3-4944-bf63-4dff82258764' then 'Outcome: busy'
                when 'a4c4c377-d246-4b32-a13b-75a56a4cd0ff' then 'Outcome: left live message'
                when 'b2cf5968-551e-4856-9783-52b3da59a7d0' then 'Outcome: left voicemail'
                when '73a0d17f-1163-4015-bdd5-ec830791da20' then 'Outcome: no answer'
                when '17b47fee-58de-441e-a44c-c6300d46f273' then 'Outcome: wrong number'
            end
        ) as details,
        true as is_counted,
        hubspot_owner_id,
        turnout_id,
        is_archived,
        contact_ids,
        company_ids,
        deal_ids
    from stg_hubspot__calls
    union all
    select
        event_id,
        account,
        activity_key,
        'sales_email_sent' as activity_type,
        object_id,
        kind,
        occurred_at,
        observed_at,
        happened_at,
        subject,
        body,
        '' as details,
        direction = 'EMAIL' and status = 'SENT' as is_counted,
        hubspot_owner_id,
        turnout_id,
        is_archived,
        contact_ids,
        company_ids,
        deal_ids
    from stg_hubspot__emails
    union all
    select
        event_id,
        account,
        activity_key,
        'meeting_scheduled' as activity_type,
        object_id,
        kind,
        occurred_at,
        observed_at,
        happened_at,
        subject,
        body,
        concat_ws(
            chr(10),
            case when start_time <> '' then 'Start: ' || start_time end,
            case when end_time <> '' then 'End: ' || end_time end,
            case when location <> '' then 'Where: ' || location end,
            case when outcome <> '' then 'Outcome: ' || lower(outcome) end
        ) as details,
        true as is_counted,
        hubspot_owner_id,
        turnout_id,
        is_archived,
        contact_ids,
        company_ids,
        deal_ids
    from stg_hubspot__meetings
    union all
    select
        event_id,
        account,
        activity_key,
        'note_created' as activity_type,
        object_id,
        kind,
        occurred_at,
        observed_at,
        happened_at,
        subject,
        body,
        '' as details,
        true as is_counted,
        hubspot_owner_id,
        turnout_id,
        is_archived,
        contact_ids,
        company_ids,
        deal_ids
    from stg_hubspot__notes
    union all
    select
        event_id,
        account,
        activity_key,
        'task_created' as activity_type,
        object_id,
        kind,
        occurred_at,
        observed_at,
        happened_at,
        subject,
        body,
        case when status <> '' then 'Status: ' || lower(status) else '' end as details,
        true as is_counted,
        hubspot_owner_id,
        turnout_id,
        is_archived,
        contact_ids,
        company_ids,
        deal_ids
    from stg_hubspot__tasks

),

retold as (

    select activity_key
    from states
    group by activity_key
    having count(*) > 1

),

ordered as (

    select
        *,
        1 as nearness,
        1 as nearness_in_kind
    from states
    where activity_key not in (select activity_key from retold)
    union all
    select
        *,
        row_number() over (
            partition by activity_key
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness,
        row_number() over (
            partition by activity_key, kind
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness_in_kind
    from states
    where activity_key in (select activity_key from retold)

),

gone as (

    select distinct activity_key
    from ordered
    where nearness = 1 and kind = 'absent'

),

seen as (

    select
        *,
        case
            when regexp_matches(body, '[<&]')
                then replace(
                    replace(
                        replace(
                            replace(
                                replace(
                                    replace(
                                        regexp_replace(
                                            regexp_replace(body, '<(br|/p|/div|/li|/h[1-6]|/tr)[^>]*>', chr(10), 'gi'),
                                            '</?[a-zA-Z!][^>]*>',
                                            '',
                                            'g'
                                        ),
                                        '&nbsp;',
                                        ' '
                                    ),
                                    '&lt;',
                                    '<'
                                ),
                                '&gt;',
                                '>'
                            ),
                            '&quot;',
                            '"'
                        ),
                        '&#39;',
                        ''''
                    ),
                    '&amp;',
                    '&'
                )
            else body
        end as plain,
        is_archived or activity_key in (select activity_key from gone) as is_deleted
    from ordered
    where nearness_in_kind = 1 and kind = 'seen'

),

told as (

    select
        activity_key,
        activity_type || ':' || account || ':' || object_id as activity_id,
        activity_type,
        account as portal_id,
        object_id as source_id,
        happened_at,
        coalesce(
            nullif(trim(subject), ''),
            case
                when activity_type = 'note_created'
                    then nullif(left(trim(split_part(trim(plain, ' ' || chr(10)), chr(10), 1)), 80), '')
            end,
            case activity_type
                when 'call_made' then 'Call'
                when 'sales_email_sent' then 'Sales email'
                when 'meeting_scheduled' then 'Meeting'
                when 'note_created' then 'Note'
                else 'Task'
            end
        ) as subject,
        nullif(trim(plain || chr(10) || details, ' ' || chr(10) || chr(13)), '') as body,
        list_sort(list_distinct(contact_ids)) as contact_ids,
        list_sort(list_distinct(deal_ids)) as deal_ids,
        list_sort(list_distinct(company_ids)) as company_ids,
        hubspot_owner_id,
        turnout_id,
        is_deleted
    from seen
    where is_counted

)

select * from told
