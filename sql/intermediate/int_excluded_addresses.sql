-- Which addresses does the list of contact exclusions name?
-- grain: one row per email_key, met in Zoom or of a contact
-- rule:  HZ-04; acme.com matches a@acme.com alone, *.acme.com matches a@eu.acme.com and not a@acme.com
-- incremental: email_key
with

met as (

    select
        email,
        email_key
    from int_met_addresses
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
