-- What do the vendors hold, as far as we told them?
-- grain: one row per destination, object, object_key and field_name ever confirmed
-- units: field_value is the text that was sent, null where the field was cleared; at any as_of, all that was told
-- rule:  EV-06; only a confirmed outcome moves it
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

valued as (

    select
        destination,
        object,
        object_key,
        field_name,
        arg_max(fields ->> ('$."' || field_name || '"'), (occurred_at, observed_at, event_id)) as field_value,
        max(occurred_at) as published_at
    from confirmed
    group by destination, object, object_key, field_name

)

select * from valued
