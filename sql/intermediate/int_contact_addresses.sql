-- Under which addresses is each live contact known?
-- grain: one row per email_key that a live contact has; where two have it, the primary, then the lowest contact_id
-- rule:  HZ-06; the addresses of a contact merged into another are secondary addresses of the one that remains, as
--        long as HubSpot lists them there
-- incremental: email_key
with

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
    from int_address_claims

)

select
    email,
    email_key,
    contact_id,
    is_primary
from settled
where preference = 1
