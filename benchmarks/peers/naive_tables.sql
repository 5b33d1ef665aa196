-- The published tables, from what naive_staging.sql left.
create temp table zoom_metrics as
with attended as (
    select
        subject_key,
        count(*) as occurrences_attended,
        count(distinct webinar_id) as webinars_attended,
        count(distinct webinar_id)
            filter (where joined_at >= date_trunc('day', getvariable('as_of')) - interval 30 day) as webinars_attended_30d,
        count(distinct webinar_id)
            filter (where joined_at >= date_trunc('day', getvariable('as_of')) - interval 1 year) as webinars_attended_1y,
        cast((2 * sum(cast(attended_ppq as hugeint)) + count(*) * 100000000000 + count(*)) // (2 * count(*) * 100000000000)
            as integer) as avg_attended_hundredths,
        min(joined_at) as first_joined_at,
        arg_min(webinar_id, (joined_at, webinar_id)) as first_joined_webinar_id,
        max(joined_at) as last_joined_at
    from attendances inner join people using (email) group by subject_key
),
registered as (
    select
        subject_key,
        count(distinct webinar_id) as webinars_registered,
        arg_max(webinar_id, (registered_at, webinar_id)) as last_registered_webinar_id,
        max(registered_at) as last_registered_at,
        min(first_registered_at) as first_registered_at,
        arg_min(webinar_id, (first_registered_at, webinar_id)) as first_registered_webinar_id,
        arg_max(first_name, (registered_at, webinar_id)) as first_name,
        arg_max(last_name, (registered_at, webinar_id)) as last_name
    from registrations inner join people using (email) group by subject_key
)
select
    *,
    case when first_joined_at < first_registered_at or first_registered_at is null
        then first_joined_webinar_id else first_registered_webinar_id end as first_webinar_id,
    greatest(last_joined_at, last_registered_at) as last_activity_at
from attended full join registered using (subject_key);

create temp table crm_metrics as
with touches as (
    select
        coalesce(sent.email, touched.email) as email, touched.campaign_id, touched.type, touched.happened_at
    from email_events as touched
    left join (select id, created, email from email_events where type = 'SENT') as sent
        on touched.sent_id = sent.id and touched.sent_created = sent.created
    where touched.type in ('OPEN', 'CLICK') and not touched.is_bot
),
whose as (
    select email, contact_id as subject_key from contacts
    union all
    select email, subject_key from people where contact_id is null
),
emails as (
    select
        subject_key, campaign_id,
        max(happened_at) filter (where type = 'OPEN') as opened_at,
        max(happened_at) filter (where type = 'CLICK') as clicked_at
    from touches inner join whose using (email) group by subject_key, campaign_id
),
by_email as (
    select
        subject_key,
        count(*) filter (where opened_at >= date_trunc('day', getvariable('as_of')) - interval 30 day) as emails_opened_30d,
        count(*) filter (where opened_at >= date_trunc('day', getvariable('as_of')) - interval 1 year) as emails_opened_1y,
        count(*) filter (where clicked_at >= date_trunc('day', getvariable('as_of')) - interval 30 day) as emails_clicked_30d,
        count(*) filter (where clicked_at >= date_trunc('day', getvariable('as_of')) - interval 1 year) as emails_clicked_1y,
        greatest(max(opened_at), max(clicked_at)) as last_at
    from emails group by subject_key
),
by_form as (
    select
        subject_key,
        count(*) filter (where submitted_at >= date_trunc('day', getvariable('as_of')) - interval 30 day) as forms_submitted_30d,
        count(*) filter (where submitted_at >= date_trunc('day', getvariable('as_of')) - interval 1 year) as forms_submitted_1y,
        max(submitted_at) as last_at
    from forms inner join whose using (email) group by subject_key
),
opens as (
    select contact_id as subject_key, unnest(from_json(sales_opens, '[{"value": "TIMESTAMPTZ"}]')).value as opened_at
    from contacts
),
by_sales as (
    select subject_key, max(opened_at) as last_at from opens where opened_at < getvariable('as_of') group by subject_key
)
select
    subject_key,
    emails_opened_30d, emails_opened_1y, emails_clicked_30d, emails_clicked_1y, forms_submitted_30d, forms_submitted_1y,
    greatest(by_email.last_at, by_form.last_at, by_sales.last_at) as last_activity_at
