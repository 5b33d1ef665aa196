-- Which property of HubSpot takes which field of Salesforce?
-- grain: one row per activity_kind and property_name
-- units: field_name is null where fixed_text stands for it; property_type is HubSpot's word, or owner for whoever owns
--        the record
-- rule:  HS-15, HS-16; HubSpot makes no activity without hs_timestamp, so that one is always there
with

mapped as (

    select
        activity_kind,
        fields,
        unnest(json_keys(fields)) as property_name
    from int_inbound_switches
    where is_on

),

named as (

    select
        activity_kind,
        property_name,
        fields ->> ('$."' || property_name || '"') as source,
        'mapped' as origin
    from mapped
    union all
    select
        activity_kind,
        'hs_timestamp' as property_name,
        'CreatedDate' as source,
        'needed' as origin
    from int_inbound_switches
    where is_on
    union all
    select
        activity_kind,
        'hubspot_owner_id' as property_name,
        'OwnerId' as source,
        'owner' as origin
    from int_inbound_switches
    where is_on and is_owner_carried

),

chosen as (

    select
        *,
        row_number() over (
            partition by activity_kind, property_name
            order by origin = 'owner' desc, origin = 'mapped' desc
        ) as place
    from named

),

definitions as (

    select
        activity_kind,
        property_name,
        arg_max(property_type, (occurred_at, observed_at, event_id)) as property_type
    from stg_hubspot__activity_properties
    where kind = 'seen'
    group by activity_kind, property_name

)

select
    chosen.activity_kind,
    chosen.property_name,
    case when not starts_with(chosen.source, '=') then chosen.source end as field_name,
    case when starts_with(chosen.source, '=') then substr(chosen.source, 2) end as fixed_text,
    case
        when chosen.origin = 'owner'
            then 'owner'
        when chosen.property_name = 'hs_timestamp'
            then 'datetime'
        else coalesce(definitions.property_type, 'string')
    end as property_type
from chosen
left join definitions
    on chosen.activity_kind = definitions.activity_kind and chosen.property_name = definitions.property_name
where chosen.place = 1
