-- Who is to be registered in Zoom, and why is somebody not?
-- grain: one row per object_key: webinar, occurrence and who
-- units: questions and custom_questions are the JSON of answers
-- rule:  HZ-32 to HZ-35, ZM-02, ZM-04, ZM-12; whoever is registered is not registered again, however they came
-- destination: zoom
-- object: registration
-- create only: email, first_name, last_name, org, phone, questions, custom_questions
-- context: account, webinar_id, occurrence_id
-- verdict: verdict
with

addresses as (

    select
        wishes.object_key,
        wishes.webinar_id,
        wishes.occurrence_id,
        wishes.email_key
    from int_registration_wishes as wishes
    where wishes.email_key is not null
    union
    select
        wishes.object_key,
        wishes.webinar_id,
        wishes.occurrence_id,
        owned.email_key
    from (
        select
            int_contact_addresses.contact_id,
            int_contact_addresses.email_key
        from int_contact_addresses
        semi join int_registration_wishes using (contact_id)
    ) as owned
    inner join int_registration_wishes as wishes using (contact_id)

),

listed as (

    select
        webinar_id,
        email_key,
        bool_or(state in ('approved', 'pending')) as is_standing,
        bool_and(state in ('denied', 'cancelled_by_host')) as is_denied
    from int_registrants
    semi join int_registration_wishes using (webinar_id)
    group by webinar_id, email_key

),

registered as (

    select
        addresses.object_key,
        coalesce(bool_or(
            (listed.is_standing and addresses.occurrence_id = '') or made.email_key is not null
        ), false) as is_registered,
        coalesce(bool_or(listed.is_denied), false) as is_denied
    from addresses
    left join listed
        on addresses.webinar_id = listed.webinar_id and addresses.email_key = listed.email_key
    left join int_crm_registrations as made
        on
            addresses.webinar_id = made.webinar_id
            and addresses.email_key = made.email_key
            and addresses.occurrence_id in ('', made.occurrence_id)
    group by addresses.object_key

),

dates as (

    select
        webinar_id,
        bool_or(status in ('scheduled', 'running')) as is_ahead
    from int_occurrences
    group by webinar_id

),

owners as (

    select
        account,
        email_key
    from int_hosts
    where is_owner

),

asked as (

    select coalesce(nullif(array_to_string(list_sort(list(distinct account)), ', '), ''), 'none') as accounts
    from int_hosts

),

joined as (

    select
        wishes.* exclude (is_registered),
        cast(wishes.webinar_id as varchar) as webinar,
        'the form of webinar ' || cast(wishes.webinar_id as varchar) || ' requires "' || wishes.unanswered || '"'
            as lacks,
        int_webinars.account,
        int_webinars.webinar_id is not null as is_found,
        int_webinars.absent_at,
        int_webinars.approval_type,
        int_webinars.out_of_scope_reason,
        coalesce(int_webinars.webinar_type = 6, false) or coalesce(dates.is_ahead, true) as is_ahead,
        stage.role,
        owners.email_key is not null as is_owner,
        wishes.is_registered or coalesce(registered.is_registered, false) as is_registered,
        coalesce(registered.is_denied, false) as is_denied,
        told.object_key is not null as is_told,
        asked.accounts,
        row_number() over (
            partition by wishes.webinar_id, wishes.occurrence_id, coalesce(wishes.email, wishes.object_key)
            order by wishes.object_key
        ) as place
    from int_registration_wishes as wishes
    cross join asked
    left join int_webinars
        on wishes.webinar_id = int_webinars.webinar_id
    left join dates
        on wishes.webinar_id = dates.webinar_id
    left join int_panelists as stage
        on wishes.webinar_id = stage.webinar_id and wishes.email_key = stage.email_key
    left join owners
        on int_webinars.account = owners.account and wishes.email_key = owners.email_key
    left join registered
        on wishes.object_key = registered.object_key
    left join int_crm_registrations as told
        on wishes.object_key = told.object_key

),

judged as (

    select
        *,
        case
            when is_told
                then null
            when webinar_id is null
                then '"' || left(written, 60) || '" is no webinar id: it has digits only'
            when not is_found
                then 'no connected Zoom account knows webinar ' || webinar || '; asked: ' || accounts
            when not is_known
                then 'HubSpot has no contact ' || cast(contact_id as varchar)
            when not regexp_matches(email, '^[^@\s\p{Z}\p{C}]+@[^@\s\p{Z}\p{C}]*\.[^@\s\p{Z}\p{C}]*$')
                then 'the address is none that mail could reach: "' || email || '"'
            when is_registered
                then 'registered already'
            when place > 1
                then 'registered under another record of the same address'
            when absent_at is not null
                then 'webinar ' || webinar || ' was deleted in Zoom'
            when out_of_scope_reason is not null
                then 'webinar ' || webinar || ' is out of scope: ' || out_of_scope_reason
            when approval_type = 2
                then 'webinar ' || webinar || ' does not require registration; turn it on in Zoom'
            when not is_ahead
                then 'webinar ' || webinar || ' is over'
            when role = 'host'
                then email || ' is the host of the webinar, and a host cannot register'
            when is_owner
                then email || ' is the connected user, the owner of the Zoom account, who cannot be registered'
            when role = 'panelist'
                then email || ' is a panelist of the webinar, and has access without registering'
            when is_denied
                then 'the host has denied this registration'
            when first_name = ''
                then 'Zoom requires a first name, and the contact has none'
            when unanswered = 'last_name'
                then 'the form of webinar ' || webinar || ' requires a last name, and the contact has none'
            when unanswered is not null and is_mapped
                then lacks || ', and the property that is mapped to it is empty'
            when unanswered is not null
                then lacks || '; map a contact property to it under [registration.questions]'
        end as reason
    from joined

)

select
    object_key,
    cast(null as varchar) as vendor_id,
    reason,
    case when is_registered or place > 1 then 'unchanged' else 'rejected' end as verdict,
    account,
    webinar as webinar_id,
    occurrence_id,
    email,
    first_name,
    nullif(last_name, '') as last_name,
    org,
    phone,
    questions,
    custom_questions
from judged
