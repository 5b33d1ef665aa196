-- Whose is each address met in Zoom, and may what it does there be synced?
-- grain: one row per email_key met in Zoom
-- units: person_key is the email_key under which the person is counted; subject_key is contact_id, or the negative
--        person_key of somebody who is no contact yet; zoom_reason is null where nothing stands against it
-- rule:  HZ-04 to HZ-07, HZ-10; the first of: invalid, of a CRM user, excluded, secondary, contact deleted
-- incremental: email_key
with

deleted as (

    select distinct email_key
    from int_contacts
    where is_deleted and email_key is not null

),

joined as (

    select
        int_met_addresses.email,
        int_met_addresses.email_key,
        owner.contact_id as owner_id,
        coalesce(owner.is_primary, false) as is_primary,
        main.email_key as main_key,
        int_settings.is_secondary_attributed,
        case
            when not regexp_matches(int_met_addresses.email, '^[^@\s\p{Z}\p{C}]+@[^@\s\p{Z}\p{C}]*\.[^@\s\p{Z}\p{C}]*$')
                then 'email_invalid'
            when users.email_key is not null
                then 'email_of_crm_user'
            when excluded.email_key is not null
                then 'email_excluded'
            when owner.contact_id is not null and not owner.is_primary and not int_settings.is_secondary_attributed
                then 'email_secondary'
            when owner.contact_id is null and deleted.email_key is not null
                then 'contact_deleted'
        end as zoom_reason
    from int_met_addresses
    cross join int_settings
    left join int_contact_addresses as owner
        on int_met_addresses.email_key = owner.email_key
    left join int_contacts as main
        on owner.contact_id = main.contact_id
    left join int_crm_users as users
        on int_met_addresses.email_key = users.email_key
    left join int_excluded_addresses as excluded
        on int_met_addresses.email_key = excluded.email_key
    left join deleted
        on int_met_addresses.email_key = deleted.email_key

),

placed as (

    select
        email,
        email_key,
        zoom_reason,
        case
            when owner_id is not null and not is_primary and is_secondary_attributed
                then coalesce(main_key, email_key)
            else email_key
        end as person_key,
        case when is_primary or is_secondary_attributed then owner_id end as contact_id
    from joined

)

select
    email,
    email_key,
    zoom_reason,
    person_key,
    contact_id,
    coalesce(contact_id, -person_key) as subject_key
from placed
