-- What did HubSpot say of those properties of a contact that only the settings ask for?
-- grain: one row per event of hubspot/contacts that has any of them
-- units: properties is the JSON of all that was told
-- rule:  HZ-32, HZ-33
with

told as (

    select
        event_id,
        account,
        try_cast(key as bigint) as contact_id,
        occurred_at,
        observed_at,
        payload -> '$.properties' as properties
    from raw_hubspot__contacts
    where kind = 'seen'

),

named as (

    select
        *,
        list_filter(
            json_keys(properties),
            lambda name: not starts_with(name, 'turnout_') and not list_contains(
                [
                    'createdate',
                    'email',
                    'firstname',
                    'hs_additional_emails',
                    'hs_calculated_merged_vids',
                    'hs_merged_object_ids',
                    'hs_object_id',
                    'lastmodifieddate',
                    'lastname',
                    'salesforcecontactid',
                    'salesforceleadid'
                ],
                name
            )
        ) as names
    from told

)

select
    event_id,
    account,
    contact_id,
    occurred_at,
    observed_at,
    cast(properties as varchar) as properties
from named
where len(names) > 0
