-- Whom does an id or an address name: a contact, somebody met in Zoom who is none, or somebody who is gone?
-- of: identity
-- units: email_keys and person_keys are all under which the person is counted; reason is why nothing of Zoom is synced
--        of the address that was asked for, or of the contact's own
-- rule:  HZ-04 to HZ-10
with

chosen as (

    select
        coalesce(
            (select survivor_id from int_contact_survivors where contact_id = getvariable('asked_id')),
            (select contact_id from int_contacts where contact_id = getvariable('asked_id')),
            (select contact_id from int_contact_addresses where email_key = getvariable('asked_key')),
            (select max(contact_id) from int_contacts where email_key = getvariable('asked_key') and is_deleted)
        ) as contact_id

),

theirs as (

    select
        contacts.contact_id,
        contacts.email,
        contacts.email_key,
        contacts.is_live,
        contacts.is_deleted
    from int_contacts as contacts
    where contacts.contact_id = (select contact_id from chosen)

),

addresses as (

    select
        email,
        email_key
    from int_contact_addresses
    where contact_id = (select contact_id from chosen)
    union
    select
        email,
        email_key
    from theirs
    where email_key is not null
    union
    select
        email,
        email_key
    from int_addresses
    where email_key = getvariable('asked_key')

),

people as (

    select
        met.email,
        met.email_key,
        met.person_key,
        met.zoom_reason
    from int_addresses as met
    where met.email_key in (select email_key from addresses)

),

told as (

    select
        list(
            {
                'stream': 'hubspot/contacts',
                'event_id': told.event_id,
                'at': told.occurred_at
            }
            order by told.occurred_at desc, told.observed_at desc
        ) as events
    from stg_hubspot__contacts as told
    where told.contact_id = (select contact_id from chosen)

)

select
    (select contact_id from chosen) as contact_id,
    coalesce(
        (select email from theirs),
        (select max(email) from people where email_key = getvariable('asked_key')),
        (select max(email) from people)
    ) as email,
    coalesce((select is_live from theirs), false) as is_live,
    coalesce((select is_deleted from theirs), false) as is_deleted,
    coalesce(
        (select contact_id from chosen) <> getvariable('asked_id')
        and getvariable('asked_id') in (select contact_id from int_merged_contacts),
        false
    ) as is_merged,
    (select list(email order by email) from addresses) as emails,
    (select list(email_key order by email_key) from addresses) as email_keys,
    (select list(distinct person_key order by person_key) from people) as person_keys,
    coalesce((select contact_id from theirs), -(select min(person_key) from people)) as subject_key,
    coalesce(
        (select max(zoom_reason) from people where email_key = getvariable('asked_key')),
        case
            when getvariable('asked_key') is null
                then (select max(zoom_reason) from people where email_key = (select email_key from theirs))
        end,
        case
            when (select email_key from theirs) in (select email_key from int_excluded_addresses)
                then 'email_excluded'
        end
    ) as reason,
    (select events from told) as events
