-- What became of each contact that was merged into another?
-- grain: one row per contact_id that another contact says it took in
-- units: survivor_id is the contact at the end of all mergers, null where they lead in a circle
-- rule:  HS-09, HZ-06; HubSpot's own list on the contact that remains, followed as far as it goes
with recursive

followed as (

    select
        contact_id,
        winner_id as survivor_id
    from int_merged_contacts
    union
    select
        followed.contact_id,
        int_merged_contacts.winner_id as survivor_id
    from followed
    inner join int_merged_contacts
        on followed.survivor_id = int_merged_contacts.contact_id

),

ends as (

    select
        contact_id,
        survivor_id
    from followed
    where survivor_id not in (select contact_id from int_merged_contacts)

)

select
    int_merged_contacts.contact_id,
    ends.survivor_id
from int_merged_contacts
left join ends using (contact_id)
