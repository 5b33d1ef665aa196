-- Of which sessions was a transcript read
-- grain: one row per key of int_transcripts, at least of those whose rows differ
-- narrowed: stg_zoom__transcripts by session_key
select session_key from stg_zoom__transcripts__changed
