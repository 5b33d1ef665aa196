-- Who should be in which campaign of Salesforce, and who no more?
-- grain: one row per object_key: segment and Contact or Lead, of who is in or was told to be; of who matches none,
--        segment and contact_id
-- rule:  EV-10, HS-03; of a segment that failed nobody comes and nobody goes
-- needs: segments delivered to salesforce
-- destination: salesforce
-- object: campaign_member
-- context: list_name, is_emptied
-- delete when: is_gone
with

matched as (

    select
        segment_members.segment,
        coalesce(int_salesforce_matches.record_id, cast(segment_members.contact_id as varchar)) as record_id,
        min(case
            when int_salesforce_matches.record_id is null
                then coalesce(int_salesforce_matches.reason, 'contact_gone')
        end) as reason
    from segment_members
    left join int_salesforce_matches
        on segment_members.contact_id = int_salesforce_matches.contact_id
    group by
        segment_members.segment,
        coalesce(int_salesforce_matches.record_id, cast(segment_members.contact_id as varchar))

),

told as (

    select
        split_part(object_key, '|', 1) as segment,
        split_part(object_key, '|', 2) as record_id
    from int_published
    where destination = 'salesforce' and object = 'campaign_member'

),

everybody as (

    select
        segment,
        record_id,
        matched.reason,
        matched.record_id is not null as is_in
    from matched
    full join told using (segment, record_id)

),

joined as (

    select
        everybody.segment || '|' || everybody.record_id as object_key,
        everybody.record_id as vendor_id,
        case
            when segments.state <> 'ok'
                then 'segment_failed'
            else everybody.reason
        end as reason,
        left('Turnout: ' || segments.name, 80) as list_name,
        case when segments.member_count = 0 then 'true' else 'false' end as is_emptied,
        not everybody.is_in as is_gone,
        'true' as "is_member"
    from everybody
    inner join segments
        on everybody.segment = segments.segment
    where list_contains(segments.deliver, 'salesforce')

)

select * from joined
