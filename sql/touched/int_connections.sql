-- Which connections may count otherwise now: new ones, and those whose session, registrant, address or role changed
-- grain: one row per key of int_connections, at least of those whose rows differ
-- narrowed: stg_zoom__participants by connection_key; int_registrants by registrant_key of stg_zoom__participants;
--   int_addresses by email_key of stg_zoom__participants; int_addresses by email_key of int_registrants
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

registrants as (

    select
        webinar_id,
        registrant_key,
        email_key
    from int_registrants__came
    except
    select
        webinar_id,
        registrant_key,
        email_key
    from int_registrants__gone

),

lost_registrants as (

    select
        webinar_id,
        registrant_key,
        email_key
    from int_registrants__gone
    except
    select
        webinar_id,
        registrant_key,
        email_key
    from int_registrants__came

),

sessions as (

    select
        int_sessions.session_key,
        registrants.registrant_key
    from int_sessions
    inner join registrants using (webinar_id)
    union
    select
        int_sessions.session_key,
        lost_registrants.registrant_key
    from int_sessions
    inner join lost_registrants using (webinar_id)

)

select connection_key from stg_zoom__participants__changed
union
select connection_key from stg_zoom__participants
where occurred_at > getvariable('as_of_before') and occurred_at <= getvariable('as_of')
union
select connection_key from stg_zoom__participants
where session_key in (select session_key from int_sessions__changed)
union
select told.connection_key
from stg_zoom__participants as told
inner join sessions using (session_key, registrant_key)
union
select connection_key from int_connections__before
where identity_key in (select email_key from moved_addresses)
union
select connection_key from int_connections__before
where
    webinar_id in (
        select webinar_id from int_panelists__changed
        union
        select webinar_id from int_webinars__changed
    )
