-- What does the registration form of each webinar ask, and what of it must be answered?
-- grain: one row per event of zoom/questions
-- units: fields are standard questions by Zoom's name, titles custom ones in their own words
-- rule:  HZ-33
with

parsed as (

    select
        event_id,
        account,
        try_cast(key as bigint) as webinar_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "questions": [{"field_name": "VARCHAR", "required": "BOOLEAN"}],
                "custom_questions": [{"title": "VARCHAR", "required": "BOOLEAN"}]
            }'
        ) as told
    from raw_zoom__questions

),

listed as (

    select
        event_id,
        account,
        webinar_id,
        kind,
        occurred_at,
        observed_at,
        list_filter(coalesce(told.questions, []), lambda q: q.field_name <> '') as standard,
        list_filter(coalesce(told.custom_questions, []), lambda q: q.title <> '') as custom
    from parsed

)

select
    event_id,
    account,
    webinar_id,
    kind,
    occurred_at,
    observed_at,
    list_transform(standard, lambda q: q.field_name) as fields,
    list_transform(list_filter(standard, lambda q: q.required), lambda q: q.field_name) as required_fields,
    list_transform(custom, lambda q: q.title) as titles,
    list_transform(list_filter(custom, lambda q: q.required), lambda q: q.title) as required_titles
from listed
