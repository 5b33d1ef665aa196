-- Which statuses can members of programs have, by channel?
-- grain: one row per event of marketo/channels
-- units: statuses are in the channel's order; a member's step never goes down
-- rule:  ZM-01, ZM-05
with

parsed as (

    select
        event_id,
        account,
        kind,
        occurred_at,
        observed_at,
        key as channel_key,
        from_json(
            payload,
            '{
                "name": "VARCHAR",
                "applicableProgramType": "VARCHAR",
                "progressionStatuses": [{"name": "VARCHAR", "step": "INTEGER", "success": "BOOLEAN"}]
            }'
        ) as told
    from raw_marketo__channels

),

named as (

    select
        event_id,
        account,
        channel_key,
        kind,
        occurred_at,
        observed_at,
        coalesce(told.name, '') as channel,
        lower(coalesce(told.applicableprogramtype, '')) as program_type,
        coalesce(told.progressionstatuses, []) as statuses
    from parsed

)

select * from named
