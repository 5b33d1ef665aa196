-- What do a person's emails, forms and sales contacts add up to?
-- grain: one row per subject_key that opened, clicked, sent in or looked at anything: a contact, or who will become one
-- units: counts of emails are of distinct emails; last_activity_at is UTC
-- rule:  HZ-06, HZ-27; under any address of the contact; windows as in int_zoom_metrics
-- incremental: subject_key
with

thresholds as (

    select
        date_trunc('day', getvariable('as_of')) - interval 30 day as since_30d,
        date_trunc('day', getvariable('as_of')) - interval 1 year as since_1y

),

emails as (

    select
        int_crm_addresses.subject_key,
        int_email_touches.campaign_id,
        max(int_email_touches.last_opened_at) as last_opened_at,
        max(int_email_touches.last_clicked_at) as last_clicked_at
    from int_email_touches
    inner join int_crm_addresses using (email_key)
    group by int_crm_addresses.subject_key, int_email_touches.campaign_id

),

by_email as (

    select
        emails.subject_key,
        count(case when emails.last_opened_at >= thresholds.since_30d then 1 end) as emails_opened_30d,
        count(case when emails.last_opened_at >= thresholds.since_1y then 1 end) as emails_opened_1y,
        count(case when emails.last_clicked_at >= thresholds.since_30d then 1 end) as emails_clicked_30d,
        count(case when emails.last_clicked_at >= thresholds.since_1y then 1 end) as emails_clicked_1y,
        greatest(max(emails.last_opened_at), max(emails.last_clicked_at)) as last_at
    from emails
    cross join thresholds
    group by emails.subject_key

),

by_form as (

    select
        int_crm_addresses.subject_key,
        count(case when sent_in.submitted_at >= thresholds.since_30d then 1 end) as forms_submitted_30d,
        count(case when sent_in.submitted_at >= thresholds.since_1y then 1 end) as forms_submitted_1y,
        max(sent_in.submitted_at) as last_at
    from stg_hubspot__form_submissions as sent_in
    inner join int_crm_addresses using (email_key)
    cross join thresholds
    where sent_in.submitted_at < getvariable('as_of')
    group by int_crm_addresses.subject_key

),

sales_moments as (

    select
        contact_id as subject_key,
        unnest(list_concat(sales_opens, list_concat(sales_clicks, content_views))).value as told
    from int_contacts
    where is_live

),

sales_touches as (

    select
        subject_key,
        coalesce(
            try_cast(told as timestamptz),
            case
                when try_cast(told as bigint) between 0 and 7258118400000
                    then timezone('UTC', make_timestamp(cast(told as bigint) * 1000))
            end
        ) as happened_at
    from sales_moments

),

by_sales as (

    select
        subject_key,
        max(happened_at) as last_at
    from sales_touches
    where happened_at < getvariable('as_of')
    group by subject_key

),

combined as (

    select
        subject_key,
        coalesce(by_email.emails_opened_30d, 0) as emails_opened_30d,
        coalesce(by_email.emails_opened_1y, 0) as emails_opened_1y,
        coalesce(by_email.emails_clicked_30d, 0) as emails_clicked_30d,
        coalesce(by_email.emails_clicked_1y, 0) as emails_clicked_1y,
        coalesce(by_form.forms_submitted_30d, 0) as forms_submitted_30d,
        coalesce(by_form.forms_submitted_1y, 0) as forms_submitted_1y,
        greatest(by_email.last_at, by_form.last_at, by_sales.last_at) as last_activity_at
    from by_email
    full join by_form using (subject_key)
    full join by_sales using (subject_key)

)

select * from combined
