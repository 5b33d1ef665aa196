-- What a good analyst writes first: every field by ->>, every stream deduplicated by row_number(), joins on addresses.
create temp table contacts as
select
    cast(key as bigint) as contact_id,
    lower(trim(payload ->> '$.properties.email')) as email,
    payload -> '$.propertiesWithHistory.hs_sales_email_last_opened' as sales_opens
from raw_contacts
where occurred_at <= getvariable('as_of')
qualify row_number() over (partition by key order by occurred_at desc, observed_at desc) = 1;

create temp table email_events as
select
    payload ->> '$.id' as id,
    payload ->> '$.created' as created,
    payload ->> '$.type' as type,
    lower(trim(payload ->> '$.recipient')) as email,
    cast(payload ->> '$.emailCampaignId' as bigint) as campaign_id,
    payload ->> '$.filteredEvent' = 'true' as is_bot,
    payload ->> '$.sentBy.id' as sent_id,
    payload ->> '$.sentBy.created' as sent_created,
    occurred_at as happened_at
from raw_email_events
where occurred_at < getvariable('as_of')
qualify row_number() over (partition by key order by observed_at) = 1;

create temp table forms as
select
    lower(trim(list_filter(
        from_json(payload -> '$.values', '[{"name": "VARCHAR", "value": "VARCHAR"}]'), lambda f: f.name = 'email'
    )[1].value)) as email,
    occurred_at as submitted_at
from raw_form_submissions
where occurred_at < getvariable('as_of')
qualify row_number() over (partition by key order by observed_at) = 1;

create temp table hosts as
select
    key as host_id,
    payload ->> '$.email' as host_email
from raw_users
qualify row_number() over (partition by key order by occurred_at desc, observed_at desc) = 1;

create temp table webinar_states as
select
    *,
    row_number() over (partition by key order by occurred_at desc, observed_at desc) as nth,
    row_number() over (partition by key, kind order by occurred_at desc, observed_at desc) as nth_of_kind
from raw_webinars
where occurred_at <= getvariable('as_of');

create temp table planned as
select
    cast(key as bigint) as webinar_id,
    payload ->> '$.topic' as topic,
    payload ->> '$.join_url' as join_url,
    cast(payload ->> '$.start_time' as timestamptz) as scheduled_start_at,
    cast(payload ->> '$.start_time' as timestamptz) + to_minutes(cast(payload ->> '$.duration' as bigint))
        as scheduled_end_at,
    gone.occurred_at as absent_at
from webinar_states as seen
left join (select key as gone_key, occurred_at from webinar_states where nth = 1 and kind = 'absent') as gone
    on seen.key = gone.gone_key
where seen.nth_of_kind = 1 and seen.kind = 'seen';

create temp table sessions as
select
    key as uuid,
    cast(scope as bigint) as webinar_id,
    cast(payload ->> '$.start_time' as timestamptz) as start_at,
    cast(payload ->> '$.end_time' as timestamptz) as end_at
from raw_instances
where cast(payload ->> '$.end_time' as timestamptz) <= getvariable('as_of')
qualify row_number() over (partition by key order by occurred_at desc, observed_at desc) = 1;

create temp table occurrences as
with ordered as (
    select
        webinar_id, epoch_us(start_at) as start_us, epoch_us(end_at) as end_us,
        max(epoch_us(end_at)) over (
            partition by webinar_id order by start_at, end_at rows between unbounded preceding and 1 preceding
        ) as previous_end_us
    from sessions
),
actual as (
    select
        webinar_id, min(start_us) as start_us, max(end_us) as end_us,
        cast(sum(greatest(end_us - greatest(start_us, coalesce(previous_end_us, start_us)), 0)) as bigint) as actual_us
    from ordered group by webinar_id
)
select
    planned.webinar_id, planned.topic, planned.join_url, planned.scheduled_start_at, planned.scheduled_end_at,
    timezone('UTC', make_timestamp(actual.start_us)) as actual_start_at,
    timezone('UTC', make_timestamp(actual.end_us)) as actual_end_at,
    coalesce(actual.actual_us, 0) as actual_us,
    case
        when actual.webinar_id is not null then 'ended'
        when planned.scheduled_start_at > planned.absent_at then 'cancelled'
        when planned.scheduled_end_at < getvariable('as_of') then 'never_started'
        else 'scheduled'
    end as status
from planned left join actual using (webinar_id);

create temp table registrant_states as
select
    cast(scope as bigint) as webinar_id,
    split_part(key, '|', 2) as registrant_id,
    kind,
    lower(trim(payload ->> '$.email')) as email,
    payload ->> '$.first_name' as first_name,
    payload ->> '$.last_name' as last_name,
    payload ->> '$.status' as status,
    cast(payload ->> '$.create_time' as timestamptz) as registered_at,
    occurred_at,
    row_number() over (partition by key order by occurred_at desc, observed_at desc) as nth,
    row_number() over (partition by key, kind order by occurred_at desc, observed_at desc) as nth_of_kind
