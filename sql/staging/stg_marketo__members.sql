-- Who is in which program, with which status?
-- grain: one row per event of marketo/members; a kind of absent is a lead that was taken out of the program
-- units: member_since_at is UTC
-- rule:  ZM-02, ZM-05
with

parsed as (

    select
        event_id,
        account,
        try_cast(scope as bigint) as program_id,
        try_cast(split_part(key, '-', 2) as bigint) as lead_id,
        kind,
        occurred_at,
        observed_at,
        from_json(
            payload,
            '{"statusName": "VARCHAR", "membershipDate": "VARCHAR", "webinarUrl": "VARCHAR"}'
        ) as told
    from raw_marketo__members

),

named as (

    select
        event_id,
        account,
        program_id,
        lead_id,
        kind,
        occurred_at,
        observed_at,
        coalesce(told.statusname, '') as status,
        try_cast(told.membershipdate as timestamptz) as member_since_at,
        coalesce(told.webinarurl, '') as webinar_url
    from parsed

)

select * from named
