-- Which kinds of activities come from Salesforce into HubSpot, since when, and how?
-- grain: one row per activity_kind, by the settings in force at as_of; the first ever known where as_of is before them
-- units: on_since is when the switch was last turned on, UTC, null where it is off; fields is the JSON of HubSpot
--        property to Salesforce field, or to "=" and a fixed text
-- rule:  HS-12 to HS-16, EV-13
with

kinds as (

    select unnest(['task', 'email', 'call', 'meeting']) as activity_kind

),

told as (

    select
        kinds.activity_kind,
        settings.event_id,
        settings.occurred_at,
        settings.observed_at,
        settings.portal_time_zone,
        coalesce(
            cast(settings.salesforce ->> ('$.' || kinds.activity_kind || 's.sync') as boolean), false
        ) as is_on,
        coalesce(settings.salesforce ->> ('$.' || kinds.activity_kind || 's.on_delete'), 'nothing') as on_delete,
        coalesce(settings.salesforce ->> ('$.' || kinds.activity_kind || 's.prefer'), 'salesforce') as prefer,
        coalesce(settings.salesforce ->> ('$.' || kinds.activity_kind || 's.owners'), 'none') as owners,
        coalesce(settings.salesforce ->> ('$.' || kinds.activity_kind || 's.fields'), '{}') as fields
    from stg_turnout__settings as settings
    cross join kinds

),

ordered as (

    select
        *,
        lag(is_on, 1, false) over (
            partition by activity_kind
            order by occurred_at, observed_at, event_id
        ) as was_on,
        row_number() over (
            partition by activity_kind
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from told

),

turned as (

    select
        activity_kind,
        max(occurred_at) as on_since
    from ordered
    where is_on and not was_on and (occurred_at <= getvariable('as_of') or nearness = 1)
    group by activity_kind

)

select
    ordered.activity_kind,
    ordered.is_on,
    case when ordered.is_on then turned.on_since end as on_since,
    ordered.on_delete = 'delete' as is_deletion_carried,
    ordered.prefer = 'hubspot' as is_hubspot_preferred,
    ordered.owners = 'by_email' as is_owner_carried,
    ordered.portal_time_zone,
    ordered.fields
from ordered
left join turned using (activity_kind)
where ordered.nearness = 1
