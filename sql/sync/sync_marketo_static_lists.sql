-- Which static lists should Marketo have, for the segments that are delivered to it?
-- grain: one row per object_key: the segment
-- rule:  EV-10
-- needs: segments delivered to marketo
-- destination: marketo
-- object: static_list
with

delivered as (

    select
        segment as object_key,
        cast(null as varchar) as vendor_id,
        case when state <> 'ok' then 'segment_failed: ' || reason end as reason,
        'Turnout: ' || name as "name"
    from segments
    where list_contains(deliver, 'marketo')

)

select * from delivered
