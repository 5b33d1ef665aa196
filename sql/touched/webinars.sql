-- Which webinars may have gone otherwise: those of which an occurrence, a person or a connection changed
-- grain: one row per key of webinars, at least of those whose rows differ
-- narrowed: int_occurrences by webinar_id; int_participations by webinar_id; int_connections by webinar_id
select webinar_id from int_occurrences__changed
union
select webinar_id from int_participations__changed
union
select webinar_id from int_connections__changed
