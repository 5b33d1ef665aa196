-- What should HubSpot hold of each activity of Salesforce, and why not?
-- grain: one row per record_id of a task, an email, a call or a meeting of Salesforce
-- units: properties is a JSON of HubSpot property to text; ids of associated records stand in order, with ; between
--        them; reason is null for what is published; is_contested is true where both sides were changed since they
--        agreed, and Salesforce is preferred
-- rule:  HS-12 to HS-19
-- incremental: record_id
with

people as (

    select
        record_id,
        string_agg(cast(contact_id as varchar), ';' order by contact_id) as contact_ids
    from int_salesforce_matches
    where record_id is not null
    group by record_id

),

things as (

    select
        what_id,
        string_agg(cast(hubspot_id as varchar), ';' order by hubspot_id)
        filter (where hubspot_kind = 'company') as company_ids,
        string_agg(cast(hubspot_id as varchar), ';' order by hubspot_id)
        filter (where hubspot_kind = 'deal') as deal_ids
    from int_salesforce_whats
    group by what_id

),

candidates as (

    select
        activities.record_id,
        activities.object_key,
        activities.activity_kind,
        activities.owner_id,
        activities.created_at,
        activities.is_gone,
        activities.fields,
        people.contact_ids,
        things.company_ids,
        things.deal_ids,
        told.hubspot_id,
        told.object_key is not null as is_told,
        told.told,
        case when held.changed_at >= told.told_at then held.held end as held,
        coalesce(people.contact_ids, '') <> coalesce(told.contact_ids, '')
        or coalesce(things.company_ids, '') <> coalesce(told.company_ids, '')
        or coalesce(things.deal_ids, '') <> coalesce(told.deal_ids, '') as is_moved,
        switches.is_hubspot_preferred,
        switches.portal_time_zone,
        case
            when not switches.is_on
                then 'switch_off'
            when activities.turnout_id is not null or ours.task_id is not null
                then 'came_from_hubspot'
            when activities.is_gone and (told.object_key is null or not switches.is_deletion_carried)
                then 'deleted_in_salesforce'
            when held.is_deleted and held.changed_at >= told.told_at
                then 'deleted_in_hubspot'
            when activities.is_gone
                then null
            when not coalesce(greatest(activities.created_at, activities.modified_at) >= switches.on_since, false)
                then 'before_switch'
            when told.object_key is null and people.contact_ids is null
                then 'not_in_hubspot'
        end as reason
    from int_inbound_activities as activities
    inner join int_inbound_switches as switches
        on activities.activity_kind = switches.activity_kind
    left join int_published_tasks as ours
        on activities.record_id = ours.task_id
    left join int_salesforce_survivors as merged
        on activities.who_id = merged.record_id
    left join people
        on coalesce(merged.survivor_id, activities.who_id) = people.record_id
    left join things
        on activities.what_id = things.what_id
    left join int_inbound_told as told
        on activities.object_key = told.object_key
    left join int_inbound_held as held
        on told.activity_kind = held.activity_kind and told.hubspot_id = held.hubspot_id

),

named as (

    select
        candidates.record_id,
        candidates.portal_time_zone,
        candidates.created_at,
        fields.property_name,
        fields.property_type,
        fields.field_name,
        fields.fixed_text,
        owners.hubspot_owner_id,
        candidates.fields ->> ('$."' || fields.field_name || '"') as field_value,
        json_exists(candidates.told, '$."' || fields.property_name || '"') as is_told,
        candidates.told ->> ('$."' || fields.property_name || '"') as told_value,
        candidates.held is not null as is_held,
        candidates.held ->> ('$."' || fields.property_name || '"') as held_value
    from candidates
    inner join int_inbound_fields as fields
        on candidates.activity_kind = fields.activity_kind
    left join int_inbound_owners as owners
        on candidates.owner_id = owners.user_id
    where
        candidates.reason is null
        and not candidates.is_gone
        and (fields.field_name is null or json_exists(candidates.fields, '$."' || fields.field_name || '"'))

),

