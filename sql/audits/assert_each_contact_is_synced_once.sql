-- A key of what goes to HubSpot stands for one record.
-- grain: one row per object_key that stands several times
with

keys as (

    select
        'contact' as object,
        object_key
    from sync_hubspot_contacts where reason is null
    union all
    select
        'marketing_event' as object,
        object_key
    from sync_hubspot_marketing_events
    union all
    select
        'attendance' as object,
        object_key
    from sync_hubspot_attendances
    union all
    select
        'completion' as object,
        object_key
    from sync_hubspot_completions

),

twice as (

    select
        object,
        object_key,
        count(*) as row_count
    from keys
    group by object, object_key
    having count(*) > 1

)

select * from twice
