-- From when to when was each contact in each segment?
-- grain: one row per segment, contact_id and stay
-- units: left_at is null for who is still in; UTC
-- rule:  EV-10; up to the moment that is asked for
-- needs: segments
with

changes as (

    select
        segment,
        contact_id,
        (number + 1) // 2 as stay,
        change,
        occurred_at
    from stg_turnout__segment_changes
    where occurred_at <= getvariable('as_of')

),

stays as (

    select
        segment,
        contact_id,
        stay,
        min(case when change = 'entered' then occurred_at end) as entered_at,
        min(case when change = 'left' then occurred_at end) as left_at
    from changes
    group by segment, contact_id, stay

)

select * from stays
