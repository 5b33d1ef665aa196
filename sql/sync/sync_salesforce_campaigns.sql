-- Which campaigns should Salesforce have, for the segments that are delivered to it?
-- grain: one row per object_key: the segment
-- units: a campaign's name has 80 characters
-- rule:  EV-10
-- needs: segments delivered to salesforce
-- destination: salesforce
-- object: campaign
with

delivered as (

    select
        segment as object_key,
        cast(null as varchar) as vendor_id,
        case when state <> 'ok' then 'segment_failed: ' || reason end as reason,
        left('Turnout: ' || name, 80) as "Name"
    from segments
    where list_contains(deliver, 'salesforce')

)

select * from delivered
