-- Who is to be registered for which webinar, by whose wish, and what would be told of them?
-- grain: one row per object_key: webinar, occurrence and who; a webinar's id that is none stands as it was written
-- units: webinar_id is null where what was written is no id; occurrence_id is '' for the whole webinar; contact_id is
--        null for who is no contact; is_registered is told here of members of Marketo alone; questions and
--        custom_questions are the JSON of answers, null without any; unanswered is the first question that must be
--        answered and is not
-- rule:  HZ-32, HZ-33, ZM-02, ZM-04; blanks and dashes in an id do not count
with

settings as (

    select
        wish_property,
        questions as asked,
        unnest(case when len(wish_forms) = 0 then [null] else wish_forms end) as form
    from int_settings

),

told as (

    select
        contact_id,
        properties,
        occurred_at,
        row_number() over (
            partition by contact_id
            order by occurred_at desc, observed_at desc, event_id
        ) as recency
    from stg_hubspot__contact_properties
    where occurred_at <= getvariable('as_of')

),

by_property as (

    select
        'property' as origin,
        told.contact_id,
        cast(null as varchar) as email,
        cast(null as varchar) as answers,
        json_extract_string(told.properties, '$."' || settings.wish_property || '"') as written,
        told.occurred_at as wished_at
    from told
    cross join (select distinct wish_property from settings) as settings
    where told.recency = 1 and settings.wish_property <> ''

),

by_form as (

    select
        'form' as origin,
        int_contact_addresses.contact_id,
        sent.email,
        sent.answers,
        cast(settings.form.webinar_id as varchar) as written,
        sent.submitted_at as wished_at
    from stg_hubspot__form_submissions as sent
    inner join settings
        on sent.form_id = settings.form.form_id
    left join int_contact_addresses
        on sent.email_key = int_contact_addresses.email_key
    where sent.submitted_at <= getvariable('as_of')

),

by_hand as (

    select
        'hand' as origin,
        contact_id,
        cast(null as varchar) as email,
        cast(null as varchar) as answers,
        cast(webinar_id as varchar) as written,
        occurred_at as wished_at
    from stg_turnout__wishes
    where occurred_at <= getvariable('as_of')

),

leads as (

    select
        account,
        lead_id,
        first_name,
        last_name,
        company,
        phone,
        row_number() over (
            partition by account, lead_id
            order by occurred_at desc, observed_at desc, event_id
        ) as recency
    from stg_marketo__leads
    where kind = 'seen' and occurred_at <= getvariable('as_of')

),

by_member as (

    select
        'marketo' as origin,
        cast(null as bigint) as contact_id,
        members.email,
        cast(links.webinar_id as varchar) as written,
        links.occurrence_id,
        timestamptz '1970-01-01 00:00:00+00' as wished_at,
        'marketo:' || members.account || ':' || cast(members.lead_id as varchar) as who,
        leads.first_name,
        leads.last_name,
        nullif(leads.company, '') as org,
        nullif(leads.phone, '') as phone,
        members.is_registered
    from int_marketo_members as members
    inner join int_marketo_links as links
        on members.account = links.account and members.program_id = links.program_id
    left join leads
        on members.account = leads.account and members.lead_id = leads.lead_id and leads.recency = 1
    where links.reason is null and members.is_member and members.status = links.registered_status

),

of_hubspot as (

    select * from by_property
    union all
    select * from by_form
    union all
    select * from by_hand

),

united as (

    select
        origin,
        contact_id,
        email,
        answers,
        written,
        wished_at,
        cast(null as varchar) as occurrence_id,
        cast(null as varchar) as who,
        cast(null as varchar) as first_name,
        cast(null as varchar) as last_name,
        cast(null as varchar) as org,
        cast(null as varchar) as phone,
        cast(null as boolean) as is_registered
    from of_hubspot
    union all
    select
        origin,
        contact_id,
        email,
        cast(null as varchar) as answers,
        written,
        wished_at,
        occurrence_id,
        who,
        first_name,
        last_name,
        org,
        phone,
        is_registered
    from by_member

),

wishes as (

    select
        origin,
        contact_id,
        email,
        answers,
        written,
        wished_at,
        first_name,
        last_name,
        org,
        phone,
        is_registered,
        coalesce(occurrence_id, '') as occurrence_id,
        regexp_replace(written, '[\s\p{Z}\p{Pd}]', '', 'g') as plain,
        coalesce(who, 'hubspot:' || cast(contact_id as varchar), email) as who
    from united

),

