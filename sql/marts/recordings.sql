-- Which recordings are there, and of which webinar or meeting?
-- grain: one row per session with a recording in scope that is complete
-- units: start_at is UTC; file_count is files of all kinds
-- rule:  HZ-03, HZ-26
with

in_scope as (

    select
        webinar_id,
        occurrence_id,
        topic,
        start_at,
        share_url,
        file_count
    from int_recordings
    where out_of_scope_reason is null and state = 'completed'

)

select * from in_scope
