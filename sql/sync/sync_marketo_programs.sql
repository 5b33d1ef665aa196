-- What should each linked program say of its webinar?
-- grain: one row per object_key: the program's id
-- units: startDate, endDate are ISO 8601, UTC; the times in the description are in the webinar's own time zone
-- rule:  ZM-11; the description is written where there is none, or our own; reason is what stands against the link
-- destination: marketo
-- object: program
-- context: instance
-- verdict: verdict
with

told as (

    select
        object_key,
        max(field_value) as description
    from int_published
    where destination = 'marketo' and object = 'program' and field_name = 'description'
    group by object_key

),

joined as (

    select
        cast(links.program_id as varchar) as object_key,
        links.account as instance,
        links.reason,
        links.description as present_description,
        links.start_at,
        links.end_at,
        told.object_key is not null as is_told,
        told.description as told_description,
        int_webinars.topic,
        int_webinars.agenda,
        int_webinars.time_zone,
        int_occurrences.scheduled_start_at,
        int_occurrences.scheduled_end_at
    from int_marketo_links as links
    left join int_webinars using (webinar_id)
    left join int_occurrences using (webinar_id, occurrence_id)
    left join told
        on cast(links.program_id as varchar) = told.object_key

),

worded as (

    select
        *,
        left(
            concat_ws(
                chr(10),
                topic,
                nullif(trim(agenda), ''),
                'Start: ' || strftime(timezone(time_zone, scheduled_start_at), '%Y-%m-%d %H:%M'),
                'End: ' || strftime(timezone(time_zone, scheduled_end_at), '%Y-%m-%d %H:%M'),
                'Time zone: ' || time_zone
            ),
            2000
        ) as description
    from joined

)

select
    object_key,
    cast(null as varchar) as vendor_id,
    coalesce(
        reason,
        case
            when
                not is_told and present_description = description and start_at = scheduled_start_at
                and end_at = scheduled_end_at
                then 'already_there: the program says that already'
        end
    ) as reason,
    case when reason is not null then 'rejected' end as verdict,
    instance,
    case when trim(present_description) in ('', trim(told_description)) then description else told_description end
        as "description",
    strftime(timezone('UTC', scheduled_start_at), '%Y-%m-%dT%H:%M:%SZ') as "startDate",
    strftime(timezone('UTC', scheduled_end_at), '%Y-%m-%dT%H:%M:%SZ') as "endDate"
from worded
