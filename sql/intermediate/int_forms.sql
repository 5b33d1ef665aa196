-- What is each form called?
-- grain: one row per portal_id and form_id that has a name, gone ones too
-- rule:  HS-01
with

ordered as (

    select
        account as portal_id,
        form_id,
        form_name,
        row_number() over (
            partition by account, form_id
            order by
                occurred_at <= getvariable('as_of') desc,
                abs(epoch_us(occurred_at) - epoch_us(getvariable('as_of'))),
                observed_at desc,
                event_id
        ) as nearness
    from stg_hubspot__forms
    where kind = 'seen' and form_name <> ''

)

select
    portal_id,
    form_id,
    form_name
from ordered
where nearness = 1