from raw_registrants
where occurred_at <= getvariable('as_of');

create temp table registrants as
select
    seen.webinar_id, seen.registrant_id, seen.email, seen.first_name, seen.last_name, seen.registered_at, stood.has_stood,
    last_told.kind = 'seen' and last_told.status in ('approved', 'pending') as is_standing,
    case when not (last_told.kind = 'seen' and last_told.status in ('approved', 'pending'))
        then greatest(last_told.occurred_at, seen.registered_at) end as left_at
from (select * from registrant_states where nth_of_kind = 1 and kind = 'seen') as seen
inner join (select * from registrant_states where nth = 1) as last_told using (webinar_id, registrant_id)
inner join (
    select webinar_id, registrant_id, bool_or(status in ('approved', 'pending')) as has_stood
    from registrant_states where kind = 'seen' group by all
) as stood using (webinar_id, registrant_id)
where seen.registered_at < getvariable('as_of');

create temp table registrations as
select
    webinar_id, email,
    min(registered_at) as first_registered_at,
    max(registered_at) as registered_at,
    case when not bool_or(is_standing) then max(left_at) end as cancelled_at,
    arg_max(first_name, registered_at) as first_name,
    arg_max(last_name, registered_at) as last_name
from registrants where has_stood group by webinar_id, email;

create temp table connections as
with rows as (
    select
        scope as uuid, payload ->> '$.name' as name,
        nullif(lower(trim(payload ->> '$.user_email')), '') as own_email,
        payload ->> '$.registrant_id' as registrant_id,
        payload ->> '$.status' = 'in_waiting_room' as is_waiting,
        cast(payload ->> '$.join_time' as timestamptz) as joined_at,
        cast(payload ->> '$.leave_time' as timestamptz) as left_at
    from raw_participants
    qualify row_number() over (partition by key order by occurred_at desc, observed_at desc) = 1
),
clipped as (
    select
        sessions.webinar_id, rows.name, coalesce(registrants.email, rows.own_email) as email, rows.is_waiting,
        epoch_us(greatest(rows.joined_at, sessions.start_at)) as start_us,
        epoch_us(least(rows.left_at, sessions.end_at)) as end_us
    from rows
    inner join sessions using (uuid)
    left join registrants
        on sessions.webinar_id = registrants.webinar_id and rows.registrant_id = registrants.registrant_id
)
select
    *,
    case
        when is_waiting then 'waiting_room'
        when email is null then 'participant_without_email'
        when end_us <= start_us then 'no_overlap'
    end as reason
from clipped;

create temp table attendances as
with ordered as (
    select
        webinar_id, email, start_us, end_us,
        max(end_us) over (
            partition by webinar_id, email order by start_us, end_us rows between unbounded preceding and 1 preceding
        ) as previous_end_us
    from connections where reason is null
),
united as (
    select
        webinar_id, email, min(start_us) as joined_us, max(end_us) as left_us,
        cast(sum(greatest(end_us - greatest(start_us, coalesce(previous_end_us, start_us)), 0)) as bigint) as attended_us
    from ordered group by webinar_id, email
)
select
    united.webinar_id, united.email,
    timezone('UTC', make_timestamp(joined_us)) as joined_at, timezone('UTC', make_timestamp(left_us)) as left_at,
    attended_us,
    cast((cast(attended_us as hugeint) * 1000000000000000 + actual_us // 2) // actual_us as bigint) as attended_ppq
from united inner join occurrences using (webinar_id)
where attended_us > 0 and actual_us > 0;

create temp table people as
with met as (select email from registrations union select email from attendances)
select
    met.email, contacts.contact_id,
    coalesce(contacts.contact_id, -cast('0x' || left(md5(met.email), 15) as bigint)) as subject_key
from met left join contacts using (email);

create temp table participations as
with joined as (
    select
        webinar_id, email, registrations.first_registered_at, registrations.registered_at, registrations.cancelled_at,
        attendances.joined_at, attendances.left_at, attendances.attended_us, attendances.attended_ppq
    from (
        select registrations.* from registrations inner join occurrences using (webinar_id)
        where first_registered_at < coalesce(
            actual_end_at, case when status = 'never_started' then scheduled_end_at end, getvariable('as_of')
        )
    ) as registrations
    full join attendances using (webinar_id, email)
)
select
    joined.*, occurrences.topic,
    case
        when attended_us is not null then 'attended'
        when cancelled_at is not null then 'cancelled'
        when occurrences.status = 'ended' then 'no_show'
        else 'registered'
    end as state
from joined inner join occurrences using (webinar_id);
