-- When did which contact open or click a sales email, or view sales content?
-- grain: one row per contact at the end of mergers, activity_type and happened_at
-- units: told_id is the contact that first had it in its history, holder_id what became of it after mergers, or itself
--        where they lead in a circle; contact_id is holder_id while that one is live
-- rule:  HS-01, one per entry of a history that is a moment; a merger joins histories, so an entry that both have is
--        the one of the contact that was merged away
-- incremental: holder_id
with

entries as (

    select
        contact_id,
        account,
        'sales_email_opened' as activity_type,
        unnest(sales_opens).value as told
    from int_contacts
    where len(sales_opens) > 0
    union all
    select
        contact_id,
        account,
        'sales_email_clicked' as activity_type,
        unnest(sales_clicks).value as told
    from int_contacts
    where len(sales_clicks) > 0
    union all
    select
        contact_id,
        account,
        'sales_content_viewed' as activity_type,
        unnest(content_views).value as told
    from int_contacts
    where len(content_views) > 0

),

dated as (

    select
        entries.contact_id,
        entries.account,
        entries.activity_type,
        coalesce(
            try_cast(entries.told as timestamptz),
            case
                when try_cast(entries.told as bigint) between 0 and 7258118400000
                    then timezone('UTC', make_timestamp(cast(entries.told as bigint) * 1000))
            end
        ) as happened_at,
        coalesce(merged.survivor_id, entries.contact_id) as holder_id
    from entries
    left join int_contact_survivors as merged
        on entries.contact_id = merged.contact_id

),

joined as (

    select
        holder_id,
        activity_type,
        happened_at,
        arg_min(contact_id, (contact_id = holder_id, contact_id)) as told_id,
        arg_min(account, (contact_id = holder_id, contact_id)) as account
    from dated
    where happened_at between '1900-01-01 00:00:00+00' and '2200-01-01 00:00:00+00'
    group by holder_id, activity_type, happened_at

),

named as (

    select
        joined.holder_id,
        joined.activity_type || ':' || joined.account || ':' || joined.told_id || ':' || epoch_us(joined.happened_at)
            as activity_id,
        joined.activity_type,
        joined.account as portal_id,
        joined.told_id,
        joined.happened_at,
        live.contact_id
    from joined
    left join int_contacts as live
        on joined.holder_id = live.contact_id and live.is_live

)

select
    *,
    cast('0x' || left(md5(activity_id), 15) as bigint) as activity_key
from named
