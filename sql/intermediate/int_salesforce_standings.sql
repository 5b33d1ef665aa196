-- Since when has Salesforce known the person whom a record stands for?
-- grain: one row per record_id of a Contact or a Lead that is there now
-- units: known_since is the earliest CreatedDate among the record and those that became it, UTC
-- rule:  HS-03, so that it never moves when Salesforce converts or merges
with

together as (

    select
        coalesce(merged.survivor_id, people.record_id) as record_id,
        people.created_at
    from int_salesforce_people as people
    left join int_salesforce_survivors as merged
        on people.record_id = merged.record_id
    where merged.record_id is null or merged.survivor_id is not null

),

earliest as (

    select
        record_id,
        min(created_at) as known_since
    from together
    group by record_id

)

select
    people.record_id,
    left(people.record_id, 15) as short_id,
    people.org_id,
    people.record_kind,
    people.email_key,
    people.account_id,
    people.owner_id,
    people.is_converted,
    earliest.known_since
from int_salesforce_people as people
inner join earliest using (record_id)
where not people.is_gone