from by_email full join by_form using (subject_key) full join by_sales using (subject_key);

create temp table contact_metrics as
select
    subject_key,
    case when subject_key > 0 then subject_key end as contact_id,
    cast(avg_attended_hundredths * 0.01 as decimal(5, 2)) as avg_attendance_pct,
    avg_attended_hundredths,
    coalesce(webinars_registered, 0) as webinars_registered,
    coalesce(webinars_attended, 0) as webinars_attended,
    coalesce(occurrences_attended, 0) as occurrences_attended,
    coalesce(webinars_attended_30d, 0) as webinars_attended_30d,
    coalesce(webinars_attended_1y, 0) as webinars_attended_1y,
    coalesce(emails_opened_30d, 0) as emails_opened_30d,
    coalesce(emails_opened_1y, 0) as emails_opened_1y,
    coalesce(emails_clicked_30d, 0) as emails_clicked_30d,
    coalesce(emails_clicked_1y, 0) as emails_clicked_1y,
    coalesce(forms_submitted_30d, 0) as forms_submitted_30d,
    coalesce(forms_submitted_1y, 0) as forms_submitted_1y,
    last_registered_webinar_id,
    last_registered_at,
    greatest(zoom_metrics.last_activity_at, crm.last_activity_at) as last_activity_at,
    occurrences.join_url as last_registration_url
from zoom_metrics
full join (select * from crm_metrics where last_activity_at is not null) as crm using (subject_key)
left join occurrences on zoom_metrics.last_registered_webinar_id = occurrences.webinar_id;

