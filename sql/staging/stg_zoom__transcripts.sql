-- What was said in each recording, by Zoom's transcript?
-- grain: one row per event of zoom/transcripts, one file of a recording
-- units: the keys are the first 60 bits of an md5; spoken is plain text, a line for each cue of the WebVTT
-- rule:  HZ-26; a cue is what has a line with an arrow, what stands after that line is what was said
with

parsed as (

    select
        event_id,
        account,
        cast('0x' || left(md5(scope), 15) as bigint) as session_key,
        cast('0x' || left(md5(key), 15) as bigint) as file_key,
        kind,
        occurred_at,
        observed_at,
        from_json(payload, '{"start": "TIMESTAMPTZ", "text": "VARCHAR"}') as told
    from raw_zoom__transcripts

),

cut as (

    select
        event_id,
        account,
        session_key,
        file_key,
        kind,
        occurred_at,
        observed_at,
        told.start as begun_at,
        list_filter(
            regexp_split_to_array(regexp_replace(coalesce(told.text, ''), '\r\n?', chr(10), 'g'), '\n[ \t]*\n\s*'),
            lambda block: contains(block, '-->')
        ) as cues
    from parsed

),

spoken as (

    select
        event_id,
        account,
        session_key,
        file_key,
        kind,
        occurred_at,
        observed_at,
        begun_at,
        list_transform(
            cues,
            lambda cue: trim(regexp_replace(regexp_extract(cue, '(?s)-->[^\n]*\n(.*)$', 1), '\s*\n\s*', ' ', 'g'))
        ) as lines
    from cut

),

plain as (

    select
        event_id,
        account,
        session_key,
        file_key,
        kind,
        occurred_at,
        observed_at,
        begun_at,
        regexp_replace(
            regexp_replace(
                array_to_string(list_filter(lines, lambda line: line <> ''), chr(10)),
                '<v(?:\.[^ \t>]*)?[ \t]+([^>]*)>', '\1: ', 'g'
            ),
            '<[^>]*>', '', 'g'
        ) as told_text
    from spoken

)

select
    event_id,
    account,
    session_key,
    file_key,
    kind,
    occurred_at,
    observed_at,
    begun_at,
    replace(
        replace(
            replace(
                regexp_replace(replace(told_text, '&nbsp;', ' '), '&lrm;|&rlm;', '', 'g'),
                '&lt;', '<'
            ),
            '&gt;', '>'
        ),
        '&amp;', '&'
    ) as spoken
from plain
