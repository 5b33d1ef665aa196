-- Which activities may look different now: new ones, and those of addresses, emails and forms that changed
-- grain: one row per key of int_activities, at least of those whose rows differ
-- narrowed: int_engagements by activity_key; int_engagement_contacts by activity_key; stg_hubspot__email_events by
--   event_key = activity_key; int_sent_emails by sent_key of stg_hubspot__email_events;
--   stg_hubspot__form_submissions by activity_key; int_sales_touches by activity_key; int_webinar_activities by
--   activity_key
with

-- opens and clicks whose sending is new: any, where it was sent before the last build; where it was sent since, those
-- with a time before it, and those that have happened since, too
late_named as (

    select events.event_key as activity_key
    from int_sent_emails__changed as late
    inner join stg_hubspot__email_events as events
        on late.sent_key = events.sent_key
    where late.sent_at <= getvariable('as_of_before')
    union
    select events.event_key as activity_key
    from int_sent_emails__changed as late
    inner join stg_hubspot__email_events as events
        on late.sent_key = events.sent_key
    where events.is_early
    union
    select events.event_key as activity_key
    from int_sent_emails__changed as late
    inner join stg_hubspot__email_events as events
        on late.sent_key = events.sent_key
    where events.happened_at > getvariable('as_of_before')

)

select activity_key from int_engagements__changed
union
select activity_key from int_engagement_contacts__changed
union
select activity_key from int_sales_touches__changed
union
select activity_key from int_webinar_activities__changed
union
select activity_key from stg_hubspot__form_submissions__changed
union
select told.activity_key
from stg_hubspot__form_submissions as told
inner join int_forms__changed as forms
    on told.account = forms.portal_id and told.form_id = forms.form_id
union
select event_key as activity_key from stg_hubspot__email_events__changed
where event_key is not null
union
select activity_key from late_named
where activity_key is not null
union
select told.event_key as activity_key
from stg_hubspot__email_events as told
inner join int_email_campaigns__changed as campaigns
    on told.account = campaigns.portal_id and told.campaign_id = campaigns.campaign_id
where told.event_key is not null
union
select activity_key from int_activities__before
where email_key in (select email_key from int_contact_addresses__changed)