latest as (

    select
        *,
        case when regexp_matches(plain, '^[0-9]{1,18}$') then cast(plain as bigint) end as webinar_id,
        row_number() over (partition by plain, occurrence_id, who order by wished_at desc, origin) as recency
    from wishes
    where plain <> '' and who <> ''

),

chosen as (

    select * from latest
    where recency = 1

),

people as (

    select
        int_contacts.contact_id,
        int_contacts.email,
        int_contacts.email_key,
        int_contacts.first_name,
        int_contacts.last_name,
        int_contacts.is_live
    from int_contacts
    semi join chosen using (contact_id)

),

forms as (

    select
        webinar_id,
        fields,
        required_fields,
        titles,
        required_titles,
        row_number() over (
            partition by webinar_id
            order by occurred_at desc, observed_at desc, event_id
        ) as recency
    from stg_zoom__questions
    semi join chosen using (webinar_id)
    where kind = 'seen' and occurred_at <= getvariable('as_of')

),

joined as (

    select
        coalesce(cast(chosen.webinar_id as varchar), chosen.plain) || '|' || chosen.occurrence_id || '|' || chosen.who
            as object_key,
        chosen.webinar_id,
        chosen.occurrence_id,
        chosen.written,
        chosen.origin,
        chosen.wished_at,
        chosen.contact_id,
        coalesce(people.is_live, false) or chosen.contact_id is null as is_known,
        coalesce(people.email, chosen.email, '') as email,
        trim(coalesce(
            nullif(people.first_name, ''),
            chosen.first_name,
            regexp_extract(chosen.answers, '(?m)^firstname: (.*)$', 1),
            ''
        )) as first_name,
        trim(coalesce(
            nullif(people.last_name, ''),
            chosen.last_name,
            regexp_extract(chosen.answers, '(?m)^lastname: (.*)$', 1),
            ''
        )) as last_name,
        chosen.org,
        chosen.phone,
        coalesce(chosen.is_registered, false) as is_registered,
        list_filter(
            list_transform(
                asked.questions,
                lambda q: {
                    'question': q.question,
                    'answer': trim(coalesce(json_extract_string(told.properties, '$."' || q.property || '"'), ''))
                }
            ),
            lambda q: q.answer <> ''
        ) as answered,
        asked.questions as mapped,
        coalesce(forms.titles, []) as titles,
        list_filter(
            coalesce(forms.required_fields, []),
            lambda name: not list_contains(['first_name', 'last_name', 'email'], name)
        ) as required_fields,
        coalesce(list_contains(forms.required_fields, 'last_name'), false) as is_last_name_required,
        coalesce(forms.required_titles, []) as required_titles
    from chosen
    cross join (select distinct asked as questions from settings) as asked
    left join people
        on chosen.contact_id = people.contact_id
    left join told
        on chosen.contact_id = told.contact_id and told.recency = 1
    left join forms
        on chosen.webinar_id = forms.webinar_id and forms.recency = 1

),

split as (

    select
        *,
        list_filter(
            answered,
            lambda q: not list_contains(titles, q.question) and list_contains(
                [
                    'address',
                    'city',
                    'country',
                    'zip',
                    'state',
                    'phone',
                    'industry',
                    'org',
                    'job_title',
                    'purchasing_time_frame',
                    'role_in_purchase_process',
                    'no_of_employees',
                    'comments'
                ],
                q.question
            )
        ) as standard,
        list_filter(answered, lambda q: list_contains(titles, q.question)) as custom,
        case when org <> '' then ['org'] else [] end || case when phone <> '' then ['phone'] else [] end as known
    from joined

),

named as (

    select
        object_key,
        webinar_id,
        occurrence_id,
        written,
        origin,
        wished_at,
        contact_id,
        is_known,
        email,
        case when email <> '' then cast('0x' || left(md5(email), 15) as bigint) end as email_key,
        first_name,
        last_name,
        org,
        phone,
        is_registered,
        case when len(standard) > 0 then cast(
            to_json(map_from_entries([struct_pack(key := q.question, value := q.answer) for q in standard]))
            as varchar
        ) end as questions,
        case when len(custom) > 0 then cast(
            to_json(map_from_entries([struct_pack(key := q.question, value := q.answer) for q in custom]))
            as varchar
        ) end as custom_questions,
        coalesce(
            case when is_last_name_required and last_name = '' then 'last_name' end,
            list_filter(
                required_fields || required_titles,
                lambda name: not list_contains(known || list_transform(answered, lambda q: q.question), name)
            )[1]
        ) as unanswered,
        list_transform(mapped, lambda q: q.question) as mapped
    from split

)

select
    * exclude (mapped),
    list_contains(mapped, unanswered) as is_mapped
from named