create temp table contact_webinars as
select
    subject_key, contact_id, webinar_id, '' as occurrence_id, cast(webinar_id as varchar) as external_event_id, topic, state,
    first_registered_at, registered_at, cancelled_at, joined_at, left_at,
    attended_us // 1000000 as attended_seconds,
    cast(((attended_ppq + 50000000000) // 100000000000) * 0.01 as decimal(5, 2)) as attendance_pct
from participations inner join people using (email);

create temp table contact_timeline as
select
    subject_key, contact_id, 'webinar_registered' as entry_type, webinar_id, '' as occurrence_id, topic,
    registered_at as happened_at, cast(null as timestamptz) as joined_at, cast(null as timestamptz) as left_at,
    cast(null as bigint) as attended_seconds
from registrations inner join people using (email) inner join occurrences using (webinar_id)
union all
select
    subject_key, contact_id, 'webinar_attended', webinar_id, '', topic, joined_at, joined_at, left_at, attended_seconds
from contact_webinars where state = 'attended';

create temp table webinars as
with counted as (
    select
        webinar_id,
        count(first_registered_at) as registered_count,
        count(*) filter (where state = 'attended') as attended_count,
        count(*) filter (where state = 'cancelled') as cancelled_count,
        count(*) filter (where state = 'no_show') as no_show_count
    from participations group by webinar_id
),
connected as (
    select
        webinar_id,
        count(*) as connection_count,
        count(*) filter (where reason = 'participant_without_email') as anonymous_connection_count,
        count(distinct email) filter (where reason <> 'participant_without_email') as excluded_count
    from connections group by webinar_id
)
select
    webinar_id, '' as occurrence_id, cast(webinar_id as varchar) as external_event_id, topic, status,
    cast(null as varchar) as out_of_scope_reason, scheduled_start_at, scheduled_end_at, actual_start_at, actual_end_at,
    actual_us // 1000000 as actual_seconds,
    coalesce(registered_count, 0) as registered_count, coalesce(attended_count, 0) as attended_count,
    coalesce(cancelled_count, 0) as cancelled_count, coalesce(no_show_count, 0) as no_show_count,
    coalesce(connection_count, 0) as connection_count,
    coalesce(anonymous_connection_count, 0) as anonymous_connection_count, coalesce(excluded_count, 0) as excluded_count
from occurrences left join counted using (webinar_id) left join connected using (webinar_id);

create temp table sync_hubspot_contacts as
with named as (
    select email, arg_max(name, start_us) as name from connections where reason is null group by email
),
candidates as (
    select
        contact_id as subject_key, cast(contact_id as varchar) as object_key, cast(contact_id as varchar) as vendor_id,
        case when contact_metrics.subject_key is null then 'no_activity' end as reason,
        email, cast(null as varchar) as firstname, cast(null as varchar) as lastname, cast(null as varchar) as turnout_source
    from contacts left join contact_metrics using (contact_id)
    union all
    select
        subject_key, people.email, null, null, people.email,
        coalesce(nullif(first_name, ''), split_part(name, ' ', 1)),
        coalesce(case when first_name <> '' then last_name end, trim(substr(name, length(split_part(name, ' ', 1)) + 1))),
        'Zoom: ' || occurrences.topic
    from people
    inner join zoom_metrics using (subject_key)
    left join occurrences on zoom_metrics.first_webinar_id = occurrences.webinar_id
    left join named on people.email = named.email
    where people.contact_id is null
)
select
    object_key, vendor_id, reason, email,
    nullif(firstname, '') as firstname, nullif(lastname, '') as lastname, turnout_source,
    cast(avg_attendance_pct as varchar) as turnout_avg_attendance_pct,
    cast(coalesce(webinars_registered, 0) as varchar) as turnout_webinars_registered,
    cast(coalesce(webinars_attended, 0) as varchar) as turnout_webinars_attended,
    cast(coalesce(occurrences_attended, 0) as varchar) as turnout_occurrences_attended,
    cast(null as varchar) as turnout_last_registered_webinar_url,
    last_registration_url as turnout_last_registration_url,
    strftime(last_registered_at, '%Y-%m-%dT%H:%M:%S.%gZ') as turnout_last_registration_at,
    cast(coalesce(webinars_attended_30d, 0) as varchar) as turnout_webinars_attended_30d,
    cast(coalesce(webinars_attended_1y, 0) as varchar) as turnout_webinars_attended_1y,
    cast(coalesce(emails_opened_30d, 0) as varchar) as turnout_emails_opened_30d,
    cast(coalesce(emails_opened_1y, 0) as varchar) as turnout_emails_opened_1y,
    cast(coalesce(emails_clicked_30d, 0) as varchar) as turnout_emails_clicked_30d,
    cast(coalesce(emails_clicked_1y, 0) as varchar) as turnout_emails_clicked_1y,
    cast(coalesce(forms_submitted_30d, 0) as varchar) as turnout_forms_submitted_30d,
    cast(coalesce(forms_submitted_1y, 0) as varchar) as turnout_forms_submitted_1y,
    strftime(last_activity_at, '%Y-%m-%dT%H:%M:%S.%gZ') as turnout_last_activity_at
from candidates left join contact_metrics using (subject_key);

create temp table sync_hubspot_attendances as
with named as (
    select
        participations.*, cast(contact_id as varchar) as vendor_id, coalesce(cast(contact_id as varchar), email) as contact_key
    from participations inner join people using (email)
),
steps as (
    select *, 'register' as step, epoch_ms(registered_at) as interaction_ms from named where first_registered_at is not null
    union all by name
    select *, 'cancel' as step, greatest(epoch_ms(cancelled_at), epoch_ms(registered_at) + 1) as interaction_ms
    from named where state = 'cancelled'
    union all by name
    select *, 'attend' as step, epoch_ms(joined_at) as interaction_ms from named where state = 'attended'
)
select
    cast(webinar_id as varchar) || '|' || contact_key || '|' || step as object_key, vendor_id, cast(null as varchar) as reason,
    cast(webinar_id as varchar) as external_event_id, 'kestrel-account' as external_account_id, email, step,
    cast(interaction_ms as varchar) as "interactionDateTime",
    case when step = 'attend' then strftime(joined_at, '%Y-%m-%dT%H:%M:%S.%gZ') end as "joinedAt",
    case when step = 'attend'
        then strftime(greatest(left_at, joined_at + interval 1 millisecond), '%Y-%m-%dT%H:%M:%S.%gZ') end as "leftAt"
from steps;
