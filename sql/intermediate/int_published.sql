-- What do the vendors hold, of what we tell them?
-- grain: one row per destination, object, object_key and field_name ever confirmed, or inherited in a merge; none of a
--        record that we deleted since
-- units: field_value is the text that was sent, null where the field was cleared; at any as_of, all that was told
-- rule:  EV-06; only a confirmed outcome moves it, or HubSpot, where it merges contacts: the one that remains holds
--        what the other held
-- incremental: destination, object, object_key
with

confirmed as (

    select
        destination,
        object,
        object_key,
        operation,
        fields,
        unnest(json_keys(fields)) as field_name,
        occurred_at,
        observed_at,
        event_id
    from stg_turnout__outcomes
    where status = 'published' and operation in ('create', 'update')

),

ordered as (

    select
        destination,
        object,
        object_key,
        field_name,
        fields ->> ('$."' || field_name || '"') as field_value,
        occurred_at,
        observed_at,
        row_number() over (
            partition by destination, object, object_key, field_name
            order by occurred_at desc, observed_at desc, event_id desc
        ) as recency
    from confirmed

),

deleted as (

    select
        destination,
        object,
        object_key,
        max(occurred_at) as occurred_at,
        max(observed_at) as observed_at
    from stg_turnout__outcomes
    where status = 'published' and operation = 'delete'
    group by destination, object, object_key

),

told as (

    select
        ordered.destination,
        ordered.object,
        ordered.object_key,
        ordered.field_name,
        ordered.field_value,
        ordered.occurred_at,
        ordered.observed_at
    from ordered
    left join deleted using (destination, object, object_key)
    where
        ordered.recency = 1
        and (
            deleted.object_key is null
            or ordered.occurred_at > deleted.occurred_at
            or (ordered.occurred_at = deleted.occurred_at and ordered.observed_at > deleted.observed_at)
        )

),

survivors as (

    select
        contact_id,
        merged_properties,
        occurred_at,
        observed_at,
        row_number() over (
            partition by contact_id
            order by occurred_at desc, observed_at desc, event_id desc
        ) as recency
    from stg_hubspot__contacts
    where kind = 'seen' and merged_ids <> ''

),

properties as (

    select
        contact_id,
        merged_properties,
        unnest(json_keys(merged_properties)) as field_name,
        occurred_at,
        observed_at
    from survivors
    where recency = 1

),

inherited as (

    select
        'hubspot' as destination,
        'contact' as object,
        cast(contact_id as varchar) as object_key,
        field_name,
        merged_properties ->> ('$."' || field_name || '"') as field_value,
        occurred_at,
        observed_at
    from properties
    where field_name like 'turnout\_%' escape '\'

),

compared as (

    select
        destination,
        object,
        object_key,
        field_name,
        told.field_value as told_value,
        inherited.field_value as inherited_value,
        told.object_key is not null as is_told,
        inherited.object_key is not null
        and (
            told.object_key is null
            or inherited.occurred_at > told.occurred_at
            or (inherited.occurred_at = told.occurred_at and inherited.observed_at > told.observed_at)
        )
        and coalesce(
            try_cast(inherited.field_value as decimal(38, 6)) <> try_cast(told.field_value as decimal(38, 6)),
            try_cast(inherited.field_value as timestamptz) <> try_cast(told.field_value as timestamptz),
            coalesce(inherited.field_value, '') <> coalesce(told.field_value, '')
        ) as is_inherited,
        greatest(told.occurred_at, inherited.occurred_at) as published_at
    from told
    full join inherited using (destination, object, object_key, field_name)

),

valued as (

    select
        destination,
        object,
        object_key,
        field_name,
        case when is_inherited then inherited_value else told_value end as field_value,
        published_at
    from compared
    where is_told or is_inherited

)

select * from valued
