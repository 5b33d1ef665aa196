-- Which programs does Marketo have, and of which channel is each?
-- grain: one row per event of marketo/programs
-- units: start_at, end_at are UTC, null where the program bears no dates
-- rule:  ZM-01, ZM-11
with

parsed as (

    select
        event_id,
        account,
        try_cast(key as bigint) as program_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "name": "VARCHAR",
                "description": "VARCHAR",
                "type": "VARCHAR",
                "channel": "VARCHAR",
                "tags": [{"tagType": "VARCHAR", "tagValue": "VARCHAR"}],
                "startDate": "VARCHAR",
                "endDate": "VARCHAR"
            }'
        ) as told
    from raw_marketo__programs

),

named as (

    select
        event_id,
        account,
        program_id,
        kind,
        occurred_at,
        observed_at,
        coalesce(told.name, '') as program,
        coalesce(told.description, '') as description,
        lower(coalesce(told.type, '')) as program_type,
        coalesce(told.channel, '') as channel,
        coalesce(told.tags, []) as tags,
        try_cast(replace(told.startdate, 'Z+0000', 'Z') as timestamptz) as start_at,
        try_cast(replace(told.enddate, 'Z+0000', 'Z') as timestamptz) as end_at
    from parsed

)

select * from named