timed as (

    select
        *,
        case
            when property_type <> 'datetime'
                then null
            when length(field_value) = 10
                then timezone(portal_time_zone, try_cast(field_value as timestamp))
            else try_cast(field_value as timestamptz)
        end as field_at
    from named

),

valued as (

    select
        record_id,
        property_name,
        is_told,
        told_value,
        is_held,
        held_value,
        nullif(
            case
                when fixed_text is not null
                    then fixed_text
                when property_type = 'owner'
                    then hubspot_owner_id
                when property_name = 'hs_timestamp'
                    then strftime(timezone('UTC', coalesce(field_at, created_at)), '%Y-%m-%dT%H:%M:%S.%gZ')
                when property_type = 'datetime'
                    then strftime(timezone('UTC', field_at), '%Y-%m-%dT%H:%M:%S.%gZ')
                when property_type = 'date'
                    then left(field_value, 10)
                when property_name = 'hs_task_status' and field_name = 'IsClosed'
                    then case field_value when 'true' then 'COMPLETED' else 'NOT_STARTED' end
                when property_name = 'hs_task_priority' and field_name = 'Priority'
                    then
                        case lower(field_value)
                            when 'high' then 'HIGH'
                            when 'normal' then 'MEDIUM'
                            when 'low' then 'LOW'
                        end
                when property_name = 'hs_call_duration' and field_name = 'CallDurationInSeconds'
                    then cast(cast(try_cast(field_value as double) * 1000 as bigint) as varchar)
                when property_name = 'hs_call_direction' and field_name = 'CallType'
                    then
                        case field_value
                            when 'Inbound' then 'INBOUND'
                            when 'Outbound' then 'OUTBOUND'
                        end
                else field_value
            end,
            ''
        ) as property_value
    from timed

),

plain as (

    select
        *,
        trim(regexp_replace(coalesce(told_value, ''), '(<[^>]*>|\s)+', ' ', 'g')) as told_text,
        trim(regexp_replace(coalesce(held_value, ''), '(<[^>]*>|\s)+', ' ', 'g')) as held_text
    from valued

),

compared as (

    select
        record_id,
        cast(
            to_json(
                map_from_entries(
                    list(struct_pack(key := property_name, value := property_value) order by property_name)
                )
            ) as varchar
        ) as properties,
        bool_or(property_value is distinct from nullif(told_value, '')) as is_different,
        bool_or(is_told and property_value is distinct from nullif(told_value, '')) as is_changed_in_salesforce,
        bool_or(
            is_told
            and is_held
            and coalesce(
                try_cast(held_value as decimal(38, 6)) <> try_cast(told_value as decimal(38, 6)),
                try_cast(held_value as timestamptz) <> try_cast(told_value as timestamptz),
                held_text <> told_text
            )
        ) as is_changed_in_hubspot
    from plain
    group by record_id

),

settled as (

    select
        candidates.*,
        compared.properties,
        coalesce(compared.is_changed_in_salesforce and compared.is_changed_in_hubspot, false) as is_conflict,
        coalesce(compared.is_changed_in_hubspot and not compared.is_different, false) as is_hubspot_newer
    from candidates
    left join compared using (record_id)

)

select
    record_id,
    object_key,
    activity_kind,
    hubspot_id as vendor_id,
    case
        when reason is not null
            then reason
        when is_conflict and is_hubspot_preferred and not is_moved
            then 'hubspot_preferred'
        when is_hubspot_newer and not is_moved
            then 'changed_in_hubspot'
    end as reason,
    is_gone and reason is null as is_deleted,
    is_conflict and not is_hubspot_preferred as is_contested,
    case when is_conflict and is_hubspot_preferred then '{}' else coalesce(properties, '{}') end as properties,
    contact_ids as associated_contacts,
    company_ids as associated_companies,
    deal_ids as associated_deals
from settled
