-- What should Marketo say of each person in a program that is linked to a webinar?
-- grain: one row per account, the Marketo instance, program_id and member_key: the lead's id, or the address of whom no
--        lead is known
-- units: lead_id is Marketo's, null where a lead is yet to be made; status and step are what Marketo has, null for who
--        is no member; wanted_status is what it should have, and reason why that is not to be told: a code, and most
--        with a colon and words; join_url is the registrant's own and a secret
-- rule:  ZM-05, ZM-06, ZM-09, ZM-10, HZ-04, HZ-20; tracked is a member who is registered or has come further. Attended
--        by the actual times, whatever HubSpot has of the person. Nothing is told until the report of each session has
--        settled, and no No Show without a report. Nobody goes back a step, nor loses a success that another gave
with

links as (

    select * from int_marketo_links
    where reason is null

),

sessions as (

    select
        links.account,
        links.program_id,
        bool_and(int_report_reads.is_settled) as is_settled,
        bool_or(int_report_reads.most_row_count = 0) as is_report_empty
    from links
    inner join int_sessions using (webinar_id, occurrence_id)
    inner join int_report_reads using (session_key, webinar_id)
    where int_sessions.is_counted
    group by links.account, links.program_id

),

dates as (

    select
        links.*,
        int_occurrences.actual_end_at,
        int_webinars.registration_type,
        case
            when int_occurrences.status in ('cancelled', 'never_started')
                then int_occurrences.status
            when int_occurrences.status in ('scheduled', 'running')
                then 'not_over'
            when not coalesce(sessions.is_settled, false)
                then 'not_settled'
            when sessions.is_report_empty
                then 'no_report'
            else 'settled'
        end as progress
    from links
    inner join int_occurrences using (webinar_id, occurrence_id)
    inner join int_webinars using (webinar_id)
    left join sessions
        on links.account = sessions.account and links.program_id = sessions.program_id

),

ordered_members as (

    select
        told.*,
        row_number() over (
            partition by told.account, told.program_id, told.lead_id
            order by
                told.occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(told.occurred_at) - epoch_us(getvariable('as_of'))),
                told.observed_at desc,
                told.event_id
        ) as nearness
    from stg_marketo__members as told
    inner join links using (account, program_id)

),

