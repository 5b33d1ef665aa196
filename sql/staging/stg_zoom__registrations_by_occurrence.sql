-- Which occurrences did a registrant choose, where the webinar lets them choose?
-- grain: one row per event of zoom/registrations_by_occurrence
-- units: registrant_key is the first 60 bits of an md5
with

named as (

    select
        event_id,
        account,
        try_cast(split_part(scope, '|', 1) as bigint) as webinar_id,
        split_part(scope, '|', 2) as occurrence_id,
        cast('0x' || left(md5(split_part(key, '|', 3)), 15) as bigint) as registrant_key,
        kind,
        occurred_at,
        observed_at
    from raw_zoom__registrations_by_occurrence

)

select * from named
