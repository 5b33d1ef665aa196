-- On whom in Salesforce does each activity belong, and may it go there?
-- grain: one row per activity, none before Salesforce was read
-- units: task_key is the external id of its Task, from the activity alone; synced_at is the chosen contact's sync time,
--        UTC; reason is null where it goes, and the first of those that hold
-- rule:  HS-03 to HS-06, HS-08, HS-10; the contact is chosen first, then its window is tested; what has its time after
--        as_of has not happened yet
-- incremental: activity_key
with

candidates as (

    select
        activity_key,
        unnest(contact_ids) as contact_id
    from int_activities
    where exists (select 1 from int_salesforce_org)

),

ranked as (

    select
        candidates.activity_key,
        candidates.contact_id,
        matches.record_id,
        matches.record_kind,
        matches.account_id,
        matches.synced_at,
        matches.reason,
        row_number() over (
            partition by candidates.activity_key
            order by
                matches.record_id is null,
                matches.reason <> 'ambiguous_match',
                cast(timezone(settings.portal_time_zone, matches.created_at) as date) desc nulls last,
                candidates.contact_id desc
        ) as place
    from candidates
    inner join int_salesforce_matches as matches
        on candidates.contact_id = matches.contact_id
    cross join (select max(portal_time_zone) as portal_time_zone from int_activity_settings) as settings

),

chosen as (

    select
        activities.activity_key,
        activities.activity_type,
        't-' || md5(activities.activity_id) as task_key,
        activities.occurred_at,
        activities.is_bot,
        activities.is_deleted,
        activities.turnout_id,
        ranked.contact_id,
        ranked.record_id,
        ranked.record_kind,
        ranked.account_id,
        ranked.synced_at,
        coalesce(ranked.reason, case when ranked.contact_id is null then 'no_contact' end) as match_reason,
        settings.is_synced,
        settings.since_at,
        settings.salesforce_since_at,
        settings.is_bot_included
    from int_activities as activities
    inner join int_activity_settings as settings
        on activities.activity_type = settings.activity_type
    left join ranked
        on activities.activity_key = ranked.activity_key and ranked.place = 1
    where exists (select 1 from int_salesforce_org)

),

judged as (

    select
        activity_key,
        activity_type,
        task_key,
        occurred_at,
        contact_id,
        record_id,
        record_kind,
        account_id,
        synced_at,
        case
            when not is_synced
                then 'type_off'
            when is_deleted
                then 'deleted_in_hubspot'
            when turnout_id like 'sf:%'
                then 'came_from_salesforce'
            when turnout_id is not null
                then 'came_from_zoom'
            when occurred_at >= getvariable('as_of')
                then 'after_as_of'
            when is_bot and not is_bot_included
                then 'bot'
            when match_reason is not null
                then match_reason
            when
                case
                    when activity_type in ('marketing_email_sent', 'marketing_email_opened', 'marketing_email_clicked')
                        then epoch_us(occurred_at) < epoch_us(synced_at) - 2592000000000
                    when activity_type = 'form_submission'
                        then timezone('UTC', occurred_at) < timezone('UTC', synced_at) - interval 1 year
                    else occurred_at < synced_at
                end
                then 'outside_window'
            when occurred_at < greatest(since_at, salesforce_since_at)
                then 'before_since'
        end as reason
    from chosen

)

select * from judged
