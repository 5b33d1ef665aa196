-- Who should be in which static list of Marketo, and who no more?
-- grain: one row per object_key: segment and contact, of who is in or was told to be
-- units: address is by whom the lead is found: of who goes, the one that was told
-- rule:  EV-10; of a segment that failed nobody comes and nobody goes
-- needs: segments delivered to marketo
-- destination: marketo
-- object: static_list_member
-- context: list_name, is_emptied, lead_address
-- delete when: is_gone
with

told as (

    select
        split_part(object_key, '|', 1) as segment,
        cast(split_part(object_key, '|', 2) as bigint) as contact_id,
        field_value as told_address
    from int_published
    where destination = 'marketo' and object = 'static_list_member' and field_name = 'address'

),

everybody as (

    select
        segment,
        contact_id,
        segment_members.contact_id is not null as is_in,
        told.told_address
    from segment_members
    full join told using (segment, contact_id)

),

joined as (

    select
        everybody.segment || '|' || everybody.contact_id as object_key,
        cast(null as varchar) as vendor_id,
        case
            when segments.state <> 'ok'
                then 'segment_failed'
            when everybody.is_in and (int_contacts.contact_id is null or not int_contacts.is_live)
                then 'contact_gone'
            when everybody.is_in and coalesce(int_contacts.email, '') = ''
                then 'no_address'
        end as reason,
        'Turnout: ' || segments.name as list_name,
        case when segments.member_count = 0 then 'true' else 'false' end as is_emptied,
        case when everybody.is_in then int_contacts.email else everybody.told_address end as lead_address,
        not everybody.is_in as is_gone,
        int_contacts.email as "address"
    from everybody
    inner join segments
        on everybody.segment = segments.segment
    left join int_contacts
        on everybody.contact_id = int_contacts.contact_id
    where list_contains(segments.deliver, 'marketo')

)

select * from joined
