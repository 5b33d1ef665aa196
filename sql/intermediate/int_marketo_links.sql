-- Which program of Marketo is of which webinar, and what stands against it?
-- grain: one row per program_id that the settings link, and account, the Marketo instance that has it
-- units: reason is null for a link that is used, else a code, a colon and what to do; occurrence_id is '' for a single
--        webinar; the three statuses bear the channel's own names, null where it has none such
-- rule:  ZM-01, ZM-06 to ZM-08, HZ-02; a channel is for webinars if its programs are, if it is called so, or if the
--        settings name its statuses
with

told as (

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
        marketo_users,
        is_marketo_user_unlimited,
        is_marketo_page_synced,
        is_marketo_lead_created,
        marketo_channels,
        unnest(marketo_programs) as link
    from told
    where nearness = 1

),

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

linked as (

    select
        coalesce(programs.account, '') as account,
        in_force.link.program_id as program_id,
        in_force.link.webinar_id as webinar_id,
        in_force.link.occurrence_id as occurrence_id,
        in_force.marketo_users,
        in_force.is_marketo_user_unlimited,
        in_force.is_marketo_page_synced as is_page_synced,
        in_force.is_marketo_lead_created as is_lead_created,
        programs.program_id is not null as is_known,
        programs.program,
        programs.channel,
        programs.description,
        channels.program_type,
        channels.statuses,
        list_filter(in_force.marketo_channels, lambda c: c.name = programs.channel)[1] as named,
        count(*) over (
            partition by programs.account, in_force.link.webinar_id, in_force.link.occurrence_id
        ) as link_count,
        string_agg(cast(in_force.link.program_id as varchar), ', ' order by in_force.link.program_id) over (
            partition by programs.account, in_force.link.webinar_id, in_force.link.occurrence_id
        ) as rivals
    from in_force
    left join ordered_programs as programs
        on in_force.link.program_id = programs.program_id and programs.nearness = 1 and programs.kind = 'seen'
    left join channels
        on programs.account = channels.account and programs.channel = channels.channel

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
                    || '. Correct its id in the settings under [marketo.programs]'
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
                and not list_contains(placed.marketo_users, int_webinars.host_email)
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
    left join int_occurrences
        on placed.webinar_id = int_occurrences.webinar_id and placed.occurrence_id = int_occurrences.occurrence_id

)

select * from joined
