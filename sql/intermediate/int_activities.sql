-- What did which contact do, or what was done with them, and when?
-- grain: one row per activity, of all thirteen types, deleted ones too
-- units: occurred_at is UTC; activity_id comes of the activity alone and names it for good; activity_key, email_key are
--        the first 60 bits of an md5; contact_ids are the live contacts that it is of, after mergers, ascending, empty
--        for nobody; email_key is the address by which they were found, null where it was not by an address; portal_id
--        is null for what happened in Zoom; turnout_id is our own key of what we made in HubSpot ourselves
-- rule:  HS-01, HS-06, HS-07, HZ-06; nothing is left out by time or setting here, and bots are marked
-- incremental: activity_key
with

together as (

    select
        activity_key,
        list(distinct contact_id order by contact_id) as contact_ids
    from int_engagement_contacts
    where contact_id is not null
    group by activity_key

),

engagements as (

    select
        activity_key,
        activity_id,
        activity_type,
        portal_id,
        happened_at as occurred_at,
        coalesce(together.contact_ids, []) as contact_ids,
        subject,
        body,
        deal_ids,
        company_ids,
        cast(null as bigint) as email_key,
        cast(null as bigint) as email_campaign_id,
        false as is_bot,
        source_id,
        hubspot_owner_id,
        turnout_id,
        is_deleted
    from int_engagements
    left join together using (activity_key)

),

retold_events as (

    select event_key
    from stg_hubspot__email_events
    where event_key is not null
    group by event_key
    having count(*) > 1

),

events as (

    select *
    from stg_hubspot__email_events
    where event_key is not null and event_key not in (select event_key from retold_events)
    union all
    select *
    from stg_hubspot__email_events
    where event_key in (select event_key from retold_events)
    qualify row_number() over (partition by event_key order by observed_at desc, event_id) = 1

),

sendings as (

    select
        sent_key,
        min(sent_to_key) as sent_to_key
    from int_sent_emails
    group by sent_key

),

credited as (

    select
        *,
        coalesce(sendings.sent_to_key, events.email_key) as found_key
    from events
    left join sendings using (sent_key)

),

emails as (

    select
        credited.event_key as activity_key,
        case credited.event_type
            when 'SENT' then 'marketing_email_sent'
            when 'OPEN' then 'marketing_email_opened'
            else 'marketing_email_clicked'
        end as activity_type,
        credited.account as portal_id,
        credited.happened_at as occurred_at,
        case when owners.contact_id is null then [] else [owners.contact_id] end as contact_ids,
        coalesce(credited.subject, int_email_campaigns.subject) as subject,
        credited.url as body,
        cast([] as bigint[]) as deal_ids,
        cast([] as bigint[]) as company_ids,
        credited.found_key as email_key,
        credited.campaign_id as email_campaign_id,
        credited.is_bot,
        substr(credited.source_key, 1, length(credited.source_key) - strpos(reverse(credited.source_key), '|'))
            as source_id,
        cast(null as varchar) as hubspot_owner_id,
        cast(null as varchar) as turnout_id,
        false as is_deleted
    from credited
    left join int_contact_addresses as owners
        on credited.found_key = owners.email_key
    left join int_email_campaigns
        on credited.account = int_email_campaigns.portal_id and credited.campaign_id = int_email_campaigns.campaign_id

),

retold_forms as (

    select activity_key
    from stg_hubspot__form_submissions
    group by activity_key
    having count(*) > 1

),

submissions as (

    select *
    from stg_hubspot__form_submissions
    where activity_key not in (select activity_key from retold_forms)
    union all
    select *
    from stg_hubspot__form_submissions
    where activity_key in (select activity_key from retold_forms)
    qualify row_number() over (partition by activity_key order by observed_at desc, event_id) = 1

),

forms as (

    select
        submissions.activity_key,
        'form_submission:' || submissions.account || ':' || submissions.conversion_id as activity_id,
        'form_submission' as activity_type,
        submissions.account as portal_id,
        submissions.submitted_at as occurred_at,
        case when owners.contact_id is null then [] else [owners.contact_id] end as contact_ids,
        coalesce(int_forms.form_name, 'Form') as subject,
        nullif(concat_ws(chr(10), submissions.page_url, submissions.answers), '') as body,
        cast([] as bigint[]) as deal_ids,
        cast([] as bigint[]) as company_ids,
        submissions.email_key,
        cast(null as bigint) as email_campaign_id,
        false as is_bot,
        submissions.conversion_id as source_id,
        cast(null as varchar) as hubspot_owner_id,
        cast(null as varchar) as turnout_id,
        false as is_deleted
    from submissions
    left join int_contact_addresses as owners
        on submissions.email_key = owners.email_key
    left join int_forms
        on submissions.account = int_forms.portal_id and submissions.form_id = int_forms.form_id

),

touches as (

    select
        activity_key,
        activity_id,
        activity_type,
        portal_id,
        happened_at as occurred_at,
        case when contact_id is null then [] else [contact_id] end as contact_ids,
        case activity_type
            when 'sales_email_opened' then 'Sales email opened'
            when 'sales_email_clicked' then 'Sales email clicked'
            else 'Sales content viewed'
        end as subject,
        cast(null as varchar) as body,
        cast([] as bigint[]) as deal_ids,
        cast([] as bigint[]) as company_ids,
        cast(null as bigint) as email_key,
        cast(null as bigint) as email_campaign_id,
        false as is_bot,
        cast(told_id as varchar) as source_id,
        cast(null as varchar) as hubspot_owner_id,
        cast(null as varchar) as turnout_id,
        false as is_deleted
    from int_sales_touches

),

webinars as (

    select
        activity_key,
        activity_id,
        'integration_event' as activity_type,
        cast(null as varchar) as portal_id,
        happened_at as occurred_at,
        case when contact_id is null then [] else [contact_id] end as contact_ids,
        subject,
        body,
        cast([] as bigint[]) as deal_ids,
        cast([] as bigint[]) as company_ids,
        person_key as email_key,
        cast(null as bigint) as email_campaign_id,
        false as is_bot,
        source_id,
        cast(null as varchar) as hubspot_owner_id,
        cast(null as varchar) as turnout_id,
        false as is_deleted
    from int_webinar_activities

),

activities as (

    select * from engagements
    union all by name
    select
        *,
        activity_type || ':' || portal_id || ':' || epoch_ms(occurred_at) || ':' || source_id as activity_id
    from emails
    union all by name
    select * from forms
    union all by name
    select * from touches
    union all by name
    select * from webinars

)

select * from activities
