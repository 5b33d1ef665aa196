-- Whom did we register for which webinar?
-- grain: one row per object_key of a wish that Zoom fulfilled
-- units: contact_id is null where it was not for a contact of HubSpot, else that which remains after mergers;
--        registered_at is Zoom's create_time as soon as it was read, until then when we last had read before asking;
--        webinar_url is the webinar's own; join_url is the person's own and a secret, null before the host approves
-- rule:  HZ-23, ZM-03
with

done as (

    select
        object_key,
        try_cast(split_part(object_key, '|', 1) as bigint) as webinar_id,
        split_part(object_key, '|', 2) as occurrence_id,
        split_part(object_key, '|', 3) as who,
        try_cast(regexp_extract(split_part(object_key, '|', 3), '^hubspot:(\d+)$', 1) as bigint) as contact_id,
        email,
        cast('0x' || left(md5(email), 15) as bigint) as email_key,
        vendor_id as registrant_id,
        join_url,
        occurred_at,
        row_number() over (
            partition by object_key
            order by occurred_at desc, observed_at desc, event_id
        ) as recency
    from stg_turnout__outcomes
    where
        destination = 'zoom'
        and object = 'registration'
        and status = 'published'
        and occurred_at <= getvariable('as_of')

),

listed as (

    select
        webinar_id,
        email_key,
        min(registered_at) as registered_at
    from int_registrants
    semi join done using (webinar_id, email_key)
    group by webinar_id, email_key

),

joined as (

    select
        done.object_key,
        done.webinar_id,
        done.occurrence_id,
        done.who,
        coalesce(survivors.survivor_id, done.contact_id) as contact_id,
        done.email,
        done.email_key,
        done.registrant_id,
        coalesce(listed.registered_at, done.occurred_at) as registered_at,
        int_webinars.account,
        int_webinars.join_url as webinar_url,
        done.join_url
    from done
    left join int_webinars using (webinar_id)
    left join listed using (webinar_id, email_key)
    left join int_contact_survivors as survivors
        on done.contact_id = survivors.contact_id
    where done.recency = 1

)

select * from joined
