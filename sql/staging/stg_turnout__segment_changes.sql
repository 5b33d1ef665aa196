-- Who entered which segment, or left it?
-- grain: one row per event of turnout/segment_changes
-- units: number counts the changes of one contact in one segment: after an odd one the contact is in
-- rule:  EV-10
-- needs: segments
with

parsed as (

    select
        event_id,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "segment": "VARCHAR",
                "contact_id": "BIGINT",
                "change": "VARCHAR",
                "number": "BIGINT"
            }'
        ) as told
    from raw_turnout__segment_changes

),

named as (

    select
        event_id,
        occurred_at,
        observed_at,
        told.segment as segment,
        told.contact_id as contact_id,
        told.change as change,
        told.number as number
    from parsed

)

select * from named