ordered_leads as (

    select
        *,
        row_number() over (
            partition by account, lead_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_marketo__leads

),

leads as (

    select
        account,
        lead_id,
        email,
        email_key
    from ordered_leads
    where nearness = 1 and kind = 'seen'

),

namesakes as (

    select
        account,
        email_key,
        min(lead_id) as lead_id,
        count(*) as lead_count
    from leads
    where email_key is not null
    group by account, email_key

),

made as (

    select
        cast('0x' || left(md5(object_key), 15) as bigint) as email_key,
        arg_max(try_cast(vendor_id as bigint), (occurred_at, observed_at, event_id)) as lead_id
    from stg_turnout__outcomes
    where destination = 'marketo' and object = 'lead' and status = 'published'
    group by object_key

),

chosen as (

    select
        webinar_id,
        occurrence_id,
        registrant_key,
        arg_max(kind, (occurred_at, observed_at, event_id)) as kind
    from stg_zoom__registrations_by_occurrence
    where occurred_at <= getvariable('as_of')
    group by webinar_id, occurrence_id, registrant_key

),

states as (

    select
        webinar_id,
        registrant_key,
        state
    from int_registrants
    where webinar_id in (select webinar_id from dates)

),

registered as (

    select
        dates.account,
        dates.program_id,
        told.email_key,
        max(told.email) as email,
        bool_or(
            states.state in ('approved', 'pending')
            and (dates.registration_type = 1 or dates.occurrence_id = '' or coalesce(chosen.kind = 'seen', false))
        ) as is_registered,
        arg_max(nullif(told.first_name, ''), (told.registered_at, told.occurred_at, told.event_id)) as first_name,
        arg_max(nullif(told.last_name, ''), (told.registered_at, told.occurred_at, told.event_id)) as last_name,
        arg_max(told.company, (told.registered_at, told.occurred_at, told.event_id)) as company,
        arg_max(told.phone, (told.registered_at, told.occurred_at, told.event_id)) as phone,
        arg_max(
            case when states.state = 'approved' then told.join_url end,
            (told.registered_at, told.occurred_at, told.event_id)
        ) as join_url
    from stg_zoom__registrants as told
    inner join dates using (webinar_id)
    inner join states
        on told.webinar_id = states.webinar_id and told.registrant_key = states.registrant_key
    left join chosen
        on
            dates.webinar_id = chosen.webinar_id
            and dates.occurrence_id = chosen.occurrence_id
            and told.registrant_key = chosen.registrant_key
    where told.kind = 'seen' and told.occurred_at <= getvariable('as_of') and told.email_key is not null
    group by dates.account, dates.program_id, told.email_key

),

attended as (

    select
        dates.account,
        dates.program_id,
        int_connections.identity_key as email_key,
        max(int_connections.email) as email,
        arg_max(nullif(int_connections.name, ''), (int_connections.start_us, int_connections.connection_key)) as name
    from int_connections
    inner join dates using (webinar_id, occurrence_id)
    where
        int_connections.identity_key is not null
        and (
            int_connections.reason is null
            or int_connections.reason in (
                'email_invalid', 'email_of_crm_user', 'email_excluded', 'email_secondary', 'contact_deleted'
            )
        )
    group by dates.account, dates.program_id, int_connections.identity_key

),

addresses as (

    select
        account,
        program_id,
        email_key,
        coalesce(registered.email, attended.email) as email,
        coalesce(registered.is_registered, false) as is_registered,
        attended.email_key is not null as has_attended,
        coalesce(registered.first_name, split_part(attended.name, ' ', 1)) as first_name,
        case
            when registered.first_name is not null
                then registered.last_name
            else nullif(trim(substr(attended.name, length(split_part(attended.name, ' ', 1)) + 1)), '')
        end as last_name,
        registered.company,
        registered.phone,
        registered.join_url
    from registered
    full join attended using (account, program_id, email_key)

),

answered as (

    select
        try_cast(split_part(object_key, '|', 1) as bigint) as webinar_id,
        cast('0x' || left(md5(email), 15) as bigint) as email_key,
        arg_max(join_url, (occurred_at, observed_at, event_id)) as join_url
    from stg_turnout__outcomes
    where destination = 'zoom' and object = 'registration' and status = 'published' and email <> ''
    group by try_cast(split_part(object_key, '|', 1) as bigint), cast('0x' || left(md5(email), 15) as bigint)

),

members as (

    select
        ordered_members.account,
        ordered_members.program_id,
        ordered_members.lead_id,
        leads.email,
        leads.email_key,
        ordered_members.status,
        ordered_members.member_since_at,
        ordered_members.webinar_url
    from ordered_members
    left join leads
        on ordered_members.account = leads.account and ordered_members.lead_id = leads.lead_id
    where ordered_members.nearness = 1 and ordered_members.kind = 'seen'

),

people as (

    select
        coalesce(members.account, addresses.account) as account,
        coalesce(members.program_id, addresses.program_id) as program_id,
        coalesce(members.email_key, addresses.email_key) as email_key,
        coalesce(nullif(members.email, ''), addresses.email) as email,
        members.lead_id,
        members.status,
        members.member_since_at,
        members.webinar_url,
        coalesce(addresses.is_registered, false) as is_registered,
        coalesce(addresses.has_attended, false) as has_attended,
        addresses.first_name,
        addresses.last_name,
        addresses.company,
        addresses.phone,
        addresses.join_url
    from members
    full join addresses
        on
            members.account = addresses.account
            and members.program_id = addresses.program_id
            and members.email_key = addresses.email_key

),

placed as (

    select
        people.account,
        people.program_id,
        people.email_key,
        people.email,
        coalesce(
            people.lead_id,
            made.lead_id,
            case when namesakes.lead_count = 1 then namesakes.lead_id end
        ) as lead_id,
        people.lead_id is not null as is_member,
        coalesce(namesakes.lead_count, 0) as lead_count,
        people.status,
        list_filter(dates.statuses, lambda s: s.name = people.status)[1].step as step,
        coalesce(list_filter(dates.statuses, lambda s: s.name = people.status)[1].success, false)
        or coalesce(people.status = dates.attended_status, false) as is_success,
        people.member_since_at,
        people.webinar_url,
        people.is_registered,
        people.has_attended,
        people.first_name,
        people.last_name,
        people.company,
        people.phone,
        coalesce(people.join_url, answered.join_url) as join_url,
        case
            when int_addresses.zoom_reason in ('email_invalid', 'email_excluded')
                then int_addresses.zoom_reason
        end as zoom_reason,
        dates.progress,
        dates.actual_end_at,
        dates.is_page_synced,
        dates.is_lead_created,
        dates.registered_status,
        dates.registered_step,
        dates.no_show_status,
        dates.no_show_step,
        dates.attended_status,
        dates.attended_step
    from people
    inner join dates using (account, program_id)
    left join namesakes
        on people.account = namesakes.account and people.email_key = namesakes.email_key
    left join made
        on people.email_key = made.email_key
    left join answered
        on dates.webinar_id = answered.webinar_id and people.email_key = answered.email_key
    left join int_addresses
        on people.email_key = int_addresses.email_key

),

tracked as (

    select
        *,
        cast(program_id as varchar) || '|' || coalesce(cast(lead_id as varchar), email) as member_key,
        is_member
        and (
            status in (registered_status, no_show_status, attended_status)
            or coalesce(step > registered_step, false)
        ) as is_tracked
    from placed
    where is_member or email is not null

),

wanted as (

    select
        tracked.*,
        told.field_value as told_status,
        case
            when tracked.has_attended
                then tracked.attended_status
            when tracked.is_tracked or tracked.progress = 'settled'
                then tracked.no_show_status
            else tracked.registered_status
        end as wanted_status,
        case
            when tracked.has_attended
                then tracked.attended_step
            when tracked.is_tracked or tracked.progress = 'settled'
                then tracked.no_show_step
            else tracked.registered_step
        end as wanted_step
    from tracked
    left join int_published as told
        on
            told.destination = 'marketo'
            and told.object = 'member'
            and told.field_name = 'statusName'
            and tracked.member_key = told.object_key
    where tracked.is_tracked or tracked.has_attended or tracked.is_registered

),

judged as (

    select
        *,
        case
            when told_status = wanted_status
                then null
            when zoom_reason is not null
                then zoom_reason
            when not is_tracked and has_attended and not is_lead_created and not (is_registered and is_page_synced)
                then 'attendee_not_synced: came without being registered in Marketo; create_leads_from_attendees is off'
            when not is_tracked and not has_attended and not is_page_synced
                then 'zoom_page_registration: registered in Zoom alone; sync_zoom_page_registrations is off'
            when not is_member and lead_id is null and lead_count > 1
                then 'ambiguous: several leads have the address. Merge them in Marketo'
            when wanted_status = registered_status and not is_tracked and progress in ('cancelled', 'never_started')
                then progress || ': the webinar did not take place'
            when wanted_status = registered_status and not is_tracked and progress <> 'settled'
                then null
            when progress in ('cancelled', 'never_started')
                then progress || ': the webinar did not take place, so nobody attended and nobody is absent'
            when progress = 'not_over'
                then 'not_over: the webinar is not over yet'
            when progress = 'not_settled'
                then 'not_settled: the report of who came may still change'
            when progress = 'no_report'
                then 'no_report: Zoom gives no report of who came'
            when email_key is null and not has_attended
                then 'lead_without_email: nobody can say whether the lead was there'
            when is_tracked and not has_attended and member_since_at >= actual_end_at
                then 'registered_after_end: became a member after the webinar had ended'
            when status = wanted_status
                then 'already_there: Marketo has that status already'
            when not has_attended and is_success and coalesce(told_status <> status, true)
                then
                    'success_of_another: Zoom has no attendance, and another than turnout gave the status '
                    || status
            when wanted_step < step
                then
                    'step_back: the status ' || wanted_status || ' is a step before ' || status
                    || ', and Marketo moves nobody back (1037)'
        end as reason
    from wanted

)

select
    account,
    program_id,
    member_key,
    lead_id,
    is_member,
    is_tracked,
    lead_count,
    email,
    email_key,
    status,
    step,
    webinar_url,
    has_attended,
    is_registered,
    first_name,
    last_name,
    company,
    phone,
    join_url,
    progress,
    wanted_status,
    told_status,
    reason,
    case when split_part(reason, ':', 1) in ('not_over', 'not_settled', 'no_report') then 'waiting' end as verdict
from judged
