-- What was said in each session that was recorded, as HubSpot can show it?
-- grain: one row per session_key with a transcript
-- units: body is HTML, a line for each cue, of 65,000 characters at most; is_cut is true where there were more
-- rule:  HZ-26; HubSpot takes 65,536 characters; several files of a session follow one another as they were recorded
-- incremental: session_key
with

ordered as (

    select
        session_key,
        file_key,
        begun_at,
        kind,
        spoken,
        row_number() over (
            partition by session_key, file_key
            order by occurred_at desc, observed_at desc, event_id
        ) as recency
    from stg_zoom__transcripts

),

joined as (

    select
        session_key,
        string_agg(spoken, chr(10) order by begun_at, file_key) as spoken
    from ordered
    where recency = 1 and kind = 'seen' and spoken <> ''
    group by session_key

),

worded as (

    select
        session_key,
        replace(
            replace(replace(replace(spoken, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'),
            chr(10),
            '<br>'
        ) as body
    from joined

)

select
    session_key,
    case
        when length(body) > 65000
            then
                regexp_replace(left(body, 64900), '(&[a-z]*|<[a-z]*)$', '')
                || '<br>[The rest of the transcript is in Zoom.]'
        else body
    end as body,
    length(body) > 65000 as is_cut
from worded
