-- Which status should each member of a linked program have in Marketo?
-- grain: one row per object_key: the program and the lead's id, or the address of who is no lead yet
-- units: statusName is a name of the program's channel
-- rule:  ZM-05, ZM-06, ZM-10; reason is null for what is to be told
-- destination: marketo
-- object: member
-- context: instance, program_id, status, email
-- verdict: verdict
select
    member_key as object_key,
    cast(lead_id as varchar) as vendor_id,
    reason,
    verdict,
    account as instance,
    cast(program_id as varchar) as program_id,
    wanted_status as status,
    email,
    wanted_status as "statusName"
from int_marketo_members
