-- Which sessions ran, whoever told of them?
-- grain: one row per session_key that ran
-- units: times are UTC; end_at is null while the session runs
-- rule:  HZ-20; a session read from a CSV export that Zoom's own report holds too counts once, as Zoom tells it
with

told as (

    select
        event_id,
        account,
        session_uuid,
        session_key,
        webinar_id,
        kind,
        occurred_at,
        observed_at,
        topic,
        host_email,
        start_at,
        end_at,
        is_imported,
        1 as preference
    from stg_zoom__instances
    union all
    select
        event_id,
        account,
        session_uuid,
        session_key,
        webinar_id,
        kind,
        occurred_at,
        observed_at,
        topic,
        host_email,
        start_at,
        end_at,
        is_imported,
        2 as preference
    from stg_zoom__session_reports

),

ordered as (

    select
        *,
        row_number() over (
            partition by session_key
            order by
                preference,
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from told
    where kind = 'seen' and webinar_id is not null and start_at is not null

),

latest as (

    select * from ordered
    where nearness = 1

),

twice as (

    select distinct imported.session_key
    from latest as imported
    inner join latest as native
        on
            imported.webinar_id = native.webinar_id
            and imported.is_imported
            and not native.is_imported
            and imported.start_at < coalesce(native.end_at, native.start_at)
            and native.start_at < coalesce(imported.end_at, imported.start_at)

),

sessions as (

    select
        account,
        session_uuid,
        session_key,
        webinar_id,
        topic,
        host_email,
        start_at,
        end_at,
        is_imported
    from latest
    where session_key not in (select session_key from twice)

)

select * from sessions
