-- With which contacts was each call, sales email, meeting, note and task, as they are now?
-- grain: one row per activity_key and told_id, the contact that HubSpot named
-- units: kept_id is what became of it after mergers, null where they lead in a circle; contact_id is null where that
--        one is archived, deleted or unknown
-- rule:  HS-08, HS-09
-- incremental: activity_key
with

named as (

    select
        activity_key,
        unnest(contact_ids) as told_id
    from int_engagements
    where len(contact_ids) > 0

),

kept as (

    select
        named.activity_key,
        named.told_id,
        case
            when merged.contact_id is null then named.told_id
            else merged.survivor_id
        end as kept_id
    from named
    left join int_contact_survivors as merged
        on named.told_id = merged.contact_id

),

placed as (

    select
        kept.activity_key,
        kept.told_id,
        kept.kept_id,
        live.contact_id
    from kept
    left join int_contacts as live
        on kept.kept_id = live.contact_id and live.is_live

)

select * from placed
