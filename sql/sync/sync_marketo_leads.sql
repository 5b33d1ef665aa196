-- Who should become a lead in Marketo?
-- grain: one row per object_key: the address of somebody who came, or registered in Zoom, and is no lead that we know
-- units: fields carry Marketo's names
-- rule:  ZM-05, ZM-06; a lead that exists keeps what it has; reason is null for who is to become one
-- destination: marketo
-- object: lead
-- create only: email, firstName, lastName, company, phone
-- context: instance
-- verdict: verdict
with

newcomers as (

    select
        email,
        account,
        min(reason) as least_reason,
        min(verdict) as verdict,
        bool_or(reason is null) as is_wanted,
        max(first_name) as first_name,
        max(last_name) as last_name,
        max(company) as company,
        max(phone) as phone
    from int_marketo_members
    where not is_member and lead_count = 0
    group by email, account

)

select
    email as object_key,
    cast(null as varchar) as vendor_id,
    case when not is_wanted then least_reason end as reason,
    case when not is_wanted then verdict end as verdict,
    account as instance,
    email,
    nullif(first_name, '') as "firstName",
    nullif(last_name, '') as "lastName",
    company,
    phone
from newcomers
