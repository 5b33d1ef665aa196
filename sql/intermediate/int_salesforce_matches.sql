-- Which record of Salesforce is which HubSpot contact?
-- grain: one row per contact_id of a live contact
-- units: record_id is the Contact or Lead, null where there is none, with the reason; synced_at is the contact sync
--        time, UTC: the later of the contact's own creation and the moment Salesforce first knew the person
-- rule:  HS-03; by the ids that the contact bears, else by its primary address, a Contact before a Lead
with

named as (

    select
        contact_id,
        salesforce_contact_id as told_id,
        1 as place
    from int_contacts
    where is_live and salesforce_contact_id <> ''
    union all
    select
        contact_id,
        salesforce_lead_id as told_id,
        2 as place
    from int_contacts
    where is_live and salesforce_lead_id <> ''

),

shortened as (

    select
        record_id,
        left(record_id, 15) as short_id
    from int_salesforce_people

),

led as (

    select
        named.contact_id,
        named.place,
        coalesce(merged.survivor_id, shortened.record_id) as record_id
    from named
    inner join shortened
        on left(named.told_id, 15) = shortened.short_id
    left join int_salesforce_survivors as merged
        on shortened.record_id = merged.record_id
    where merged.record_id is null or merged.survivor_id is not null

),

by_id as (

    select
        led.contact_id,
        arg_min(standing.record_id, led.place) as record_id
    from led
    inner join int_salesforce_standings as standing
        on led.record_id = standing.record_id
    where not standing.is_converted
    group by led.contact_id

),

addresses as (

    select
        email_key,
        count(*) filter (where record_kind = 'contact') as contact_count,
        count(*) filter (where record_kind = 'lead') as lead_count,
        min(case when record_kind = 'contact' then record_id end) as contact_record_id,
        min(case when record_kind = 'lead' then record_id end) as lead_record_id
    from int_salesforce_standings
    where email_key is not null and not is_converted
    group by email_key

),

found as (

    select
        contacts.contact_id,
        contacts.created_at,
        case
            when by_id.record_id is not null
                then by_id.record_id
            when addresses.contact_count = 1
                then addresses.contact_record_id
            when addresses.contact_count = 0 and addresses.lead_count = 1
                then addresses.lead_record_id
        end as record_id,
        by_id.record_id is null
        and (addresses.contact_count > 1 or (addresses.contact_count = 0 and addresses.lead_count > 1))
            as is_ambiguous
    from int_contacts as contacts
    left join by_id using (contact_id)
    left join addresses using (email_key)
    where contacts.is_live

)

select
    found.contact_id,
    case when found.created_at is not null then found.record_id end as record_id,
    standing.record_kind,
    standing.account_id,
    case when found.created_at is not null then greatest(found.created_at, standing.known_since) end as synced_at,
    found.created_at,
    case
        when found.created_at is null
            then 'contact_not_read'
        when found.record_id is not null
            then null
        when found.is_ambiguous
            then 'ambiguous_match'
        else 'not_matched'
    end as reason
from found
left join int_salesforce_standings as standing
    on found.record_id = standing.record_id
