-- Which accounts does Salesforce have?
-- grain: one row per event of salesforce/accounts
-- units: record_id has 18 characters; a kind of absent is a record that was erased for good
-- rule:  HS-19
with

parsed as (

    select
        event_id,
        account,
        key as record_id,
        kind,
        occurred_at,
        observed_at,
        from_json(payload, '{"IsDeleted": "BOOLEAN"}') as told
    from raw_salesforce__accounts

),

named as (

    select
        event_id,
        account,
        record_id,
        kind,
        occurred_at,
        observed_at,
        coalesce(told.isdeleted, false) as is_deleted
    from parsed

)

select * from named
