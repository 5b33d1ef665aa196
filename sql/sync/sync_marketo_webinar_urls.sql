-- Which join link of its own should each member have in Marketo?
-- grain: one row per object_key: the program and the lead's id
-- units: webinarUrl is the registrant's own join link, a secret
-- rule:  ZM-03; until the webinar is over, of members who are registered in Marketo and in Zoom
-- destination: marketo
-- object: webinar_url
-- context: instance, program_id
select
    member_key as object_key,
    cast(lead_id as varchar) as vendor_id,
    case
        when webinar_url = join_url and told.object_key is null
            then 'already_there: Marketo has the link already'
    end as reason,
    account as instance,
    cast(program_id as varchar) as program_id,
    join_url as "webinarUrl"
from int_marketo_members
left join (
    select distinct object_key
    from int_published
    where destination = 'marketo' and object = 'webinar_url'
) as told
    on int_marketo_members.member_key = told.object_key
where is_tracked and progress = 'not_over' and join_url is not null
