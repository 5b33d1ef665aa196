-- Whose sums may differ now
-- grain: one row per key of contact_metrics, at least of those whose rows differ
-- narrowed: int_zoom_metrics by subject_key; int_crm_metrics by subject_key
select subject_key from int_zoom_metrics__changed
union
select subject_key from int_crm_metrics__changed
union
select subject_key from contact_metrics__before
where last_registered_webinar_id in (select webinar_id from int_webinars__changed)
