-- Whose history of sales emails and content may differ now: contacts that changed, and those they were merged into
-- grain: one row per key of int_sales_touches, at least of those whose rows differ
with

moved as (

    select contact_id from int_contacts__changed
    where len(sales_opens) + len(sales_clicks) + len(content_views) > 0
    union
    select contact_id from int_contact_survivors__changed

)

select contact_id as holder_id from int_contacts__changed
where contact_id in (select holder_id from int_sales_touches__before)
union
select contact_id as holder_id from moved
union
select survivor_id as holder_id from int_contact_survivors
where contact_id in (select contact_id from moved) and survivor_id is not null
union
select holder_id from int_sales_touches__before
where told_id in (select contact_id from moved)
union
select survivor_id as holder_id from int_contact_survivors__changed
where survivor_id is not null
