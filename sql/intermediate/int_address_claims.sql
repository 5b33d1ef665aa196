-- Which addresses does each live contact say are its own?
-- grain: one row per contact_id and address, the primary one and every secondary one
-- rule:  HZ-06
-- incremental: contact_id
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

)

select * from every_claim
