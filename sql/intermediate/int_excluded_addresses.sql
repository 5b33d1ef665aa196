-- Which addresses does the list of contact exclusions name?
-- grain: one row per email_key, met in Zoom or of a contact
-- rule:  HZ-04; acme.com matches a@acme.com alone, *.acme.com matches a@eu.acme.com and not a@acme.com
with

met as (

    select
        email,
        email_key
    from int_registrants
    where email_key is not null
    union
    select
        email,
        email_key
    from stg_zoom__participants
    where email_key is not null
    union
    select
        email,
        email_key
    from int_contact_addresses

),

entries as (

    select unnest(contact_exclusions) as entry
    from int_settings

),

excluded as (

    select distinct met.email_key
    from met
    cross join entries
    where
        case
            when entries.entry like '%@%' then met.email = entries.entry
            when entries.entry like '*.%' then right(met.email, length(entries.entry) - 1) = substr(entries.entry, 2)
            else right(met.email, length(entries.entry) + 1) = '@' || entries.entry
        end

)

select * from excluded
