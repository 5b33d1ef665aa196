-- What did we make in HubSpot of what came from Salesforce or Zoom, and what did we last tell it?
-- grain: one row per object_key that stands there by our doing, our key of its record
-- units: hubspot_id is HubSpot's object id, as text; told is the JSON of property to text, associations apart; told_at
--        is UTC; at any as_of, all that was told
-- rule:  HS-14, HS-18
-- incremental: object_key
with

held as (

    select
        object_key,
        object as activity_kind,
        max(published_at) as told_at,
        cast(
            to_json(
                map_from_entries(
                    list(struct_pack(key := field_name, value := field_value) order by field_name)
                    filter (where not starts_with(field_name, 'associated_'))
                )
            ) as varchar
        ) as told,
        max(case when field_name = 'associated_contacts' then field_value end) as contact_ids,
        max(case when field_name = 'associated_companies' then field_value end) as company_ids,
        max(case when field_name = 'associated_deals' then field_value end) as deal_ids
    from int_published
    where destination = 'hubspot' and left(object_key, 3) in ('sf:', 'zm:', 'zr:')
    group by object_key, object

),

made as (

    select
        object_key,
        arg_max(vendor_id, (occurred_at, observed_at, event_id)) as hubspot_id
    from stg_turnout__outcomes
    where
        destination = 'hubspot'
        and operation = 'create'
        and status = 'published'
        and left(object_key, 3) in ('sf:', 'zm:', 'zr:')
    group by object_key

)

select
    held.object_key,
    held.activity_kind,
    made.hubspot_id,
    held.told_at,
    held.told,
    held.contact_ids,
    held.company_ids,
    held.deal_ids
from held
inner join made using (object_key)
