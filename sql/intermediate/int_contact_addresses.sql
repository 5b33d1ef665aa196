-- Under which addresses is each live contact known?
-- grain: one row per email_key that a live contact has; where two have it, the primary, then the lowest contact_id
-- rule:  HZ-06; the addresses of a contact merged into another are secondary addresses of the one that remains, as
--        long as HubSpot lists them there
with

owned as (

    select
        email,
        email_key,
        contact_id,
        true as is_primary
    from int_contacts
    where is_live and email_key is not null

),

listed as (

    select
        contact_id,
        trim(unnest(string_split(secondary_emails, ';'))) as email
    from int_contacts
    where is_live and secondary_emails <> ''

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
