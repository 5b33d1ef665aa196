-- Who should be in which list of HubSpot, and who no more?
-- grain: one row per object_key: segment and contact, of who is in or was told to be
-- rule:  EV-10; of a segment that failed nobody comes and nobody goes
-- needs: segments delivered to hubspot
-- destination: hubspot
-- object: list_member
-- context: list_name, is_emptied
-- delete when: is_gone
with

told as (

    select
        split_part(object_key, '|', 1) as segment,
        cast(split_part(object_key, '|', 2) as bigint) as contact_id,
        true as is_told
    from int_published
    where destination = 'hubspot' and object = 'list_member'

),

everybody as (

    select
        segment,
        contact_id,
        segment_members.contact_id is not null as is_in,
        coalesce(told.is_told, false) as is_told
    from segment_members
    full join told using (segment, contact_id)

),

joined as (

    select
        everybody.segment || '|' || everybody.contact_id as object_key,
        cast(everybody.contact_id as varchar) as vendor_id,
        case
            when segments.state <> 'ok'
                then 'segment_failed'
            when everybody.is_in and (int_contacts.contact_id is null or not int_contacts.is_live)
                then 'contact_gone'
        end as reason,
        'Turnout: ' || segments.name as list_name,
        case when segments.member_count = 0 then 'true' else 'false' end as is_emptied,
        not everybody.is_in as is_gone,
        'true' as "is_member"
    from everybody
    inner join segments
        on everybody.segment = segments.segment
    left join int_contacts
        on everybody.contact_id = int_contacts.contact_id
    where list_contains(segments.deliver, 'hubspot')

)

select * from joined
