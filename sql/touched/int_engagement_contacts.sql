-- Which engagements may be with other contacts now: their own changes, mergers, and contacts that came or went
-- grain: one row per key of int_engagement_contacts, at least of those whose rows differ
-- narrowed: int_engagements by activity_key
select activity_key from int_engagements__changed
union
select activity_key from int_engagement_contacts__before
where
    told_id in (
        select contact_id from int_contact_survivors__changed
        union
        select contact_id from int_contacts__changed
    )
    or kept_id in (select contact_id from int_contacts__changed)
