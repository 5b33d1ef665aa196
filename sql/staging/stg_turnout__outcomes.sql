-- What did we send, and what did the vendor answer?
-- grain: one row per event of turnout/outcomes, one record sent
-- units: undone is the JSON of the run that this took something back of, and of the fields as that run had set them;
--        null for all that is no undo
-- rule:  EV-06, EV-08
with

parsed as (

    select
        event_id,
        occurred_at,
        observed_at,
        key as outcome_id,
        from_json(
            payload,
            '{
                "run": "VARCHAR",
                "plan": "VARCHAR",
                "destination": "VARCHAR",
                "object": "VARCHAR",
                "operation": "VARCHAR",
                "key": "VARCHAR",
                "planned_key": "VARCHAR",
                "vendor_id": "VARCHAR",
                "email": "VARCHAR",
                "status": "VARCHAR",
                "reason": "VARCHAR",
                "payload_hash": "VARCHAR",
                "settings": "VARCHAR",
                "answered": {"join_url": "VARCHAR"}
            }'
        ) as told,
        cast(coalesce(payload -> '$.fields', '{}') as varchar) as fields,
        cast(payload -> '$.undone' as varchar) as undone
    from raw_turnout__outcomes

),

named as (

    select
        event_id,
        occurred_at,
        observed_at,
        outcome_id,
        told.run as run,
        told.plan as plan,
        told.destination as destination,
        told.object as object,
        told.operation as operation,
        told.key as object_key,
        told.planned_key as planned_key,
        told.vendor_id as vendor_id,
        coalesce(told.email, '') as email,
        told.status as status,
        told.reason as reason,
        told.payload_hash as payload_hash,
        told.settings as settings,
        told.answered.join_url as join_url,
        fields,
        undone
    from parsed

)

select * from named
