-- Under which addresses is each live contact known?
-- grain: one row per email_key that a live contact has; where two have it, the primary, then the lowest contact_id
-- rule:  HZ-06; the addresses of a contact merged into another are secondary addresses of the one that remains
with recursive

survivors as (

    select
        contact_id,
        contact_id as survivor_id,
        is_live
    from int_contacts
    union
    select
        survivors.contact_id,
        int_contacts.merged_into_id as survivor_id,
        winner.is_live
    from survivors
    inner join int_contacts
        on survivors.survivor_id = int_contacts.contact_id
    inner join int_contacts as winner
        on int_contacts.merged_into_id = winner.contact_id

),

owned as (

    select
        int_contacts.email,
        int_contacts.email_key,
        survivors.survivor_id as contact_id,
        int_contacts.contact_id = survivors.survivor_id as is_primary
    from int_contacts
    inner join survivors
        on int_contacts.contact_id = survivors.contact_id and survivors.is_live
    where int_contacts.email_key is not null

),

listed as (

    select
        survivors.survivor_id as contact_id,
        trim(unnest(string_split(int_contacts.secondary_emails, ';'))) as email
    from int_contacts
    inner join survivors
        on int_contacts.contact_id = survivors.contact_id and survivors.is_live
    where int_contacts.secondary_emails <> ''

),

secondary as (

    select
        email,
        cast('0x' || left(md5(email), 15) as bigint) as email_key,
        contact_id,
        false as is_primary
    from listed
    where email <> ''

),

every_claim as (

    select
        email,
        email_key,
        contact_id,
        is_primary
    from owned
    union all
    select
        email,
        email_key,
        contact_id,
        is_primary
    from secondary

),

settled as (

    select
        email,
        email_key,
        contact_id,
        is_primary,
        row_number() over (
            partition by email_key
            order by is_primary desc, contact_id
        ) as preference
    from every_claim

)

select
    email,
    email_key,
    contact_id,
    is_primary
from settled
where preference = 1
