-- Whose sums may differ now: by what they did, under another address, or as a window moved on
-- grain: one row per key of int_crm_metrics, at least of those whose rows differ
-- narrowed: int_crm_addresses by subject_key; int_email_touches by email_key of int_crm_addresses;
--   stg_hubspot__form_submissions by email_key of int_crm_addresses; int_contacts by contact_id = subject_key
with

whose as (

    select
        email_key,
        subject_key
    from int_crm_addresses
    union all
    select
        email_key,
        subject_key
    from int_crm_addresses__changed

),

addresses as (

    select email_key from int_email_touches__changed
    union
    select email_key from stg_hubspot__form_submissions__changed
    union
    select email_key from stg_hubspot__form_submissions
    where submitted_at >= getvariable('as_of_before') and submitted_at < getvariable('as_of')
    union
    select email_key from stg_hubspot__form_submissions
    where
        submitted_at >= date_trunc('day', getvariable('as_of_before')) - interval 30 day
        and submitted_at < date_trunc('day', getvariable('as_of')) - interval 30 day
    union
    select email_key from stg_hubspot__form_submissions
    where
        submitted_at >= date_trunc('day', getvariable('as_of_before')) - interval 1 year
        and submitted_at < date_trunc('day', getvariable('as_of')) - interval 1 year
    union
    select email_key from int_email_touches
    where
        last_opened_at >= date_trunc('day', getvariable('as_of_before')) - interval 30 day
        and last_opened_at < date_trunc('day', getvariable('as_of')) - interval 30 day
    union
    select email_key from int_email_touches
    where
        last_opened_at >= date_trunc('day', getvariable('as_of_before')) - interval 1 year
        and last_opened_at < date_trunc('day', getvariable('as_of')) - interval 1 year
    union
    select email_key from int_email_touches
    where
        last_clicked_at >= date_trunc('day', getvariable('as_of_before')) - interval 30 day
        and last_clicked_at < date_trunc('day', getvariable('as_of')) - interval 30 day
    union
    select email_key from int_email_touches
    where
        last_clicked_at >= date_trunc('day', getvariable('as_of_before')) - interval 1 year
        and last_clicked_at < date_trunc('day', getvariable('as_of')) - interval 1 year

),

sales_moments as (

    select
        contact_id as subject_key,
        unnest(list_concat(sales_opens, list_concat(sales_clicks, content_views))).value as told
    from int_contacts
    where len(sales_opens) + len(sales_clicks) + len(content_views) > 0

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

)

select subject_key from int_crm_addresses__changed
union
select whose.subject_key
from whose
inner join addresses using (email_key)
union
select contact_id as subject_key from int_contacts__changed
union
select subject_key from sales_touches
where happened_at >= getvariable('as_of_before') and happened_at < getvariable('as_of')
