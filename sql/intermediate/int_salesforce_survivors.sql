-- Who stands now for a record that was merged or converted?
-- grain: one row per record_id that another record stands for
-- units: survivor_id is the record at the end of all mergers and conversions, null where they lead in a circle
-- rule:  HS-03, HS-09
with recursive

next_ones as (

    select
        record_id,
        successor_id
    from int_salesforce_people
    where successor_id is not null

),

followed as (

    select
        record_id,
        successor_id as survivor_id
    from next_ones
    union
    select
        followed.record_id,
        next_ones.successor_id as survivor_id
    from followed
    inner join next_ones
        on followed.survivor_id = next_ones.record_id

),

ends as (

    select
        record_id,
        survivor_id
    from followed
    where survivor_id not in (select record_id from next_ones)

)

select
    next_ones.record_id,
    ends.survivor_id
from next_ones
left join ends using (record_id)
