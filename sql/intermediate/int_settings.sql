-- Which settings are in force?
-- grain: one row, the settings in force at as_of; the first ever known where as_of is before them
-- rule:  EV-13
with

ordered as (

    select
        *,
        row_number() over (
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_turnout__settings

),

in_force as (

    select
        is_sync_on,
        is_new_synced,
        recordings,
        users,
        webinars,
        is_meeting_synced,
        is_recorded_only,
        meetings,
        host_domains,
        recording_domains,
        contact_exclusions,
        is_panelist_counted,
        is_secondary_attributed,
        wish_property,
        wish_forms,
        questions,
        marketo_users,
        is_marketo_user_unlimited,
        is_marketo_page_synced,
        is_marketo_lead_created,
        marketo_channels,
        marketo_programs,
        marketo_tag
    from ordered
    where nearness = 1

)

select * from in_force
