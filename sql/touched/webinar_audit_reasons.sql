-- Of which webinars may something else be missing: those of which anything that a reason looks at changed
-- grain: one row per key of webinar_audit_reasons, at least of those whose rows differ
-- narrowed: int_webinars by webinar_id; int_occurrences by webinar_id; int_registrants by webinar_id;
--   int_connections by webinar_id; int_sessions by webinar_id; int_report_reads by webinar_id;
--   int_recordings by webinar_id; int_registrations by webinar_id; int_attendances by webinar_id;
--   int_addresses by email_key of int_registrants
with

moved_addresses as (

    (
        select
            email_key,
            person_key,
            zoom_reason
        from int_addresses__came
        except
        select
            email_key,
            person_key,
            zoom_reason
        from int_addresses__gone
    )
    union
    (
        select
            email_key,
            person_key,
            zoom_reason
        from int_addresses__gone
        except
        select
            email_key,
            person_key,
            zoom_reason
        from int_addresses__came
    )

),

touched as (

    select webinar_id from int_webinars__changed
    union
    select webinar_id from int_occurrences__changed
    union
    select webinar_id from int_registrants__changed
    union
    select webinar_id from int_registrations__changed
    union
    select webinar_id from int_connections__changed
    union
    select webinar_id from int_attendances__changed
    union
    select webinar_id from int_sessions__changed
    union
    select webinar_id from int_report_reads__changed
    union
    select webinar_id from int_recordings__changed
    union
    select webinar_id from int_registrants
    where email_key in (select email_key from moved_addresses)

)

select webinar_id from touched
