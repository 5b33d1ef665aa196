-- Which program of Marketo is of which webinar, and what stands against it?
-- grain: one row per program_id that is linked, and account, the Marketo instance that has it
-- units: reason is null for a link that is used, else a code, a colon and what to do; occurrence_id is '' for a single
--        webinar; the three statuses bear the channel's own names, null where it has none such
-- rule:  ZM-01, ZM-06 to ZM-08, HZ-02; the settings link a program, or else its own tag; a channel is for webinars if
--        its programs are, if it is called so, or if the settings name its statuses; where nobody is named, all
--        are visible as long as they are no more than could be named
with

ordered_programs as (

    select
        *,
        row_number() over (
            partition by account, program_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_marketo__programs

),

ordered_channels as (

    select
        *,
        row_number() over (
            partition by account, channel_key
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_marketo__channels

),

channels as (

    select
        account,
        channel,
        max(program_type) as program_type,
        arg_max(statuses, channel_key) as statuses
    from ordered_channels
    where nearness = 1 and kind = 'seen'
    group by account, channel

),

programs as (

    select
        account,
        program_id,
        program,
        channel,
        description,
        start_at,
        end_at,
        tags
    from ordered_programs
    where nearness = 1 and kind = 'seen'

),

named as (

    select unnest(marketo_programs) as link
    from int_settings

),

tagged as (

    select
        programs.account,
        programs.program_id,
        list_filter(programs.tags, lambda t: t.tagtype = int_settings.marketo_tag)[1].tagvalue as tag
    from programs
    cross join int_settings
    where
        int_settings.marketo_tag <> ''
        and programs.program_id not in (select link.program_id as program_id from named)

),

links as (

    select
        programs.account,
        named.link.program_id as program_id,
        named.link.webinar_id as webinar_id,
        named.link.occurrence_id as occurrence_id
    from named
    left join programs
        on named.link.program_id = programs.program_id
    union all
    select
        account,
        program_id,
        try_cast(replace(replace(split_part(tag, '/', 1), ' ', ''), '-', '') as bigint) as webinar_id,
        trim(split_part(tag, '/', 2)) as occurrence_id
    from tagged
    where try_cast(replace(replace(split_part(tag, '/', 1), ' ', ''), '-', '') as bigint) is not null

),

linked as (

    select
        coalesce(links.account, '') as account,
        links.program_id,
        links.webinar_id,
        links.occurrence_id,
        int_settings.marketo_users,
        int_settings.is_marketo_user_unlimited,
        int_settings.is_marketo_page_synced as is_page_synced,
        int_settings.is_marketo_lead_created as is_lead_created,
        programs.program_id is not null as is_known,
        programs.program,
        programs.channel,
        programs.description,
        programs.start_at,
        programs.end_at,
        channels.program_type,
        channels.statuses,
        list_filter(int_settings.marketo_channels, lambda c: c.name = programs.channel)[1] as named,
        count(*) over (partition by links.account, links.webinar_id, links.occurrence_id) as link_count,
        string_agg(cast(links.program_id as varchar), ', ' order by links.program_id) over (
            partition by links.account, links.webinar_id, links.occurrence_id
        ) as rivals
    from links
    cross join int_settings
    left join programs
        on links.account = programs.account and links.program_id = programs.program_id
    left join channels
        on programs.account = channels.account and programs.channel = channels.channel

),

hosts as (

    select
        int_webinars.account,
        count(distinct int_webinars.host_id) as host_count
    from int_webinars
    left join int_hosts
        on int_webinars.account = int_hosts.account and int_webinars.host_id = int_hosts.user_id
    where not coalesce(int_hosts.is_owner, false)
    group by int_webinars.account

),

worded as (

    select
        *,
        coalesce(nullif(named.registered, ''), 'Registered') as wanted_registered,
        coalesce(nullif(named.no_show, ''), 'No Show') as wanted_no_show,
        coalesce(nullif(named.attended, ''), 'Attended') as wanted_attended
    from linked

),

placed as (

    select
        *,
        list_filter(statuses, lambda s: lower(s.name) = lower(wanted_registered))[1] as registered,
        list_filter(statuses, lambda s: lower(s.name) = lower(wanted_no_show))[1] as no_show,
        list_filter(statuses, lambda s: lower(s.name) = lower(wanted_attended))[1] as attended
    from worded

),

joined as (

    select
        placed.account,
        placed.program_id,
        coalesce(placed.program, '') as program,
        coalesce(placed.channel, '') as channel,
        coalesce(placed.description, '') as description,
        placed.start_at,
        placed.end_at,
        coalesce(int_webinars.account, '') as zoom_account,
        placed.webinar_id,
        placed.occurrence_id,
        placed.is_page_synced,
        placed.is_lead_created,
        placed.registered.name as registered_status,
        placed.no_show.name as no_show_status,
        placed.attended.name as attended_status,
        placed.registered.step as registered_step,
        placed.no_show.step as no_show_step,
        placed.attended.step as attended_step,
        coalesce(placed.statuses, []) as statuses,
        case
            when not placed.is_known
                then
                    'unknown_program: Marketo has no program ' || cast(placed.program_id as varchar)
                    || '. Correct its id under [marketo.programs] in the settings'
            when
                coalesce(placed.program_type, '') not in ('webinar', 'event with webinar')
                and not (
                    coalesce(placed.program_type, '') = 'event'
                    and (placed.named.name is not null or contains(lower(placed.channel), 'webinar'))
                )
                then
                    'channel_not_for_webinars: the channel of program ' || cast(placed.program_id as varchar) || ', '
                    || placed.channel || ', is not for webinars. Give the program one that is, or name the statuses'
                    || ' of this one in the settings under [marketo.channels]'
            when placed.link_count > 1
                then
                    'linked_twice: webinar ' || cast(placed.webinar_id as varchar) || ' is linked to the programs '
                    || placed.rivals || '. Keep one of them in the settings under [marketo.programs]'
            when int_webinars.webinar_id is null
                then
                    'unknown_webinar: no connected Zoom account has a webinar '
                    || cast(placed.webinar_id as varchar) || ', and meetings cannot be linked. Correct the id in the'
                    || ' settings under [marketo.programs]'
            when int_webinars.out_of_scope_reason is not null
                then
                    int_webinars.out_of_scope_reason || ': webinar ' || cast(placed.webinar_id as varchar)
                    || ' is out of scope. `turnout audit` tells how to mend that'
            when
                not placed.is_marketo_user_unlimited
                and not coalesce(int_hosts.is_owner, false)
                and case
                    when len(placed.marketo_users) = 0
                        then hosts.host_count > 20
                    else not list_contains(placed.marketo_users, int_webinars.host_email)
                end
                then
                    'host_not_visible: the host of webinar ' || cast(placed.webinar_id as varchar)
                    || ' is neither the owner of the Zoom account nor one of marketo.users. Name the host there'
            when
                placed.occurrence_id = ''
                and (int_webinars.webinar_type in (6, 9) or int_webinars.listed_count > 0)
                then
                    'recurring_webinar: webinar ' || cast(placed.webinar_id as varchar)
                    || ' is recurring. Link one occurrence of it, as "' || cast(placed.webinar_id as varchar)
                    || '/<occurrence id>"'
            when int_occurrences.occurrence_id is null
                then
                    'unknown_occurrence: webinar ' || cast(placed.webinar_id as varchar) || ' has no occurrence '
                    || placed.occurrence_id || '. Correct it in the settings under [marketo.programs]'
            when placed.registered is null or placed.no_show is null or placed.attended is null
                then
                    'unknown_status: the channel ' || placed.channel || ' has no status '
                    || case
                        when placed.registered is null
                            then placed.wanted_registered
                        when placed.no_show is null
                            then placed.wanted_no_show
                        else placed.wanted_attended
                    end
                    || '. Say what it is called there in the settings under [marketo.channels]'
        end as reason
    from placed
    left join int_webinars
        on placed.webinar_id = int_webinars.webinar_id
    left join int_hosts
        on int_webinars.account = int_hosts.account and int_webinars.host_id = int_hosts.user_id
    left join hosts
        on int_webinars.account = hosts.account
    left join int_occurrences
        on placed.webinar_id = int_occurrences.webinar_id and placed.occurrence_id = int_occurrences.occurrence_id

)

select * from joined
