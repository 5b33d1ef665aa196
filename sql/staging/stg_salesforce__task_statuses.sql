-- Which statuses can a Task have, and which of them close it?
-- grain: one row per event of salesforce/task_statuses
-- rule:  HS-01, a Task goes out in the org's default closed status
with

parsed as (

    select
        event_id,
        account,
        key as status_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{
                "ApiName": "VARCHAR",
                "MasterLabel": "VARCHAR",
                "IsClosed": "BOOLEAN",
                "IsDefault": "BOOLEAN",
                "SortOrder": "BIGINT"
            }'
        ) as told
    from raw_salesforce__task_statuses

),

named as (

    select
        event_id,
        account,
        status_id,
        kind,
        occurred_at,
        observed_at,
        coalesce(told.apiname, told.masterlabel) as status,
        coalesce(told.isclosed, false) as is_closed,
        coalesce(told.isdefault, false) as is_default,
        coalesce(told.sortorder, 0) as sort_order
    from parsed

)

select * from named
